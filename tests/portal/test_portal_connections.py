"""Connections that take their time: they end, and meanwhile everybody else is served."""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
import pytest

from greenlight.ats.database import Database
from greenlight.settings import Settings
from tests.no_delay import waits_of
from tests.portal.serving import listening, serving
from tests.portal.world import Clock, Portal

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"])

HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
def origin(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for limit, seconds in (("HEAD", 1.0), ("ANSWER", 2.0), ("END", 0.5)):
        monkeypatch.setattr(f"portal.connections.{limit}_SECONDS", seconds)
    clock = Clock()
    clock.now = datetime.now(UTC)
    with listening() as (listener, address):
        portal = Portal(settings.model_copy(update={"portal_url": address}), database, clock)
        with serving(portal.app, listener):
            yield address


def connected(origin: str, sent: bytes = b"") -> socket.socket:
    host, _, port = origin.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(sent)
    return connection


def ended_after(connection: socket.socket, since: float) -> tuple[bytes, float]:
    """What the portal still said, and seconds until it ended the connection."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while got := connection.recv(65_536):
            said += got
    return said, time.monotonic() - since


def is_served(origin: str) -> bool:
    return httpx.get(f"{origin}/healthz", timeout=2, trust_env=False).text == "ok"


def test_attack_08_heads_that_drip_end_and_keep_nobody_waiting(origin: str) -> None:
    """150 of 150 such connections were held for as long as their sender liked."""
    since = time.monotonic()
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(origin, HEAD)) for _ in range(150)]
        while time.monotonic() - since < 1.5:
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")
            assert is_served(origin)
            time.sleep(0.2)
        ends = [ended_after(connection, since) for connection in slow]
    assert max(seconds for _, seconds in ends) < 4
    assert is_served(origin)


def test_a_head_that_is_late_is_told_so(origin: str) -> None:
    with connected(origin, HEAD) as connection:
        said, seconds = ended_after(connection, time.monotonic())
    assert said.startswith(b"HTTP/1.1 408 ")
    assert 0.5 < seconds < 3


def test_a_connection_that_says_nothing_ends(origin: str) -> None:
    with connected(origin) as connection:
        said, seconds = ended_after(connection, time.monotonic())
    assert (said, seconds < 3) == (b"", True)


def test_the_second_request_of_a_connection_is_under_the_same_limit(origin: str) -> None:
    with connected(origin, HEAD + b"\r\n") as connection:
        time.sleep(1.5)
        connection.sendall(HEAD + b"\r\n")
        time.sleep(0.3)
        assert connection.recv(65_536).count(b"HTTP/1.1 200 ") == 2, "between two requests it may rest"
        since = time.monotonic()
        for _ in range(20):
            with contextlib.suppress(OSError):
                connection.sendall(b"G")
            time.sleep(0.1)
        _, seconds = ended_after(connection, since)
    assert seconds < 4


def test_who_asks_and_does_not_read_is_let_go(origin: str) -> None:
    host, _, port = origin.removeprefix("http://").partition(":")
    many = b"GET /static/page.css HTTP/1.1\r\nHost: " + f"{host}:{port}".encode() + b"\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        connection.settimeout(0.5)
        since, is_let_go = time.monotonic(), False
        while not is_let_go:
            assert time.monotonic() - since < 30
            try:
                connection.sendall(many * 50)
            except TimeoutError:
                assert is_served(origin)
            except ConnectionError:
                is_let_go = True


def test_more_connections_than_there_may_be_end_those_that_wait_longest(
    origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.connections.MOST_CONNECTIONS", 20)
    monkeypatch.setattr("portal.connections.HEAD_SECONDS", 60.0)
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(origin, HEAD)) for _ in range(60)]
        for _ in range(5):
            assert is_served(origin)
        slow[0].settimeout(3)
        assert ended_after(slow[0], 0)[0] == b""
        # The newest ones are still listened to.
        slow[-1].sendall(b"\r\n")
        assert slow[-1].recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_no_answer_waits_for_the_browsers_word(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = waits_of(monkeypatch)
    clock = Clock()
    with listening() as (listener, address), serving(Portal(settings, database, clock).app, listener):
        httpx.get(f"{address}/healthz", timeout=2, trust_env=False)
    assert waits == [False]
