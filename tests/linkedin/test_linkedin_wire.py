"""The real transport over real connections: the bytes that leave, and every way in which none come back."""

import asyncio
import time

import httpx
import pytest

from greenlight.domain.status import Observation, Status
from greenlight.domain.way import Way
from greenlight.linkedin.errors import Unanswered
from greenlight.linkedin.transport import MAX_BODY_BYTES, Answered, NoAnswer, Wire
from tests.linkedin.raw_server import TOKEN_ANSWER, RawServer, a_client, a_wire, answer, listening
from tests.linkedin.stage import ACME, AWLI, NAME, OWN, body_of

QUERY = (
    b"ids%5B0%5D.integrationContext=urn:li:organization:4gX03uw&ids%5B0%5D.integrationType=APPLY_WITH_LINKEDIN"
    b"&ids%5B0%5D.tenantType=JOBS&ids%5B0%5D.dataProvider=ATS"
)
DONE = body_of(results={OWN: {"status": 204}})
REQUESTED = body_of(results={OWN: {"onboardingStatus": "REQUESTED"}})


async def linkedin(request: bytes) -> tuple[bytes, bool]:
    if request.startswith(b"POST /oauth/"):
        return answer(TOKEN_ANSWER), True
    return answer(DONE if request.startswith(b"POST") else REQUESTED), True


async def test_every_byte_of_the_three_requests() -> None:
    """In this order of headers too: a byte that changes here has changed for LinkedIn."""
    async with listening(linkedin) as server, a_client(server.url) as (enabler, _):
        assert await enabler.verify(ACME, [AWLI]) == {AWLI: Observation(Status.REQUESTED)}
        await enabler.enable(ACME, AWLI, NAME)
        host = server.url.removeprefix("http://").encode()
    common = b"Host: " + host + b"\r\nUser-Agent: greenlight\r\nAccept: application/json\r\n"
    identity = b"Accept-Encoding: identity\r\n"
    bearer = b"Authorization: Bearer raw-t0ken\r\n"
    form = b"grant_type=client_credentials&client_id=acme-app&client_secret=WPL_AP1.s3cr3t%2F%2B%3Dpl4nted%26odd"
    body = (
        b'{"entities": {"integrationContext=urn:li:organization:4gX03uw&integrationType=APPLY_WITH_LINKEDIN'
        b'&tenantType=JOBS&dataProvider=ATS": {"patch": {"$set": {"integrationName": '
        b'"My Customer\'s Apply with LinkedIn Integration"}}}}}'
    )
    expected = [
        b"POST /oauth/v2/accessToken HTTP/1.1\r\n" + common + identity
        + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(form) + form,
        b"GET /v2/atsIntegrations?" + QUERY + b" HTTP/1.1\r\n" + common + identity + bearer + b"\r\n",
        b"POST /v2/atsIntegrations?" + QUERY + b" HTTP/1.1\r\n" + common + identity
        + b"X-RestLi-Method: batch_partial_update\r\nContent-Type: application/json\r\n" + bearer
        + b"Content-Length: %d\r\n\r\n" % len(body) + body,
    ]  # fmt: skip
    assert [normal(request) for request in server.requests] == [normal(request) for request in expected]
    assert server.connections == 1, "one kept connection serves all three"


def normal(request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """First line, headers with their names in small letters and in order of name, body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = (line.partition(b": ") for line in lines)
    return first, sorted(name.lower() + b": " + value for name, _, value in pairs), body


CUTS = [
    pytest.param(b"", id="not a byte"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-le", id="cut in the head"),
    pytest.param(answer(DONE)[:-1], id="one byte short of its length"),
    pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc", id="cut in a chunk"),
    pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", id="cut before the last chunk"),
    pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", id="a chunk without a length"),
    pytest.param(b"hello\r\n\r\n", id="not HTTP"),
    pytest.param(b"HTTP/1.1 2OO OK\r\n\r\n", id="a status that is no number"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: -4\r\n\r\n", id="a negative length"),
    pytest.param(b"HTTP/1.1 200 OK\r\nlong: " + b"x" * 100_000 + b"\r\n\r\n", id="a header without end"),
    pytest.param(b"HTTP/1.1 200 OK\r\nn\x00: x\r\n\r\n", id="NUL in a header's name"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS where none is due"),
]


@pytest.mark.parametrize("sent", CUTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_whole_answer(method: str, sent: bytes) -> None:
    async def talk(_: bytes) -> tuple[bytes, bool]:
        return sent, False

    async with listening(talk) as server, a_wire() as wire:
        with pytest.raises(NoAnswer) as caught:
            await wire.exchange(method, f"{server.url}/x", content=b"{}" if method == "POST" else None)
    assert len(server.requests) == 1, "nothing is sent again by itself"
    assert server.url.removeprefix("http://") not in str(caught.value), "the host is named, no more of the address"
    assert "/x" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_kept_connection_that_is_cut_sends_nothing_twice(method: str) -> None:
    """HTTP libraries like to send a GET again, uncounted, when a connection from before turns out to be dead."""
    server: RawServer

    async def cut_the_second(_: bytes) -> tuple[bytes, bool]:
        return (answer(b"{}"), True) if len(server.requests) == 1 else (b"", False)

    async with listening(cut_the_second) as server, a_wire() as wire:
        first = await wire.exchange("GET", f"{server.url}/1")
        assert first.status == 200
        with pytest.raises(NoAnswer):
            await wire.exchange(method, f"{server.url}/2")
        assert len(server.requests) == 2
        assert server.connections == 1, "else the second request was not on a kept connection"
        with pytest.raises(NoAnswer):
            await wire.exchange(method, f"{server.url}/3")
        assert server.connections == 2, "a dead connection is not used again"


async def test_nobody_listens() -> None:
    async with listening(linkedin) as server:
        pass
    async with a_client(server.url) as (enabler, counts), a_wire() as wire:
        with pytest.raises(NoAnswer, match="no connection"):
            await wire.exchange("GET", server.url)
        await enabler.verify(ACME, [AWLI])
        assert (counts.token, counts.verify) == (1, 0)


async def test_a_dripping_answer_ends_at_the_limit() -> None:
    """Each byte comes in time, the whole does not: the limit is on the exchange, not on the silence."""
    stop = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not stop.is_set() and not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        writer.close()

    listener = await asyncio.start_server(drip, "127.0.0.1", 0)
    try:
        async with a_wire(0.3) as wire:
            start = time.monotonic()
            with pytest.raises(NoAnswer, match=r"^no answer within 0\.3 s"):
                await wire.exchange("GET", f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/")
            assert 0.25 < time.monotonic() - start < 3
    finally:
        stop.set()
        listener.close()


async def test_silence_after_an_enable_is_unanswered() -> None:
    async def silent_on_enable(request: bytes) -> tuple[bytes, bool]:
        if request.startswith(b"POST /v2"):
            await asyncio.sleep(0.5)
        return await linkedin(request)

    async with listening(silent_on_enable) as server, a_client(server.url, 0.25) as (enabler, counts):
        with pytest.raises(Unanswered):
            await enabler.enable(ACME, AWLI, NAME)
        assert counts.enable == 1
        assert sum(request.startswith(b"POST /v2") for request in server.requests) == 1


async def test_forty_slow_requests_at_once_do_not_run_out_of_time_by_waiting_for_each_other() -> None:
    """More than there are connections: those of the second turn wait as long as the first takes, and still have
    all of their own time."""

    async def slow(_: bytes) -> tuple[bytes, bool]:
        await asyncio.sleep(0.45)
        return answer(b"{}"), True

    async with listening(slow) as server, a_wire(0.8) as wire:
        answers = await asyncio.gather(
            *(wire.exchange("GET", f"{server.url}/{n}") for n in range(40)), return_exceptions=True
        )
        assert [one.status if isinstance(one, Answered) else one for one in answers] == [200] * 40
        assert server.connections == 32
        assert len(server.requests) == 40


@pytest.mark.parametrize("connections", [1, 3])
async def test_no_more_are_on_their_way_than_there_are_to_be_connections(connections: int) -> None:
    on_their_way = most = 0

    async def slow(_: bytes) -> tuple[bytes, bool]:
        nonlocal on_their_way, most
        on_their_way += 1
        most = max(most, on_their_way)
        await asyncio.sleep(0.02)
        on_their_way -= 1
        return answer(b"{}"), True

    async with listening(slow) as server, a_wire(5, Way(connections=connections)) as wire:
        await asyncio.gather(*(wire.exchange("GET", f"{server.url}/{n}") for n in range(9)))
        assert (most, server.connections, len(server.requests)) == (connections, connections, 9)


@pytest.mark.parametrize(
    ("length", "read"),
    [
        pytest.param(MAX_BODY_BYTES, True, id="the longest that is read"),
        pytest.param(MAX_BODY_BYTES + 1, False, id="one byte more"),
    ],
)
async def test_the_limit_on_a_body(length: int, read: bool) -> None:
    async def long(_: bytes) -> tuple[bytes, bool]:
        return answer(b"x" * length), True

    async with listening(long) as server, a_wire() as wire:
        got = await wire.exchange("GET", server.url)
        assert got.status == 200
        assert (got.body is not None and len(got.body) == length) is read
        assert (got.body is None) is not read
        assert (await wire.exchange("GET", server.url)).status == 200


class _Never(httpx.AsyncBaseTransport):
    """Far ends that do not answer while it is not let go."""

    def __init__(self) -> None:
        self.sent, self.let_go = 0, asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        await self.let_go.wait()
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))


async def test_half_as_many_get_ready_while_all_connections_are_used_and_may_still_stay_here() -> None:
    """What is counted before it leaves takes the database a moment, in which no connection stands idle."""
    never, ready, left = _Never(), list[int](), list[int]()

    async def one(number: int) -> None:
        async def getting_ready() -> None:
            ready.append(number)

        def leaving() -> bool:
            if number == 5:
                raise LookupError
            if number == 6 and ready.count(6) == 1:
                return False
            left.append(number)
            return True

        await wire.exchange("GET", "http://127.0.0.1:9/", ready=getting_ready, leaving=leaving)

    wire = Wire(5, never, way=Way(connections=4))
    try:
        asked = [asyncio.create_task(one(number)) for number in range(20)]
        await asyncio.sleep(0.05)
        assert (len(ready), len(left), never.sent) == (6, 4, 4)
        never.let_go.set()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        await wire.aclose()
    assert [type(each) for each in outcomes if each is not None] == [LookupError]
    assert never.sent == len(left) == 19
    assert ready.count(6) == 2, "what its count no longer holds for gets ready anew"
