"""What a night costs in which next to nothing can have changed, over how many are enabled already.

`python -m tests.benchmarks.night [--settled 1000,200000] [--requested 50]`: the nightly run of the `reconcile` flow
over an ATS database in which so many are settled as ENABLED and none of them is due, and a few are REQUESTED. Each size
in a process of its own, in turns; the ratio is of the two runs of one round. Loopback only.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.quiet import quiet_prefect

quiet_prefect()

from sqlalchemy import text  # noqa: E402 - Prefect reads its settings on import
from sqlmodel import col, select, update  # noqa: E402

from cli.serving import stoppable  # noqa: E402
from greenlight.ats.database import Database, open_database  # noqa: E402
from greenlight.ats.tables import Integration  # noqa: E402
from greenlight.domain.budget import Lane  # noqa: E402
from greenlight.domain.status import Status  # noqa: E402
from tests.ats.world import shows  # noqa: E402
from tests.benchmarks.contestants import customer_id  # noqa: E402
from tests.benchmarks.far_end import counts, far_end  # noqa: E402
from tests.benchmarks.gauge import Gauge  # noqa: E402
from tests.benchmarks.setting_up import Databases, databases, prefect_server, settings_of  # noqa: E402

_ROOT = Path(__file__).parents[2]
#: What a customer's three stages send: a token, a look, an enable, a look at what came of it.
_REQUESTS = {"token": 1, "verify": 2, "enable": 1}


def settle(database: Database, above: int) -> None:
    """Have LinkedIn shown each customer above this number as ENABLED, a moment ago: all as one is by a real look."""
    now = datetime.now(UTC)
    with database.reading() as session:
        theirs = select(Integration.id).where(col(Integration.customer_id) == customer_id(above + 1))
        (id,) = session.exec(theirs)
    assert id is not None
    shows(database, id, Status.ENABLED, now)
    with database.writing() as session:
        row = session.get_one(Integration, id)
        own = {"id", "customer_id", "integration_context", "integration_name"}
        as_this = {name: value for name, value in row.model_dump().items() if name not in own}
        # A night has judged them before.
        as_this["judged_at"] = now
        session.exec(update(Integration).where(col(Integration.customer_id) > customer_id(above)).values(as_this))
        session.connection().execute(text("ANALYZE"))


async def night(requested: int) -> dict[str, Any]:
    """One nightly run in this process, after one customer that warms everything up."""
    from flows.reconcile import reconcile
    from flows.request import What

    async def run(**who: Any) -> None:
        state = await reconcile(What.APPLY, max_changes=requested + 1, return_state=True, **who)
        if state.name != "Converged":
            raise RuntimeError(f"{state.name}: {state.message}")

    await run(customers=(customer_id(0),))
    gauge = Gauge()
    gauge.watch()
    return await gauge.measure(lambda: run(lane=Lane.NIGHTLY), None)


def once(settled: int, requested: int, ats: Databases) -> dict[str, Any]:
    with far_end(0.0) as address, ats.filled(requested + settled) as url:
        database = open_database(url)
        try:
            settle(database, requested)
        finally:
            database.close()
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.night", "--within", str(requested)],
            stdout=subprocess.PIPE,
            env=settings_of(url, address, 32),
            cwd=_ROOT,
            check=True,
        )
        sent = counts(address)
        # The first customer's own are among them.
        expected = {what: number * (requested + 1) for what, number in _REQUESTS.items()}
        if sent["requests"] != expected or sent["violations"]:
            raise RuntimeError(f"{settled} settled: {sent}, not {expected}")
        return json.loads(done.stdout)


@contextmanager
def _ground(database: str, requested: int) -> Iterator[Databases]:
    with stoppable(), tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        with databases(database, Path(folder)) as ats, prefect_server(requested):
            yield ats


def measure(sizes: Sequence[int], requested: int, rounds: int, ats: Databases) -> None:
    ratios: list[float] = []
    for number in range(rounds):
        seconds: dict[int, float] = {}
        for size in sizes if number % 2 == 0 else reversed(sizes):
            cost = once(size, requested, ats)
            seconds[size] = cost["seconds"]
            sys.stdout.write(
                f"{size:>8} settled, {requested} REQUESTED: {cost['seconds']:6.2f} s, {cost['cpu']:6.2f} s CPU, "
                f"{cost['statements']} statements, {cost['memory_most']:.0f} MB\n"
            )
        ratios.append(seconds[sizes[-1]] / seconds[sizes[0]])
    spread = f"from {min(ratios):.2f} to {max(ratios):.2f} in {rounds} rounds"
    sys.stdout.write(f"{sizes[-1]} / {sizes[0]}: median {statistics.median(ratios):.2f}, {spread}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settled", type=lambda given: [int(n) for n in given.split(",")], default=[1_000, 200_000])
    parser.add_argument("--requested", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--within", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    if given.within is not None:
        json.dump(asyncio.run(night(given.within)), sys.stdout)
        return
    with _ground(given.database, given.requested) as ats:
        measure(given.settled, given.requested, given.rounds, ats)


if __name__ == "__main__":
    main()
