"""How many customers a second `greenlight import` brings in, keys and all, by what Prefect's server keeps its data in.

`python -m tests.benchmarks.importing [--customers 1000,10000] [--server embedded,sqlite,postgresql]`: the command, as a
process, with a file of that many new customers, and an ATS database on SQLite. `embedded` is the Prefect server that
the command starts by itself where none is named; the others are named, and are started as `greenlight` starts one, with
their data in that database. Loopback only.
"""

import argparse
import csv
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cli.quiet import quiet_prefect

quiet_prefect()

from sqlalchemy import make_url  # noqa: E402 - Prefect reads its settings on import
from sqlmodel import func, select  # noqa: E402

from cli.serving import local_prefect, stoppable  # noqa: E402
from greenlight.ats.database import make_database, open_database  # noqa: E402
from greenlight.ats.tables import ChildApplication  # noqa: E402
from greenlight.intake.rows import COLUMNS  # noqa: E402
from tests.ats.postgres import a_postgres  # noqa: E402
from tests.benchmarks import far_end  # noqa: E402
from tests.benchmarks.contestants import customer_id, integration  # noqa: E402
from tests.benchmarks.setting_up import settings_of  # noqa: E402

_ROOT = Path(__file__).parents[2]


def write_file(path: Path, first: int, customers: int) -> None:
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        for number in range(first, first + customers):
            key = integration(number)
            rows.writerow(
                {
                    "customer_id": customer_id(number),
                    "customer_name": f"Customer {number}",
                    "integration_context": key.integration_context,
                    "integration_type": key.integration_type,
                    "tenant_type": key.tenant_type,
                    "integration_name": f"integration of {number}",
                    "client_id": far_end.client_id(number),
                    "client_secret": far_end.client_secret(number),
                }
            )


def once(url: str, folder: Path, first: int, customers: int) -> float:
    """Seconds that the command took, from its start to its end."""
    file = folder / "customers.csv"
    write_file(file, first, customers)
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "cli", "import", str(file)],
        env=settings_of(url, "http://127.0.0.1:9", 32),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - begun
    database = open_database(url)
    try:
        with database.reading() as session:
            there = session.exec(select(func.count()).select_from(ChildApplication)).one()
    finally:
        database.close()
    if done.returncode or there != first + customers:
        raise RuntimeError(f"{there} customers have an application after: {done.stdout}{done.stderr}")
    return took


@contextmanager
def _server(kind: str, folder: Path) -> Iterator[None]:
    """Whatever of Prefect the command finds."""
    if kind == "embedded":
        with _home(folder):
            yield
        return
    if kind == "sqlite":
        with _home(folder), local_prefect():
            yield
        return
    with a_postgres() as postgres, postgres.fresh(migrated=False) as url, _home(folder):
        theirs = make_url(url).set(drivername="postgresql+asyncpg")
        os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = theirs.render_as_string(hide_password=False)
        try:
            with local_prefect():
                yield
        finally:
            del os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"]


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    from prefect.settings import PREFECT_HOME, temporary_settings

    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    with temporary_settings({PREFECT_HOME: folder / "prefect"}):
        yield


def measure(kind: str, sizes: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as name, _server(kind, Path(name)):
        url = f"sqlite:///{name}/ats.db"
        make_database(url).close()
        # A new server has to set up its database, and learns the block's type with its first.
        once(url, Path(name), 0, 1)
        first = 1
        for size in sizes:
            took = once(url, Path(name), first, size)
            first += size
            sys.stdout.write(
                f"{kind:<10} {size:>6} customers in {took:6.1f} s, {size / took:6.1f} a second, "
                f"load {os.getloadavg()[0]:.1f}\n"
            )
            sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=lambda given: [int(n) for n in given.split(",")], default=[1_000, 10_000])
    parser.add_argument("--server", default="embedded,sqlite,postgresql", help="those to measure")
    parser.add_argument("--within", help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with stoppable():
        if given.within:
            measure(given.within, given.customers)
            return
        for kind in given.server.split(","):
            # A process has one server of its own, and the next one would find the blocks of the last.
            within = [sys.executable, "-m", "tests.benchmarks.importing", "--within", kind]
            subprocess.run([*within, "--customers", ",".join(map(str, given.customers))], cwd=_ROOT, check=True)


if __name__ == "__main__":
    main()
