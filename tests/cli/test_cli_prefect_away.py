"""A Prefect server that goes away in the middle of a command keeps nobody waiting, and nothing from being reported."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from sandbox.app import create_app
from sandbox.faults import Fault
from sandbox.server import serving_in_thread
from tests.cli.conftest import Home
from tests.flows.fault_world import Case, import_file, world

CUSTOMERS = 24


class Way:
    """The way to a server, until it is cut: then nobody answers there any more, as after a SIGKILL."""

    def __init__(self, to: str) -> None:
        self._to = urlsplit(to)
        self._open: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server = self._call(asyncio.start_server(self._pass_on, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._to.path}"

    def cut(self) -> None:
        self._call(self._cut())

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _cut(self) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(self._to.hostname, self._to.port)
        self._open += [writer, ours]

        async def one_way(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(one_way(reader, ours), one_way(theirs, writer))


@contextmanager
def street(folder: Path) -> Iterator[tuple[Home, Any]]:
    """A home whose customers' enables take a second each, a few at a time."""
    slow = Fault.model_validate({"on": "enable", "fault": "hang", "seconds": 1.0, "times": None})
    name = uuid4().hex[:8]
    cases = [Case(f"c{n:02}-{name}", "slow", ("enabled", "ENABLED", "ENABLED"), (slow,)) for n in range(CUSTOMERS)]
    app = create_app(world(tuple(cases)))
    with serving_in_thread(app) as address:
        settings = {
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_SETTLE_SECONDS": "1",
            "GREENLIGHT_CONNECTIONS": "4",
        }
        home = Home(folder, settings, app.state.sandbox)
        home.file("customers.jsonl", import_file(tuple(cases)))
        yield home, app.state.sandbox


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_server_that_dies_in_the_middle_of_apply(prefect_server: str, tmp_path: Path) -> None:
    """Everything is enabled, the report says so, from the database, and so does the exit code; within seconds."""

    def effective() -> int:
        return sum(i["enables"]["effective"] for a in linkedin.state()["applications"] for i in a["integrations"])

    way = Way(prefect_server)
    with street(tmp_path) as (home, linkedin), ThreadPoolExecutor(1) as pool:
        home.settings["PREFECT_API_URL"] = way.url
        assert home.run("import", "customers.jsonl").code == 0
        applying = pool.submit(home.run, "apply", "--yes", "--json")
        give_up = time.monotonic() + 100
        while not effective():
            assert not applying.done(), applying.result().err
            assert time.monotonic() < give_up
            time.sleep(0.05)
        way.cut()
        assert effective() < CUSTOMERS, "it was cut in the middle"
        cut = time.monotonic()
        done = applying.result()
        assert time.monotonic() - cut < 60
    report = done.json()
    assert (done.code, report["verdict"], report["changed"]) == (0, "ok", CUSTOMERS)
    assert report["counts"]["enabled"] == CUSTOMERS
    assert f"(PREFECT_API_URL {way.url}) went away: start that server" in done.err
    assert "stays Running there until somebody sets its state" in done.err
    assert "Traceback" not in done.err
