"""What all kill matrices have in common: the driver process, its cells, and the list of what was covered."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

_ROOT = Path(__file__).parents[2]

Cell = Mapping[str, Any]
#: Steps at which a process was killed or stopped, each with how often, by what the matrix is of.
Points = dict[str, dict[str, int]]


class Driver:
    """The process that forks those that are killed; `close` ends it. What is killed is counted in `points`."""

    def __init__(self, points: Points, prefect_url: str | None = None) -> None:
        self.points = points
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.driver"],
            cwd=_ROOT,
            env={**os.environ, **({"PREFECT_API_URL": prefect_url} if prefect_url else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def work(self, job: Mapping[str, Any], of: str) -> list[dict[str, Any]]:
        """The job's cells, each with its `runs`. They are counted as being `of` that."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        cells: list[dict[str, Any]] = []
        counted = self.points.setdefault(of, {})
        while line := self._process.stdout.readline().strip():
            cells.append(json.loads(line))
            for point in ended_at(cells[-1]):
                counted[point] = counted.get(point, 0) + 1
        assert self._process.poll() is None, "the driver has ended: its traceback is on standard error"
        return cells

    def matrix(self, job: Mapping[str, Any], of: str, every: int = 1) -> list[dict[str, Any]]:
        """A cell for each step there is: the first run of one is killed at step 1, of the next one at step 2, ….

        The last cell is the one whose first run came to its end, so there is no further step to be killed at. With
        `every` it is each so-manyth step alone, beginning with a random one.
        """
        begin = random.randint(1, every)
        wanted = [{**cell, "kills": [begin + every * turn]} for turn, cell in enumerate(job["cells"])]
        cells = self.work({**job, "cells": wanted, "until_whole": True}, of)
        errors = [run["error"] for run in cells[-1]["runs"] if "error" in run]
        assert errors == [], "\n".join(errors)
        assert not cells[-1]["runs"][0]["killed"], "there are more steps than customers"
        assert all(cell["runs"][0]["killed"] for cell in cells[:-1])
        assert [[len(cell["runs"][0]["steps"])] for cell in cells[:-1]] == [cell["kills"] for cell in cells[:-1]]
        if every > 1:
            return cells
        # On a busy machine a run may take a step more than the next one, and the one after that is then left out.
        left_out = sorted({*cells[-1]["runs"][0]["steps"]} - {*steps_of(cells)})
        spare, by_name = job["cells"][len(cells) :], list[dict[str, Any]]()
        while left_out and spare:
            turn = [{**cell, "kills": [name]} for cell, name in zip(spare, left_out, strict=False)]
            by_name, spare = [*self.work({**job, "cells": turn}, of), *by_name], spare[len(turn) :]
            left_out = [name for name in left_out if name not in steps_of(by_name)]
        return [*by_name, *cells]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def customers(count: int) -> list[str]:
    """Ids that no other test has: all tests share one Prefect server, whose blocks outlive them."""
    unique = uuid4().hex[:8]
    return [f"kill {unique}/{number}" for number in range(1, count + 1)]


def client_of(customer: str) -> str:
    return "".join(filter(str.isalnum, customer))


def secret_of(customer: str) -> str:
    """Of an application that is at LinkedIn from the beginning."""
    return f"secret of {customer}"


def engine_of(database_url: str) -> str:
    return database_url.partition(":")[0].partition("+")[0]


def killed_at(cell: Cell) -> list[str]:
    """The steps at which the cell's runs were killed."""
    return [run["steps"][-1] for run in cell["runs"] if run["killed"]]


def ended_at(cell: Cell) -> list[str]:
    """The same, and the step at which one was stopped."""
    if cell.get("stopped"):
        return [f"{cell['runs'][-1]['steps'][cell['stop'] - 1]} (stopped)"]
    return killed_at(cell)


def steps_of(cells: Sequence[Cell]) -> list[str]:
    """The points at which the first runs of a matrix were killed, in order."""
    return [step for cell in cells for step in killed_at(cell)[:1]]


def why(cell: Cell) -> str:
    """For whoever reads a failed assertion: the whole cell, its kills and the steps of each of its runs."""
    return json.dumps(cell, indent=1)
