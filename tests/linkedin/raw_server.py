"""A server that writes down every byte it is sent and answers with any bytes at all, or not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from greenlight.domain.way import Way
from greenlight.linkedin.calls import Calls
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import RequestCounts, Tokens
from greenlight.linkedin.transport import Wire

#: Answers one request; the second value says whether the connection is kept.
Talk = Callable[[bytes], Awaitable[tuple[bytes, bool]]]

TOKEN_ANSWER = b'{"access_token":"raw-t0ken","expires_in":1800}'


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


@dataclass
class RawServer:
    url: str = ""
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def lines(self, number: int) -> list[bytes]:
        """The head of one request, line by line."""
        return self.requests[number].partition(b"\r\n\r\n")[0].split(b"\r\n")


@asynccontextmanager
async def listening(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    server, writers = RawServer(), list[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                names = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if line)
                body = await reader.readexactly(int(names.get(b"content-length", b"0")))
                server.requests.append(head + body)
                sent, kept = await talk(head + body)
                writer.write(sent)
                await writer.drain()
                if not kept:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    server.url = f"{'http' if context is None else 'https'}://127.0.0.1:{server.port}"
    try:
        yield server
    finally:
        listener.close()
        for writer in writers:
            writer.close()
        await listener.wait_closed()


@asynccontextmanager
async def a_wire(timeout_seconds: float = 5, way: Way | None = None) -> AsyncIterator[Wire]:
    """The real transport."""
    wire = Wire(timeout_seconds, way=way)
    try:
        yield wire
    finally:
        await wire.aclose()


@asynccontextmanager
async def a_client(url: str, timeout_seconds: float = 5) -> AsyncIterator[tuple[Enabler, RequestCounts]]:
    """All of our client before one address, with the real transport."""
    async with a_wire(timeout_seconds) as wire:
        counts = RequestCounts()
        yield Enabler(Calls(wire, Tokens(wire, f"{url}/oauth/v2/accessToken", counts), counts), url), counts
