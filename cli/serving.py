"""`portal`, `worker` and `link`: the customers' page, who acts on its requests, and the way to it."""

import asyncio
import atexit
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from rich.console import Console

from cli.children import ending_with_us
from cli.errors import CannotRun
from cli.log_lines import log_lines
from cli.opening import ats_database
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_json
from greenlight.ats.applications import Applications
from greenlight.ats.database import Database, kept_open
from greenlight.settings import LogFormat, Settings, load_settings

_log = logging.getLogger("greenlight.serving")
_STDERR = Console(stderr=True, soft_wrap=True, emoji=False)


def run_link(customer: str, *, as_json: bool) -> int:
    settings = load_settings()
    link = make_link(settings, customer)
    if as_json:
        print_json({"schema": "greenlight.link/1", "command": "link", "customer_id": customer, "link": link})
    else:
        sys.stdout.write(link + "\n")
        _STDERR.print("It opens the page once, within 15 minutes; give it to nobody but this customer.", markup=False)
    return 0


def make_link(settings: Settings, customer: str) -> str:
    """A link that opens this customer's page once. Raises UnknownCustomer."""
    Applications(ats_database(settings)).select((customer,), ())
    quiet_prefect()
    from blocks.portal_keys import portal_keys

    return signed_link(settings, asyncio.run(portal_keys()), customer)


def signed_link(settings: Settings, keys: Sequence[str], customer: str) -> str:
    from portal.links import Links

    return f"{settings.portal_url}/open/{Links(keys, time.time).issue(customer)}"


def run_worker(*, as_json: bool) -> int:
    """Act on what customers request, until stopped."""
    settings = load_settings()
    url = settings.database_url.get_secret_value()
    ats_database(settings).close()
    quiet_prefect()
    from prefect.settings import PREFECT_API_URL

    from tasks.realtime.worker import answer_rings

    if not PREFECT_API_URL.value():
        raise CannotRun("the worker needs the Prefect server that the portal rings", "set PREFECT_API_URL")
    asyncio.run(_reach_prefect())
    log_lines(settings.log_format, "greenlight")
    if as_json:
        _print_serving("worker", database=settings.database)
    _tell("Acting on what customers request in the plugin; stop with Ctrl-C.", settings)

    async def run() -> None:
        answering = asyncio.create_task(answer_rings())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, answering.cancel)
        await answering

    with kept_open(url), suppress(asyncio.CancelledError):
        asyncio.run(run())
    return 0


async def _reach_prefect() -> None:
    # The worker's own subscription would wait for ever without a word.
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        (await client.request("GET", "/health")).raise_for_status()


def _tell(text: str, settings: Settings) -> None:
    """What a person at a terminal is told, and whoever collects logs too."""
    if settings.log_format is LogFormat.JSON:
        _log.info("%s", text)
    else:
        console_for_people(stderr=True).print(plain(text))


def run_portal(host: str | None, port: int | None, *, as_json: bool) -> int:
    """Serve the customers' page until stopped; without a Prefect server of yours, with one of its own."""
    settings = load_settings()
    address = urlsplit(settings.portal_url)
    quiet_prefect()
    log_lines(settings.log_format, "portal", _log.name)
    with ExitStack() as stack:
        # First, since a server and a worker of the portal's own would be started for nothing.
        database = ats_database(settings)
        from prefect.settings import PREFECT_API_URL

        if not PREFECT_API_URL.value():
            stack.enter_context(local_prefect())
            stack.enter_context(worker_process())
            _tell("PREFECT_API_URL is not set: a Prefect server and a worker of its own are running.", settings)
        else:
            _tell("Requests are acted on by `greenlight worker`: is one running?", settings)
        # With https the address is that of a proxy in front, whose host and port are not ours to listen on.
        own_host, own_port = ("127.0.0.1", None) if address.scheme == "https" else (address.hostname, address.port)
        listener = stack.enter_context(bound(host or own_host or "127.0.0.1", port or own_port or 8780))
        at, on = listener.getsockname()[:2]
        listening = f", listening on {at} port {on} for the proxy in front" if address.scheme == "https" else ""
        _tell(f"Portal at {settings.portal_url}{listening}; links: greenlight link CUSTOMER", settings)
        if as_json:
            _print_serving("portal", url=settings.portal_url, host=at, port=on, database=settings.database)
        server = portal_server(_portal_app(settings, database))
        with stoppable():
            server.run(sockets=[listener])
    return 0


def run_sandbox(host: str, port: int, world: Path | None, *, as_json: bool) -> int:
    from sandbox.__main__ import CannotServe, serve

    def tell(url: str) -> None:
        if as_json:
            _print_serving("sandbox", url=url)
        else:
            sys.stdout.write(f"Sandbox listens on {url}\n")
        sys.stdout.flush()

    try:
        return serve(host, port, world, tell=tell)
    except CannotServe as error:
        raise CannotRun(str(error)) from None


def _print_serving(command: str, **what: Any) -> None:
    """The one document of what serves until it is stopped: printed once it serves, for whoever waits for that."""
    print_json({"schema": "greenlight.serving/1", "command": command, **what})
    sys.stdout.flush()


@contextmanager
def stoppable() -> Iterator[None]:
    """To be stopped is how a server ends, by Ctrl-C or by SIGTERM, and its children are stopped with it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def portal_server(app: FastAPI) -> uvicorn.Server:
    """A server for the portal's application."""
    from portal.connections import Connection

    config = uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=32_768,
    )
    return uvicorn.Server(config)


def _portal_app(settings: Settings, database: Database) -> FastAPI:
    from blocks.portal_keys import portal_keys
    from portal.lifespan import create_portal

    return create_portal(settings, database, asyncio.run(portal_keys()))


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises CannotRun where there is none to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named does asyncio turn Nagle off, and an answer is two writes: 40 ms otherwise.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            # From here on callers are queued, however long the server takes to come.
            listener.listen(128)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CannotRun(f"cannot listen on {host} port {port}: {reason}", "give another --host or --port") from None
        yield listener
    finally:
        listener.close()


def free_port(preferred: int) -> int:
    """This port, or another one where it is taken."""
    with suppress(CannotRun), bound("127.0.0.1", preferred):
        return preferred
    with bound("127.0.0.1", 0) as listener:
        return listener.getsockname()[1]


@contextmanager
def local_prefect() -> Iterator[str]:
    """A Prefect server of this process's own, which this process and its children then use.

    It stops when the process ends, after Prefect's client has sent it the last of the log, or is killed.
    """
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import PREFECT_API_URL, temporary_settings

    server = SubprocessASGIServer()
    server.start(timeout=120)
    if server.server_process is not None:
        watched = ExitStack()
        watched.enter_context(ending_with_us(server.server_process.pid))
        # Before Prefect's own, which stops the server.
        atexit.register(watched.close)
    before = os.environ.get("PREFECT_API_URL")
    os.environ["PREFECT_API_URL"] = server.api_url
    try:
        with temporary_settings({PREFECT_API_URL: server.api_url}):
            yield server.api_url
    finally:
        if before is None:
            del os.environ["PREFECT_API_URL"]
        else:
            os.environ["PREFECT_API_URL"] = before


@contextmanager
def worker_process() -> Iterator[subprocess.Popen[bytes]]:
    """`greenlight worker` as a child with this process's environment."""
    process = subprocess.Popen([sys.executable, "-m", "cli", "worker"])
    try:
        with ending_with_us(process.pid):
            yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
