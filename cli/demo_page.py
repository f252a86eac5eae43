"""The demo's customer page: portal and worker in this process, and a customer's admin who clicks in the plugin."""

import asyncio
import html
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from cli.serving import bound, free_port, portal_server, signed_link
from greenlight.ats.database import open_database
from greenlight.ats.requests import Requests
from greenlight.errors import Defect
from greenlight.settings import Settings

#: How long the demo waits for what takes less than a second.
_PATIENCE_SECONDS = 30.0
#: Where the stand-in for an ATS's own settings page is.
_ATS_PORT = 8781
_BUNDLE = "APPLY_WITH_LINKEDIN"

Say = Callable[[str], None]
MakeLink = Callable[[str], str]


async def click_through(settings: Settings, customer: str, say: Say) -> dict[str, Any]:
    """Let a customer's admin request Apply with LinkedIn; what the page shows in the end. Raises Defect."""
    async with _page_running(settings) as make_link:
        link = make_link(customer)
        try:
            return await _click(settings, link, _BUNDLE, say)
        except httpx.HTTPError as error:
            answered = f"HTTP {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else "no answer"
            raise Defect(
                f"the demo's page cannot be clicked through ({answered})", "run the demo again, or start over: --fresh"
            ) from None


async def leave_open(settings: Settings, customers: Sequence[str], linkedin: str, say: Say) -> None:
    """Keep the page, the worker and the way to both open until stopped."""
    port = free_port(_ATS_PORT)
    with bound("127.0.0.1", port) as listener:
        async with _page_running(settings) as make_link:
            app = _ats_page(settings, customers, make_link, linkedin)
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
            async with _running(server, listener):
                stopped = asyncio.Event()
                for number in (signal.SIGINT, signal.SIGTERM):
                    asyncio.get_running_loop().add_signal_handler(number, stopped.set)
                say(f"Open http://127.0.0.1:{port} in a browser. Stop with Ctrl-C.")
                await stopped.wait()


@asynccontextmanager
async def _page_running(settings: Settings) -> AsyncIterator[MakeLink]:
    """The portal where GREENLIGHT_PORTAL_URL says, and a worker; yields what makes links for customers."""
    from blocks.portal_keys import portal_keys
    from portal.lifespan import create_portal
    from tasks.realtime.worker import answer_rings

    keys = await portal_keys()
    address = urlsplit(settings.portal_url)
    database = open_database(settings.database_url.get_secret_value())
    try:
        with bound(address.hostname or "", address.port or 0) as listener:
            server = portal_server(create_portal(settings, database, keys))
            async with _running(server, listener):
                worker = asyncio.create_task(answer_rings())
                try:
                    yield lambda customer: signed_link(settings, keys, customer)
                finally:
                    worker.cancel()
                    with suppress(asyncio.CancelledError):
                        await worker
    finally:
        database.close()


def _ats_page(settings: Settings, customers: Sequence[str], make_link: MakeLink, linkedin: str) -> FastAPI:
    """A stand-in for the ATS's own settings page, which sends its customers' admins on with fresh links."""
    database = open_database(settings.database_url.get_secret_value())
    applications = {customer: Requests(database).page(customer).client_id for customer in customers}
    database.close()
    app = FastAPI(openapi_url=None)

    @app.get("/")
    async def settings_page() -> HTMLResponse:
        rows = "".join(
            f'<li>{customer}: <a href="/open/{customer}">LinkedIn integrations</a>, '
            f'<a href="{linkedin}/sandbox/recruiter/{applications[customer]}">its Recruiter admin</a></li>'
            for customer in customers
        )
        return HTMLResponse(
            "<!doctype html><html lang=en><link rel=icon href='data:,'><title>An ATS</title>"
            "<h1>An ATS: settings of its customers</h1>"
            "<p>Your own settings page makes a signed link for the customer that is logged in, and sends the browser"
            f" on.</p><ul>{rows}</ul></html>"
        )

    @app.get("/open/{customer}")
    async def open_page(customer: str) -> Response:
        return RedirectResponse(make_link(customer), 303) if customer in customers else HTMLResponse("", 404)

    return app


@asynccontextmanager
async def _running(server: uvicorn.Server, listener: socket.socket) -> AsyncIterator[None]:
    # Signals stay with the demo.
    task = asyncio.create_task(server._serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def _click(settings: Settings, link: str, bundle: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Open the page as a browser does, click Request for a bundle, and tell what the page shows until it rests.

    Returns the page's last state.
    """
    async with httpx.AsyncClient(base_url=settings.portal_url, follow_redirects=True, trust_env=False) as browser:
        origin = {"Origin": settings.portal_url}
        (await browser.get(link)).raise_for_status()
        # What its button does.
        page = (await browser.post(link, headers=origin)).raise_for_status().text
        token = html.unescape(re.findall(r'name="csrf-token" content="([^"]+)"', page)[0])
        api_key = re.findall(r"api_key: (\S+)", page)[0]
        began = time.monotonic()
        plugin = settings.linkedin_widget_url.removesuffix("/uas/in.js") + "/plugin/request"
        answer = await browser.post(plugin, json={"api_key": api_key, "bundle": bundle}, headers=origin)
        integrations = answer.raise_for_status().json()["bundles"][bundle]["integrations"]
        say(f"{time.monotonic() - began:5.2f} s  the plugin calls back: {len(integrations)} requested")
        body = {"integrations": integrations}
        stored = await browser.post("/requests", json=body, headers={**origin, "X-CSRF-Token": token})
        stored.raise_for_status()
        said: dict[str, str] = {}
        while True:
            state = (await browser.get("/integrations.json")).raise_for_status().json()
            for entry in state["integrations"]:
                if said.get(entry["id"]) != entry["headline"]:
                    said[entry["id"]] = entry["headline"]
                    say(f"{time.monotonic() - began:5.2f} s  {entry['title']}: {entry['headline']}")
            # What is calm is no trouble yet, such as an enable that is confirmed and not shown.
            resting = not any(e["calm"] or e["state"] in ("requested", "enabling") for e in state["integrations"])
            if resting or time.monotonic() - began > _PATIENCE_SECONDS:
                return state
            await asyncio.sleep(0.05)
