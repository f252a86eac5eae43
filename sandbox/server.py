"""Serving the stand-in over real HTTP, inside somebody else's event loop or in a thread of its own."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES

# uvicorn knows a phrase for the registered classes alone; LinkedIn's edge answers 999.
STATUS_PHRASES.update(dict.fromkeys(range(600, 1000), b"Request denied"))

_in_sandbox: ContextVar[bool] = ContextVar("in_sandbox", default=False)


class _Quiet(logging.Filter):
    """Drops the chatter of this package's servers, and of no other uvicorn in the same process."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR or not _in_sandbox.get()


_quiet = _Quiet()


class _Server(uvicorn.Server):
    """A uvicorn that leaves signals to the program it runs in, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.leaving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        # uvicorn looks every 0.1 s whether it is to stop, which tests that start many servers would feel.
        while not self.leaving.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.leaving.wait(), 1)


@contextlib.asynccontextmanager
async def serving(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves `app` in the running event loop; yields the base URL. Port 0 takes a free one."""
    with _bound(host, port) as listener:
        async with _serving_on(app, listener):
            yield _url(listener)


@contextlib.contextmanager
def serving_in_thread(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serves `app` in a thread with its own event loop; yields the base URL."""
    with _bound(host, port) as listener:
        ready, failure = threading.Event(), list[BaseException]()
        stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

        async def run() -> None:
            async with _serving_on(app, listener):
                stop.append((asyncio.get_running_loop(), asyncio.Event()))
                ready.set()
                await stop[0][1].wait()

        def main() -> None:
            try:
                asyncio.run(run())
            except BaseException as error:
                failure.append(error)
            finally:
                ready.set()

        thread = threading.Thread(target=main, name="sandbox", daemon=True)
        thread.start()
        ready.wait()
        try:
            if not failure:
                yield _url(listener)
        finally:
            for loop, event in stop:
                with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                    loop.call_soon_threadsafe(event.set)
            thread.join()
        if failure:
            raise failure[0]


@contextlib.asynccontextmanager
async def _serving_on(app: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        # h11 everywhere: which faster parser is installed must not change how a connection breaks.
        http="h11",
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        # LinkedIn's own answers name no server; a world, or a page on the way, may.
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    logging.getLogger("uvicorn.error").addFilter(_quiet)
    token = _in_sandbox.set(True)
    try:
        task = asyncio.create_task(server.serve([listener]), name="sandbox server")
    finally:
        _in_sandbox.reset(token)
    waiting = asyncio.create_task(server.listening.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if not task.done():
            yield
    finally:
        app.state.sandbox.stop_waiting()
        server.leaving.set()
        await task


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named does asyncio turn Nagle off, and an answer is two writes: 40 ms otherwise.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
