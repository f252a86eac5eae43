"""What a stretch of work costs: time, CPU of this process and of Prefect's server, SQL, hops into threads, memory."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

_TICKS = 100.0  # of /proc, a second
_QUIET, _LONGEST = 0.05, 120.0


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used; Linux alone tells."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def settled_cpu_of(pid: int) -> float:
    """The same once the process has nothing more to do: Prefect's server writes events long after a run has ended."""
    end, before = time.monotonic() + _LONGEST, cpu_of(pid)
    while True:
        time.sleep(1.0)
        now = cpu_of(pid)
        if now - before < _QUIET or time.monotonic() > end:
            return now
        before = now


def forget_peak() -> None:
    """Have `VmHWM` begin anew from what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def memory(what: str) -> float:
    """Megabytes: `VmRSS` is now, `VmHWM` the most so far. ru_maxrss would count the parent's at the fork."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise ValueError(what)


@dataclass
class Gauge:
    """Counts for this process from `watch` on. `stages` are shares of the whole, by the name of the stage."""

    counts: Counter[str] = field(default_factory=Counter)
    stages: dict[str, Counter[str]] = field(default_factory=dict)
    #: Runs what a thread is handed, if set.
    around: Callable[..., Any] | None = None

    def watch(self) -> None:
        """Count the SQL of every engine and the hops of every event loop."""

        def statement(*_: Any) -> None:
            self.counts["statements"] += 1

        def committed(connection: Connection) -> None:
            if connection.get_execution_options().get("write", False):
                self.counts["writes"] += 1

        event.listen(Engine, "before_cursor_execute", statement)
        event.listen(Engine, "commit", committed)
        hop = asyncio.BaseEventLoop.run_in_executor

        def counted(loop: asyncio.BaseEventLoop, executor: Any, act: Callable[..., Any], *given: Any) -> Any:
            self.counts["hops"] += 1
            return hop(loop, executor, *((act, *given) if self.around is None else (self.around, act, *given)))

        asyncio.BaseEventLoop.run_in_executor = counted  # pyright: ignore[reportAttributeAccessIssue]

    def stage(self, act: Callable[..., Awaitable[Any]], name: Callable[..., str]) -> None:
        """Book what passes within this coroutine function under a stage, whoever calls it; stages follow each other."""

        @wraps(act)
        async def booked(*given: Any, **named: Any) -> Any:
            with self._booking(name(*given, **named)):
                return await act(*given, **named)

        for module in list(sys.modules.values()):
            for attribute, value in list(getattr(module, "__dict__", {}).items()):
                if value is act:
                    setattr(module, attribute, booked)

    def totals(self) -> Counter[str]:
        return self.counts + Counter({"seconds": time.perf_counter(), "cpu": time.process_time()})

    @contextmanager
    def _booking(self, name: str) -> Iterator[None]:
        before = self.totals()
        try:
            yield
        finally:
            booked = self.stages.setdefault(name, Counter())
            for what, total in self.totals().items():
                booked[what] += total - before[what]

    async def measure(self, work: Callable[[], Awaitable[object]], server: int | None) -> dict[str, Any]:
        """Run `work` once. Seconds, CPU seconds, counts, megabytes, and the same by stage."""
        self.stages.clear()
        served = 0.0 if server is None else settled_cpu_of(server)
        forget_peak()
        held, before = memory("VmRSS"), self.totals()
        await work()
        after = self.totals()
        cost: dict[str, Any] = {what: after[what] - before[what] for what in after}
        cost |= {"memory_before": held, "memory_most": memory("VmHWM")}
        cost["server_cpu"] = 0.0 if server is None else settled_cpu_of(server) - served
        # Prefect's client, too, sends its last events after the run.
        cost["cpu"] = time.process_time() - before["cpu"]
        cost["stages"] = {name: dict(booked) for name, booked in self.stages.items()}
        return cost
