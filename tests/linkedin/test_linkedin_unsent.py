"""An enable whose connection never came about is known not to have landed; after its first byte everything is doubt."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from greenlight.domain.reasons import Reason
from greenlight.domain.way import Way
from greenlight.linkedin.calls import Calls
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import RequestCounts, Tokens
from tests.linkedin.networks import certificates, proxying, serving_context
from tests.linkedin.raw_server import TOKEN_ANSWER, a_wire, answer, listening
from tests.linkedin.stage import ACME, AWLI, OWN, body_of

HOST = "api.linkedin.test"
REQUESTED = body_of(results={OWN: {"onboardingStatus": "REQUESTED"}})
#: Where the API is and how it is reached, in a world that is there for the length of the block.
World = Callable[[Path], AbstractAsyncContextManager[tuple[str, Way]]]


async def talk(request: bytes) -> tuple[bytes, bool]:
    return answer(TOKEN_ANSWER if b"/oauth/" in request else REQUESTED), True


@asynccontextmanager
async def a_refused_port(_: Path) -> AsyncIterator[tuple[str, Way]]:
    async with listening(talk) as gone:
        pass
    yield gone.url, Way()


@asynccontextmanager
async def an_unknown_name(_: Path) -> AsyncIterator[tuple[str, Way]]:
    yield "https://no-such-name.invalid", Way()


@asynccontextmanager
async def an_untrusted_certificate(folder: Path) -> AsyncIterator[tuple[str, Way]]:
    async with listening(talk, serving_context(certificates(folder, "127.0.0.1")[1])) as server:
        yield server.url, Way()
    assert server.requests == []


@asynccontextmanager
async def anothers_certificate(folder: Path) -> AsyncIterator[tuple[str, Way]]:
    ca, server_file = certificates(folder, "login.corp")
    async with listening(talk, serving_context(server_file)) as server:
        yield server.url, Way(ca_file=str(ca))
    assert server.requests == []


@asynccontextmanager
async def one_that_speaks_no_tls(_: Path) -> AsyncIterator[tuple[str, Way]]:
    async def eager(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(eager, "127.0.0.1", 0) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", Way()


@asynccontextmanager
async def no_end_of_the_handshake(_: Path) -> AsyncIterator[tuple[str, Way]]:
    over = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", Way()
        over.set()


@asynccontextmanager
async def a_proxy_that_is_not_there(_: Path) -> AsyncIterator[tuple[str, Way]]:
    async with listening(talk) as gone:
        pass
    yield f"https://{HOST}", Way(gone.url)


def a_proxy_that_says(says: str) -> World:
    @asynccontextmanager
    async def world(_: Path) -> AsyncIterator[tuple[str, Way]]:
        async with proxying(9, says) as proxy:
            yield f"https://{HOST}", Way(proxy.url)

    return world


async def enabled(api: str, way: Way, *, look_first: bool = False) -> tuple[LinkedInError, int]:
    """What an enable at this address ends with, under a token of another's, and how many of it were counted."""
    async with listening(talk) as others, a_wire(1, way) as wire:
        counts = RequestCounts()
        enabler = Enabler(Calls(wire, Tokens(wire, f"{others.url}/oauth/v2/accessToken", counts), counts), api)
        if look_first:
            await enabler.verify(ACME, [AWLI])
        with pytest.raises(LinkedInError) as caught:
            await enabler.enable(ACME, AWLI, "Name")
        return caught.value, counts.enable


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        pytest.param(a_refused_port, Reason.LINKEDIN_UNAVAILABLE, id="refused"),
        pytest.param(an_unknown_name, Reason.LINKEDIN_UNAVAILABLE, id="unknown name"),
        pytest.param(an_untrusted_certificate, Reason.LINKEDIN_UNAVAILABLE, id="untrusted"),
        pytest.param(anothers_certificate, Reason.LINKEDIN_UNAVAILABLE, id="another's certificate"),
        pytest.param(one_that_speaks_no_tls, Reason.LINKEDIN_UNAVAILABLE, id="no TLS"),
        pytest.param(no_end_of_the_handshake, Reason.LINKEDIN_UNAVAILABLE, id="no end of the handshake"),
        pytest.param(a_proxy_that_is_not_there, Reason.LINKEDIN_UNAVAILABLE, id="no proxy"),
        pytest.param(a_proxy_that_says("407 Proxy Authentication Required"), Reason.NOT_THE_API, id="407 to CONNECT"),
        pytest.param(a_proxy_that_says("502 Bad Gateway"), Reason.LINKEDIN_UNAVAILABLE, id="502 to CONNECT"),
    ],
)
async def test_without_a_connection_nothing_was_sent(world: World, reason: Reason, tmp_path: Path) -> None:
    """It is counted all the same, and worth repeating."""
    async with world(tmp_path) as (api, way):
        error, counted = await enabled(api, way)
    assert (type(error), error.reason, error.worth_repeating, counted) == (Refused, reason, True, 1)


async def test_a_connection_that_is_cut_after_the_request_leaves_doubt() -> None:
    async def cut(request: bytes) -> tuple[bytes, bool]:
        return b"", False

    async with listening(cut) as server:
        error, counted = await enabled(server.url, Way())
        assert (type(error), counted, len(server.requests)) == (Unanswered, 1, 1)


async def test_a_tls_connection_that_is_cut_after_the_request_leaves_doubt(tmp_path: Path) -> None:
    async def cut(request: bytes) -> tuple[bytes, bool]:
        return b"", False

    ca, server_file = certificates(tmp_path, HOST)
    async with listening(cut, serving_context(server_file)) as server, proxying(server.port) as proxy:
        error, _ = await enabled(f"https://{HOST}", Way(proxy.url, ca_file=str(ca)))
        assert (type(error), len(server.requests)) == (Unanswered, 1)


@pytest.mark.parametrize("reset", [False, True])
async def test_a_kept_connection_that_is_cut_leaves_doubt_also_where_no_other_can_be_made(reset: bool) -> None:
    """The request may have been read; that there is nobody any more afterwards proves nothing."""
    read: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(REQUESTED))
        await writer.drain()
        read.append(await reader.read(1))
        listener.close()
        if reset:
            writer.transport.abort()
        else:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    error, counted = await enabled(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", Way(), look_first=True)
    assert (type(error), counted, read) == (Unanswered, 1, [b"P"])


async def test_a_proxy_that_hangs_up_proves_nothing() -> None:
    """It has not said that it let nothing through."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as proxy:
        error, _ = await enabled(f"https://{HOST}", Way(f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"))
    assert type(error) is Unanswered
