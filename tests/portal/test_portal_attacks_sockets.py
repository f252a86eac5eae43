"""Attack 8 on a real connection: lengths that lie, endless chunks, slow bodies."""

import socket
import time
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from greenlight.ats.database import Database
from greenlight.ats.tables import RequestEvidence
from greenlight.settings import Settings
from tests.portal.serving import listening, serving, talk
from tests.portal.world import Clock, Portal, add_customer

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"])

VALID = b'{"integrations":[{"integrationContext":"urn:li:organization:1","integrationType":"A","tenantType":"B"}]}'


class Served:
    """A portal on a socket, and the head of a request that its customer's page would send."""

    def __init__(self, portal: Portal, origin: str, head: bytes) -> None:
        self.portal, self.origin, self.head = portal, origin, head

    def post(self, headers: bytes, *pieces: bytes, pause: float = 0.0) -> bytes:
        return talk(self.origin, self.head + headers + b"\r\n", *pieces, pause=pause)

    @property
    def stored(self) -> bool:
        return bool(self.portal.rows(RequestEvidence))


@pytest.fixture
async def served(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr("portal.bodies.BODY_SECONDS", 0.5)
    add_customer(database, "acme")
    clock = Clock()
    clock.now = datetime.now(UTC)
    with listening() as (listener, origin):
        portal = Portal(settings.model_copy(update={"portal_url": origin}), database, clock)
        async with portal.visit("acme") as browser:
            cookie, csrf = browser.client.cookies["greenlight"], browser.csrf
        host = origin.removeprefix("http://")
        head = (
            f"POST /requests HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: greenlight={cookie}\r\n"
            f"X-CSRF-Token: {csrf}\r\nContent-Type: application/json\r\n"
        )
        with serving(portal.app, listener):
            yield Served(portal, origin, head.encode())


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def chunks(*bodies: bytes) -> list[bytes]:
    return [b"%x\r\n%s\r\n" % (len(body), body) for body in bodies]


def test_attack_08_a_body_of_honest_length(served: Served) -> None:
    answer = served.post(b"Connection: close\r\nContent-Length: %d\r\n" % len(VALID), VALID)
    assert (status(answer), served.stored) == (202, True)
    assert b"server:" not in answer.lower()


def test_attack_08_a_body_in_chunks_without_a_length(served: Served) -> None:
    answer = served.post(
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n", *chunks(VALID[:20], VALID[20:]), b"0\r\n\r\n"
    )
    assert (status(answer), served.stored) == (202, True)


def test_attack_08_a_length_shorter_than_the_body(served: Served) -> None:
    answer = served.post(b"Connection: close\r\nContent-Length: 20\r\n", VALID)
    assert (status(answer), served.stored) == (422, False)


def test_attack_08_a_length_longer_than_the_body(served: Served) -> None:
    start = time.monotonic()
    answer = served.post(b"Content-Length: 5000\r\n", VALID)
    assert (status(answer), served.stored) == (408, False)
    assert time.monotonic() - start < 3
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"0x10", b"", b"9" * 5000])
def test_attack_08_a_length_that_is_no_number(served: Served, length: bytes) -> None:
    answer = served.post(b"Content-Length: " + length + b"\r\n", VALID)
    assert status(answer) in (400, 413)
    assert not served.stored


def test_attack_08_two_lengths_or_a_length_and_chunks(served: Served) -> None:
    two = served.post(b"Content-Length: 5\r\nContent-Length: %d\r\n" % len(VALID), VALID)
    assert (status(two), served.stored) == (400, False)
    both = served.post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", *chunks(VALID), b"0\r\n\r\n")
    # Nothing of it is taken for a second request.
    assert (status(both), both.count(b"HTTP/1.1 ")) == (400, 1)
    assert not served.stored


def test_attack_08_a_declared_length_over_the_limit_is_refused_unread(served: Served) -> None:
    start = time.monotonic()
    answer = served.post(b"Content-Length: 100000000\r\n")
    assert (status(answer), served.stored) == (413, False)
    assert time.monotonic() - start < 0.4
    assert b"connection: close" in answer.lower()


def test_attack_08_endless_chunks(served: Served) -> None:
    chunk = chunks(b" " * 65_536)[0]
    tracemalloc.start()
    try:
        answer = served.post(b"Transfer-Encoding: chunked\r\n", *[chunk] * 2_000)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A reset may overtake the answer; what matters is that nobody goes on listening.
    assert status(answer) in (0, 413)
    assert not served.stored
    assert most < 10_000_000


def test_attack_08_endless_chunks_without_a_session(served: Served) -> None:
    served.head = b"POST /nothing HTTP/1.1\r\nHost: " + served.origin.removeprefix("http://").encode() + b"\r\n"
    answer = served.post(b"Transfer-Encoding: chunked\r\n", *chunks(b"x"), pause=0.2)
    assert status(answer) == 404
    assert b"connection: close" in answer.lower()


def test_attack_08_a_slow_body(served: Served) -> None:
    start = time.monotonic()
    answer = served.post(b"Content-Length: %d\r\n" % len(VALID), *[VALID[i : i + 1] for i in range(12)], pause=0.1)
    assert (status(answer), served.stored) == (408, False)
    assert time.monotonic() - start < 4


def test_attack_08_a_browser_that_leaves_in_the_middle(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    host, _, port = served.origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(served.head + b"Content-Length: 5000\r\n\r\n" + VALID)
    time.sleep(0.3)
    assert not served.stored
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
