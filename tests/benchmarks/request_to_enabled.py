"""From the click on Request until LinkedIn shows ENABLED, and until the customer's page does, beside a bare loop.

`python tests/benchmarks/request_to_enabled.py [--customers 20]`: a Prefect server, `greenlight worker`, the portal, the
sandbox and a Chromium on this machine. Without a browser the clock starts at `POST /requests`. Loopback only.
"""

import argparse
import asyncio
import logging
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import httpx
from pydantic import SecretStr

from cli.quiet import quiet_prefect

quiet_prefect()

from cli.serving import local_prefect  # noqa: E402
from greenlight.ats.database import make_database  # noqa: E402 - Prefect reads its settings on import
from greenlight.domain.keys import IntegrationKey  # noqa: E402
from greenlight.domain.status import Status  # noqa: E402
from greenlight.linkedin.calls import Calls  # noqa: E402
from greenlight.linkedin.integrations import Enabler  # noqa: E402
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens  # noqa: E402
from greenlight.linkedin.transport import Wire  # noqa: E402
from tests.browser.chromium import find_chromium, what_is_missing  # noqa: E402
from tests.browser.stage import Customer, Stage, open_stage, until  # noqa: E402
from tests.portal.world import Page  # noqa: E402

TARGET = 2.0  # seconds, median, from the click to ENABLED
BUNDLE = "APPLY_WITH_LINKEDIN"


class Took(NamedTuple):
    enabled: float
    shown: float | None


def is_enabled(there: Stage, customer: Customer) -> bool:
    status, _, effective = there.at_linkedin(customer.client_id).get(BUNDLE, (None, 0, 0))
    return status == "ENABLED" and effective == 1


async def by_browser(there: Stage, customer: Customer) -> Took:
    from tests.browser.visitor import APPLY, expect

    async with there.visit(customer) as visitor:
        button = visitor.button(f"Request: {APPLY}")
        await expect(button).to_be_visible()
        # The page notes both moments itself: asking it over and over would slow it down.
        await visitor.page.evaluate(
            """() => {
              addEventListener('click', () => { window.clicked = Date.now(); }, { capture: true, once: true });
              const list = document.getElementById('integrations');
              new MutationObserver(() => {
                if (list.querySelector('[data-state="enabled"]')) window.shown ??= Date.now();
              }).observe(list, { attributes: true, childList: true, subtree: true });
            }"""
        )
        click = asyncio.create_task(button.click())
        await until(lambda: is_enabled(there, customer))
        enabled = time.time()
        await click
        await visitor.page.wait_for_function("() => window.shown")
        clicked, shown = await visitor.page.evaluate("[window.clicked, window.shown]")
        return Took(enabled - clicked / 1000, (shown - clicked) / 1000)


async def by_post(there: Stage, customer: Customer) -> Took:
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as client:
        ours = {"Origin": there.settings.portal_url}
        token = Page((await client.post(there.link(customer.id), headers=ours)).text).csrf
        (key,) = there.keys(customer, BUNDLE)
        there.linkedin.request(customer.client_id, key)
        names = ("integrationContext", "integrationType", "tenantType")
        begun = time.monotonic()
        answer = await client.post(
            f"{there.settings.portal_url}/requests",
            json={"integrations": [dict(zip(names, key, strict=False))]},
            headers={"Origin": there.settings.portal_url, "X-CSRF-Token": token},
        )
        answer.raise_for_status()
        await until(lambda: is_enabled(there, customer))
        return Took(time.monotonic() - begun, None)


async def bare(there: Stage, customer: Customer) -> float:
    """What LinkedIn's three calls take alone: a token, verify, enable. Nothing is recorded, nobody is told."""
    (key,) = there.keys(customer, BUNDLE)
    there.linkedin.request(customer.client_id, key)
    secret = there.linkedin.clients[customer.client_id].secrets[0]
    credentials = Credentials(customer.client_id, SecretStr(secret))
    ours = IntegrationKey(key.integration_context, key.integration_type, key.tenant_type)
    begun = time.monotonic()
    wire = Wire(15)
    try:
        counts = RequestCounts()
        calls = Calls(wire, Tokens(wire, there.settings.linkedin_token_url, counts), counts)
        enabler = Enabler(calls, there.settings.linkedin_api_url)
        seen: Any = (await enabler.verify(credentials, [ours]))[ours]
        assert seen.status is Status.REQUESTED
        await enabler.enable(credentials, ours, "a name")
    finally:
        await wire.aclose()
    assert is_enabled(there, customer)
    return time.monotonic() - begun


def told(what: str, seconds: list[float]) -> float:
    median = statistics.median(seconds)
    sys.stdout.write(f"{what:<26} median {median:6.3f} s   min {min(seconds):6.3f} s   max {max(seconds):6.3f} s\n")
    return median


async def measure(customers: int, folder: str) -> None:
    url = f"sqlite:///{folder}/ats.db"
    make_database(url).close()
    async with AsyncExitStack() as stack:
        browser, way = None, by_post
        if why := what_is_missing():
            sys.stdout.write(f"No browser ({why}): measured from POST /requests instead of from the click.\n")
        else:
            from tests.browser.visitor import chromium_running

            browser, way = await stack.enter_async_context(chromium_running(find_chromium() or "")), by_browser
        there = await stack.enter_async_context(open_stage(url, os.environ.__setitem__, browser, {}))
        await stack.enter_async_context(there.worker())
        # Once for every connection and cache, and to see that the worker is there.
        await way(there, await there.add("nobody"))
        await bare(there, await there.add("nobody"))
        took: list[Took] = []
        alone: list[float] = []
        for number in range(customers):
            took.append(await way(there, await there.add(f"customer {number}")))
            alone.append(await bare(there, await there.add(f"customer {number}, alone")))
        assert there.violations() == []

    begin = "click" if browser else "POST"
    enabled = told(f"{begin} -> ENABLED", [one.enabled for one in took])
    if shown := [one.shown for one in took if one.shown is not None]:
        told("click -> shown on the page", shown)
    loop = told("bare token, verify, enable", alone)
    verdict = "met" if enabled < TARGET else "missed"
    sys.stdout.write(f"{begin} -> ENABLED / bare: {enabled / loop:.1f} x, {customers} customers one after another\n")
    sys.stdout.write(f"target, median {begin} -> ENABLED under {TARGET:g} s: {verdict}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20)
    customers = parser.parse_args().customers
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        with local_prefect():
            asyncio.run(measure(customers, folder))


if __name__ == "__main__":
    main()
