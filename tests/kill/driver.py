"""A process that has everything imported and forks others, which provision and are killed on the way.

One job per line on standard input, and per job one line on standard output for each of its cells, then an empty one:

    {"env": {...}, "cells": [{"customer": "...", "new": true, "kills": [3, 7]}], "until_whole": true}

A cell is a customer of its own and a row of runs, one process each: for every number in `kills` one that is killed at
its so-manyth step, then one that is left alone. `until_whole` ends the job after the first cell that nothing was killed
in. A cell with `"together": 2` is that many processes at the same time instead, and none is killed.
"""

import asyncio
import functools
import gc
import json
import os
import signal
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

import tasks.provision
from blocks.parent_app import parent_credentials
from greenlight.domain.provisioning import Provision
from greenlight.linkedin.oauth import Credentials
from greenlight.settings import load_settings
from tasks.provision import provisioning_session
from tests.kill.steps import one_writer_at_a_time, watch

#: Cells that are worked on side by side.
WIDTH = 3


_LOCK = Path(gettempdir(), f"kill-{os.getpid()}.lock")


def now() -> datetime:
    return datetime.now(UTC)


async def provision_one(customer: str, new: bool) -> dict[str, Any]:
    """What the flow `provision` does for one customer that is named, without Prefect's own bookkeeping."""
    async with provisioning_session(load_settings()) as session:
        run_id, applications = str(uuid4()), session.applications
        if new:
            await asyncio.to_thread(applications.add_customers, {customer: customer}, now())
        await asyncio.to_thread(applications.select, [customer], session.settings.origins)
        await asyncio.to_thread(applications.start, run_id, {}, now())
        remaining = await session.provisioning.provision(run_id, customer, look=not new)
        made = [outcome for outcome in Provision if outcome is not Provision.FAILED]
        for candidate, outcome in await asyncio.to_thread(applications.not_working_in, run_id, made):
            await session.provisioning.check(candidate, outcome, last=True)
        report = await asyncio.to_thread(applications.finish, run_id, session.sent(), now())
        items = [[item.outcome.value, item.reason.value] for item in report.items]
        return {"left": remaining.items, "items": items}


class Run:
    """A forked process that provisions a customer, and what it said until its end."""

    def __init__(self, cell: dict[str, Any], kill_at: int | None = None, start_at: float = 0) -> None:
        assert threading.active_count() == 1, "a fork takes along one thread alone"
        self._reader, writer = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            os.close(self._reader)
            _live(cell, kill_at, start_at, writer)
        os.close(writer)

    def ended(self) -> dict[str, Any]:
        """Wait for its end. `killed`, the `steps` it took, and the `result` or the `error` if there is one."""
        with open(self._reader, encoding="utf-8") as said:
            lines = [json.loads(line) for line in said]
        _, status = os.waitpid(self._process, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        steps = [line["step"] for line in lines if "step" in line]
        return {"killed": killed, "steps": steps, **(lines[-1] if lines and "step" not in lines[-1] else {})}


def _live(cell: dict[str, Any], kill_at: int | None, start_at: float, writer: int) -> None:
    """The life of a forked process, from which nothing returns."""

    def say(line: dict[str, Any]) -> None:
        os.write(writer, json.dumps(line).encode() + b"\n")

    taken = 0

    def step(name: str) -> None:
        nonlocal taken
        taken += 1
        say({"step": name})
        if taken == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()

    try:
        if not cell.get("together"):
            one_writer_at_a_time(_LOCK)
        watch(step)
        time.sleep(max(0.0, start_at - time.monotonic()))
        say({"result": asyncio.run(provision_one(cell["customer"], cell["new"]))})
    except BaseException:
        say({"error": traceback.format_exc()})
    finally:
        os._exit(0)


def _carry_out(cell: dict[str, Any]) -> dict[str, Any]:
    if together := cell.get("together"):
        start = time.monotonic() + 0.05
        runs = [Run(cell, start_at=start + lag * cell["lag"]) for lag in range(together)]
        return {**cell, "runs": [run.ended() for run in runs]}
    return {**cell, "runs": [Run(cell, kill_at).ended() for kill_at in [*cell["kills"], None]]}


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
        while waiting and len(working) < WIDTH and not whole:
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


def _warm_up() -> None:
    """Provision somebody here, so that what is imported on first use is there for every fork."""
    # Nothing here speaks TLS, and each client would read the machine's certificates anew.
    ssl.create_default_context = functools.cache(ssl.create_default_context)
    parent = asyncio.run(parent_credentials())

    async def read_already() -> Credentials | None:
        return parent

    # The same for all, and reading it is half of what opening a session costs.
    tasks.provision.parent_credentials = read_already
    asyncio.run(provision_one(f"warm up {uuid4().hex}", new=True))
    gc.collect()
    gc.freeze()


def main() -> None:
    warm = False
    try:
        for line in sys.stdin:
            job = json.loads(line)
            os.environ.update(job["env"])
            if not warm:
                _warm_up()
                warm = True
            for outcome in _outcomes(job):
                sys.stdout.write(json.dumps(outcome) + "\n")
            sys.stdout.write("\n")
            sys.stdout.flush()
    finally:
        _LOCK.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
