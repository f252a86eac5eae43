"""A process that has everything imported and forks others, which work for a customer and are killed on the way.

One job per line on standard input, and per job one line on standard output for each of its cells, then an empty one:

    {"env": {...}, "warm_up": {...}, "cells": [{"act": "request", "customer": "a", "kills": [3]}], "until_whole": true}

A cell is a customer of its own, an act of `tests/kill/paths.py` and a row of runs, one process each: for every entry of
`kills` one that is killed there, then one that is left alone. An entry is a step's number, or a step's name and means
the first of that name. `until_whole` ends the job after the first cell that nothing was killed in. In a cell

- `"together": 2` is that many processes at the same time instead, of which `kills` kills the first ones;
- `"stop": 7` is one that is stopped at that step, one that runs meanwhile, and then the first one goes on;
- `"ahead": 20` moves all the cell's clocks on by that many seconds after each kill, and while a process is stopped;
- `"hosts": [10800, -10800]` are the seconds by which each run's host is ahead of all others, in their order;
- `"unfinished": true` leaves out the run that is left alone;
- `"lease": 1.5` makes leases that short, and `"env"` are settings;
- `"renew": 0.1` has leases renewed so often. Without it renewals are no steps, since on a busy machine one comes
  between any two steps of a path, and a matrix counts on the same steps in each of its cells.
"""

import asyncio
import json
import mmap
import os
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import greenlight.ats.clock
import greenlight.ats.leases
import greenlight.linkedin.calls
import greenlight.linkedin.errors
import greenlight.linkedin.oauth
import greenlight.reconcile.customer_leases
import tasks.parts.resources
from greenlight.ats.clock import DatabaseClock
from tests.kill.paths import ACTS, prepare
from tests.kill.steps import one_writer_at_a_time, watch

#: Cells that are worked on side by side, unless the job has a `width`: most of a run is waiting for answers, but
#: Prefect's server on SQLite is slow with more writers.
CELLS_AT_ONCE = 3

#: All modules of ours on a run's way that ask the host what time it is.
_TELLING_TIME: tuple[Any, ...] = (
    tasks.parts.resources,
    greenlight.linkedin.calls,
    greenlight.linkedin.errors,
    greenlight.linkedin.oauth,
)

_LOCK = Path(gettempdir(), f"kill-{os.getpid()}.lock")


class Clock:
    """How far a cell's time is ahead of the machine's, the same in all of its processes."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 8)

    @property
    def ahead(self) -> float:
        return float(struct.unpack("d", self._shared[:8])[0])

    def move(self, seconds: float) -> None:
        self._shared[:8] = struct.pack("d", self.ahead + seconds)

    def rule(self, host_ahead: float) -> None:
        """From now on it is this process's one clock, on a host whose own is ahead of the database's by so much."""
        clock = self

        class Ahead(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return datetime.now(tz) + timedelta(seconds=clock.ahead + host_ahead)

        for module in _TELLING_TIME:
            module.datetime = Ahead

        def host() -> datetime:
            return datetime.now(UTC) + timedelta(seconds=host_ahead)

        known = DatabaseClock.__init__
        DatabaseClock.__init__ = lambda its, database: known(its, database, host)
        of_the_database = DatabaseClock.__call__
        DatabaseClock.__call__ = lambda its: of_the_database(its) + timedelta(seconds=clock.ahead)


class Run:
    """A forked process that acts for the cell's customer, and what it said until its end."""

    def __init__(
        self,
        cell: dict[str, Any],
        clock: Clock,
        kill_at: int | str | None = None,
        *,
        stop_at: int | None = None,
        start_at: float = 0,
        number: int = 0,
    ) -> None:
        assert threading.active_count() == 1, "a fork takes along one thread alone"
        self._reader, writer = os.pipe()
        self._status: int | None = None
        self._process = os.fork()
        if self._process == 0:
            os.close(self._reader)
            host_ahead = cell.get("hosts", {number: 0.0})[number]
            _live(cell, clock, host_ahead, writer, {kill_at: signal.SIGKILL, stop_at: signal.SIGSTOP}, start_at)
        os.close(writer)

    def stopped(self) -> bool:
        """Wait until it has stopped; False if it has ended without."""
        _, status = os.waitpid(self._process, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            self._status = status
        return os.WIFSTOPPED(status)

    def goes_on(self) -> None:
        os.kill(self._process, signal.SIGCONT)

    def ended(self) -> dict[str, Any]:
        """Wait for its end. `killed`, the `steps` it took, and the `result` or the `error` if there is one."""
        with open(self._reader, encoding="utf-8") as said:
            lines = [json.loads(line) for line in said]
        status = os.waitpid(self._process, 0)[1] if self._status is None else self._status
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        steps = [line["step"] for line in lines if "step" in line]
        return {"killed": killed, "steps": steps, **(lines[-1] if lines and "step" not in lines[-1] else {})}


def _live(
    cell: dict[str, Any],
    clock: Clock,
    host_ahead: float,
    writer: int,
    signals: dict[int | str | None, signal.Signals],
    start_at: float,
) -> None:
    """The life of a forked process, from which nothing returns."""

    def say(line: dict[str, Any]) -> None:
        os.write(writer, json.dumps(line).encode() + b"\n")

    taken = 0
    one_at_a_time = threading.Lock()
    unwatched = set() if "renew" in cell else {f"commit renew lease: {when}" for when in ("before", "after")}

    def step(name: str) -> None:
        nonlocal taken
        # No other thread's step may come between this one and the signal that it is answered with.
        with one_at_a_time:
            if name in unwatched:
                return
            taken += 1
            say({"step": name})
            for at in (taken, name):
                if at in signals:
                    if signals[at] is signal.SIGSTOP and name.startswith("commit") and name.endswith("before"):
                        # Runs differ in what goes together. Inside a transaction a sleeper keeps SQLite to itself.
                        signals[taken + 1] = signals.pop(at)
                        continue
                    signal_now = signals.pop(at)
                    os.kill(os.getpid(), signal_now)
                    # Whichever thread the signal has reached, this one does nothing more before it works.
                    time.sleep(60 if signal_now is signal.SIGKILL else 0.02)

    try:
        os.environ.update(cell.get("env", {}))
        if cell["act"] == "provision" and not cell.get("together"):
            one_writer_at_a_time(_LOCK)
        if "lease" in cell:
            greenlight.ats.leases.LEASE = timedelta(seconds=cell["lease"])
        greenlight.reconcile.customer_leases.RENEW_EVERY = cell.get(
            "renew", greenlight.reconcile.customer_leases.RENEW_EVERY
        )
        clock.rule(host_ahead)
        watch(step)
        time.sleep(max(0.0, start_at - time.monotonic()))
        say({"result": asyncio.run(_result(cell))})
    except BaseException:
        say({"error": traceback.format_exc()})
    finally:
        os._exit(0)


async def _result(cell: dict[str, Any]) -> dict[str, Any]:
    return await ACTS[cell["act"]](cell)


def _carry_out(cell: dict[str, Any]) -> dict[str, Any]:
    clock, kills = Clock(), cell.get("kills", [])
    if together := cell.get("together"):
        start = time.monotonic() + 0.05
        fates = [*kills, *[None] * (together - len(kills))]
        runs = [
            Run(cell, clock, fate, start_at=start + turn * cell["lag"], number=turn) for turn, fate in enumerate(fates)
        ]
        return {**cell, "runs": [run.ended() for run in runs]}
    if stop := cell.get("stop"):
        first = Run(cell, clock, stop_at=stop)
        stopped = first.stopped()
        clock.move(cell["ahead"])
        meanwhile = Run(cell, clock, number=1).ended()
        first.goes_on()
        return {**cell, "stopped": stopped, "runs": [meanwhile, first.ended()]}
    runs: list[Any] = []
    for number, kill_at in enumerate([*kills] if cell.get("unfinished") else [*kills, None]):
        runs.append(Run(cell, clock, kill_at, number=number).ended())
        clock.move(cell.get("ahead", 0))
    return {**cell, "runs": runs}


def _aside(work: Callable[[], dict[str, Any]]) -> int:
    """Do that in a process of its own; a file descriptor on which its outcome is to be read as JSON."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.close(reader)
            with open(writer, "w", encoding="utf-8") as out:
                json.dump(work(), out)
        finally:
            os._exit(0)
    os.close(writer)
    return reader


def _outcomes(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting, working, whole = list(job["cells"]), list[int](), False
    while waiting or working:
        while waiting and len(working) < job.get("width", CELLS_AT_ONCE) and not whole:
            cell = waiting.pop(0)
            working.append(_aside(lambda cell=cell: _carry_out(cell)))
        if not working:
            return
        with open(working.pop(0), encoding="utf-8") as said:
            outcome = json.load(said)
        os.wait()
        if not whole:
            yield outcome
        whole = whole or (bool(job.get("until_whole")) and not any(run["killed"] for run in outcome["runs"]))


def main() -> None:
    warm = False
    try:
        for line in sys.stdin:
            job = json.loads(line)
            os.environ.update(job["env"])
            if not warm:
                prepare(job["warm_up"])
                warm = True
            for outcome in _outcomes(job):
                sys.stdout.write(json.dumps(outcome) + "\n")
            sys.stdout.write("\n")
            sys.stdout.flush()
    finally:
        _LOCK.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
