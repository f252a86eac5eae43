"""One run's process, which can die or freeze wherever it touches the database or the network."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from greenlight.domain.report import Report

if TYPE_CHECKING:
    from tests.model.world import World

_Given = TypeVar("_Given")


class Killed(BaseException):
    """This process is no more: whatever it tries to do has no effect."""


class Process:
    """One run's process. It can die or freeze wherever it touches the database or the network."""

    def __init__(self, world: "World", kill_after: int | None) -> None:
        world.processes.append(self)
        self.world, self.number = world, len(world.processes)
        self.points, self.kill_after, self.dead = 0, kill_after, False
        self.frozen_until = 0.0
        self.paused: frozenset[str] = frozenset()
        self.report: Report | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self.task is not None and not self.task.done()

    async def point(self) -> None:
        self.points += 1
        self.dead = self.dead or self.points == self.kill_after
        # Between an intent and its request nobody can freeze: no clock of ours could tell, and none could help.
        if not SENDING.get():
            await asyncio.sleep(max(0.0, self.frozen_until - self.world.loop.time()))
        if self.dead:
            raise Killed


PROCESS: ContextVar[Process] = ContextVar("process")
SENDING: ContextVar[bool] = ContextVar("sending", default=False)


async def in_thread(act: Callable[..., _Given], /, *args: Any, **kwargs: Any) -> _Given:
    process = PROCESS.get()
    name = getattr(act, "__name__", "")
    await process.point()
    if name == "facts":
        process.paused = process.world.paused()
    given = act(*args, **kwargs)
    if name == "finish" and isinstance(given, Report):
        process.report = given
    await process.point()
    return given


class Here(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        process = PROCESS.get()
        await process.point()
        sending = request.method == "POST" and b"entities" in request.content
        try:
            answer = await process.world.linkedin.serve(request, process)
        finally:
            SENDING.set(SENDING.get() and not sending)
        await process.point()
        # Not its content: that would be decoded, and is the product's to decode.
        return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)
