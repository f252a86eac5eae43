"""What a second machine is worth: the same large run on one Prefect worker and on two, side by side.

`python tests/benchmarks/shards.py`; tests/benchmarks/README.md says what the figures are. Loopback and PostgreSQL only.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from cli.quiet import quiet_prefect

quiet_prefect()

from cli.serving import stoppable  # noqa: E402 - Prefect reads its settings on import
from greenlight.ats.database import open_database  # noqa: E402
from greenlight.ats.runs import Runs  # noqa: E402
from greenlight.domain.reasons import Outcome  # noqa: E402
from tests.benchmarks.far_end import counts, far_end  # noqa: E402
from tests.benchmarks.setting_up import Databases, databases, prefect_server, settings_of  # noqa: E402
from tests.benchmarks.workers import Machine, applied, deploy, machines  # noqa: E402


class Killing:
    """Kills the last machine once, in the middle of a shard of enables that it has taken."""

    def __init__(self, url: str, machines: Sequence[Machine]) -> None:
        self._engine = create_engine(url)
        self._machine = machines[-1]
        self.done = False

    def __call__(self) -> None:
        with self._engine.connect() as connection:
            at_it = "SELECT DISTINCT taken_by FROM shard WHERE stage = 'enable' AND taken_by <> '' AND done_at IS NULL"
            owners = connection.execute(text(at_it)).all()
        if not self.done and len(owners) > 1:
            self._machine.die()
            self.done = True


def once(given: argparse.Namespace, count: int, size: int, ats: Databases, log: Path) -> dict[str, Any]:
    """Everybody enabled by so many workers, one run each at a time; 0 is a run that cuts no shards."""
    with far_end(given.latency) as address, ats.filled(given.customers) as url:
        env = settings_of(url, address, given.connections)
        env |= {"GREENLIGHT_SHARD_SIZE": str(size), "PREFECT_WORKER_QUERY_SECONDS": str(given.poll)}
        with machines(count, env, log) as there:
            killing = Killing(url, there) if given.kill else None
            run = asyncio.run(applied(given.customers + 1, killing or (lambda: None)))
        seen, report = counts(address), _report(url, str(run.id))
    if run.state is None or run.state.name != "Converged":
        raise RuntimeError(f"{run.state}: {log.read_text()[-3000:]}")
    if seen["violations"] or not seen["enabled"] == report["enabled"] == report["items"] == given.customers + 1:
        raise RuntimeError(f"not everybody was enabled once and told of: {seen} {report}")
    seconds = (run.end_time - run.start_time).total_seconds() if run.end_time and run.start_time else 0.0
    killed = killing is not None and killing.done
    return {"workers": count, "size": size, "seconds": seconds, "killed": killed, "load": os.getloadavg()[0], **report}


def _report(url: str, run_id: str) -> dict[str, Any]:
    database = open_database(url)
    try:
        report = Runs(database).report(run_id)
    finally:
        database.close()
    enabled = sum(item.condition.outcome is Outcome.ENABLED for item in report.items)
    return {"verdict": report.verdict, "items": len(report.items), "enabled": enabled}


def measure(given: argparse.Namespace, ats: Databases, log: Path) -> Iterator[dict[str, Any]]:
    """In turns; whoever comes first must not always be the same."""
    turns = [(2, given.size)] if given.kill else [(1, 0), (1, given.size), (2, given.size)]
    for number in range(given.rounds):
        turn = number % len(turns)
        for count, size in turns[turn:] + turns[:turn]:
            cost = once(given, count, size, ats, log)
            ended = "one of them killed in the middle, " if cost["killed"] else ""
            told = f"{count} workers, {ended}shards of {size}: {cost['seconds']:.1f} s, load {cost['load']:.1f}"
            sys.stderr.write(f"round {number + 1}: {told}\n")
            yield {"round": number + 1, **cost}


def table(given: argparse.Namespace, measured: list[dict[str, Any]]) -> str:
    by = {
        turn: [run["seconds"] for run in measured if (run["workers"], run["size"]) == turn]
        for turn in dict.fromkeys((run["workers"], run["size"]) for run in measured)
    }
    load = f"{min(run['load'] for run in measured):.1f} to {max(run['load'] for run in measured):.1f}"
    lines = [
        f"{given.customers} customers, far end at {given.latency * 1000:g} ms, {given.connections} connections each, "
        f"{os.cpu_count()} cores, load average {load}"
    ]
    for (count, size), seconds in by.items():
        how = f"shards of {size}" if size else "no shards"
        lines.append(f"  {count} worker{'s' * (count > 1)}, {how}: {statistics.median(seconds):.1f} s")
    two = by.get((2, given.size), [])
    for size in (0, given.size):
        ratios = [one / both for one, both in zip(by.get((1, size), []), two, strict=False)]
        if ratios:
            how = "in shards" if size else "without shards"
            spread = f"({min(ratios):.2f}..{max(ratios):.2f})"
            lines.append(f"  two are {statistics.median(ratios):.2f} {spread} times as fast as one {how}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--size", type=int, default=125, help="customers of a shard")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds until the far end answers")
    parser.add_argument("--connections", type=int, default=8, help="of each process")
    parser.add_argument("--poll", type=float, default=2.0, help="seconds after which a worker asks for runs again")
    parser.add_argument("--kill", action="store_true", help="two workers alone, the second of which dies in the middle")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one document with every run instead of the table")
    given = parser.parse_args()
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    measured: list[dict[str, Any]] = []
    with stoppable(), tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        with databases("postgresql", Path(folder)) as ats, prefect_server(given.customers):
            deploy()
            measured.extend(measure(given, ats, Path(folder) / "workers.log"))
    if measured:
        sys.stdout.write(json.dumps(measured, indent=1) + "\n" if given.json else table(given, measured))


if __name__ == "__main__":
    main()
