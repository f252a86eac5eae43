"""Somebody else's page, which shows an address of ours in a frame."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager


@asynccontextmanager
async def framing(framed: Sequence[str]) -> AsyncIterator[int]:
    """A page of somebody's that shows the one address in `framed` in a frame; yields its port on this machine."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        frame = f'<!doctype html><link rel=icon href="data:,"><iframe src="{framed[0]}"></iframe>'.encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(frame) + frame)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
