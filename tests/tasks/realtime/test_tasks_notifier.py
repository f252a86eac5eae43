"""The portal's ring: one that Prefect keeps waiting keeps no customer waiting, and a flood of clicks is few rings."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from tasks.realtime.notifier import MOST_RINGS, WorkerNotifier

Line = list[threading.Event]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """The rings that Prefect was asked for, each of which comes through once it is set."""
    rings = Line()

    def delay() -> None:
        rings.append(threading.Event())
        rings[-1].wait(10)

    monkeypatch.setattr("tasks.realtime.notifier.enable_requested", SimpleNamespace(delay=delay))
    monkeypatch.setattr("tasks.realtime.notifier.RING_SECONDS", 0.05)
    return rings


@asynccontextmanager
async def _running(line: Line) -> AsyncIterator[WorkerNotifier]:
    notifier = WorkerNotifier()
    task = asyncio.create_task(notifier.run())
    try:
        yield notifier
    finally:
        for ring in line:
            ring.set()
        task.cancel()


async def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


async def test_a_ring_that_hangs_is_repeated_beside_it(line: Line) -> None:
    """Prefect's client waits for seconds where its server is busy, and the next ring may be taken at once."""
    async with _running(line) as notifier:
        notifier.ring()
        await _until(lambda: len(line) == 2)
        line[1].set()
        await asyncio.sleep(0.2)
        assert len(line) == 2, "one that came through is enough"
        notifier.ring()
        await _until(lambda: len(line) > 2)
        assert not line[0].is_set(), "who clicks next is rung for although the first still hangs"


async def test_few_rings_are_on_their_way(line: Line) -> None:
    """Each takes a thread, which the portal's own work needs as well."""
    async with _running(line) as notifier:
        notifier.ring()
        await _until(lambda: len(line) == MOST_RINGS)
        await asyncio.sleep(0.3)
        assert len(line) == MOST_RINGS
        # Whoever clicked meanwhile is rung for as well: what comes through now may have come too early for them.
        for _ in range(100):
            notifier.ring()
        line[0].set()
        await _until(lambda: len(line) == MOST_RINGS + 1)


async def test_a_ring_that_fails_is_repeated(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    rings = list[int]()

    def delay() -> None:
        rings.append(len(rings))
        if len(rings) == 1:
            raise OSError("canary-of-the-bell")

    monkeypatch.setattr("tasks.realtime.notifier.enable_requested", SimpleNamespace(delay=delay))
    monkeypatch.setattr("tasks.realtime.notifier.RING_AGAIN_AFTER_SECONDS", 0.01)
    async with _running([]) as notifier:
        notifier.ring()
        await _until(lambda: len(rings) == 2)
    assert "could not be rung (OSError)" in caplog.text
    assert "canary" not in caplog.text
