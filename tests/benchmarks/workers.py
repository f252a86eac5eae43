"""Prefect workers as on machines of their own: processes that take a run each, and can be killed with what they run."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment

_ROOT = Path(__file__).parents[2]
#: Of the run itself, and of those that help it.
_POOLS = ("greenlight", "greenlight-helpers")


def deploy() -> None:
    """Everything of prefect.yaml, to pools of processes on the Prefect server of this environment."""
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    for words in (*(["work-pool", "create", pool, "--type", "process"] for pool in _POOLS), ["deploy", "--all"]):
        subprocess.run([*prefect, *words], cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)


class Machine:
    """A Prefect worker, and whatever it has started."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def runs(self) -> list[int]:
        """The processes that it has started, and theirs."""
        found, parents = list[int](), {self._process.pid}
        by_parent = _children()
        while parents:
            parents = {child for parent in parents for child in by_parent.get(parent, ())}
            found += parents
        return found

    def die(self) -> None:
        """All of it at once."""
        for pid in (self._process.pid, *self.runs()):
            os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """As a service manager does."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                # Of a busy machine's worker nothing is wanted any more.
                self.die()


def _children() -> dict[int, list[int]]:
    """Processes by the one that started each."""
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        try:
            stat = (folder / "stat").read_text() if folder.name.isdigit() else ""
        except OSError:
            continue
        if stat:
            found.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(folder.name))
    return found


@contextmanager
def machines(count: int, env: Mapping[str, str], log: Path) -> Iterator[list[Machine]]:
    """So many workers, each of which takes one flow run at a time, with this environment; all but the first help."""
    started: list[Machine] = []
    with log.open("ab") as out:
        try:
            for number in range(count):
                pool = _POOLS[min(number, 1)]
                command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
                command += ["--limit", "1", "--name", f"machine-{number}"]
                started.append(Machine(subprocess.Popen(command, env=dict(env), cwd="/", stdout=out, stderr=out)))
            yield started
        finally:
            for machine in started:
                machine.stop()


async def applied(customers: int, meanwhile: Callable[[], Any] = lambda: None) -> FlowRun:
    """A run that enables everybody, once it has ended. `meanwhile` is called every half second."""
    run = await arun_deployment(
        "reconcile/manual", parameters={"what": "apply", "max_changes": customers}, timeout=0, as_subflow=False
    )
    return await ended(run.id, meanwhile)


async def ended(run_id: UUID, meanwhile: Callable[[], Any] = lambda: None, patience: float = 600) -> FlowRun:
    """This run once it has."""
    until = time.monotonic() + patience
    async with get_client() as client:
        while time.monotonic() < until:
            run = await client.read_flow_run(run_id)
            if run.state is not None and run.state.is_final():
                return run
            meanwhile()
            await asyncio.sleep(0.5)
    raise TimeoutError(f"run {run_id} has not ended within {patience:g} s")
