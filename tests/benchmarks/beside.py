"""A click while everything else is busy: during an import and a plan of all, how long until it is ENABLED.

`python -m tests.benchmarks.beside [--customers 100000]`: `greenlight import`, then `greenlight plan`, each with so many
customers, beside `greenlight worker`, the portal and the sandbox, all on one ATS database; meanwhile one customer after
another clicks Request, and somebody looks for the longest transaction that writes. The many have no credentials, so
that LinkedIn is asked for nothing and the database is all that they meet at. Loopback only.
"""

import argparse
import asyncio
import logging
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

from cli.quiet import quiet_prefect

quiet_prefect()

from sqlalchemy import text  # noqa: E402 - Prefect reads its settings on import

from cli.serving import local_prefect  # noqa: E402
from greenlight.ats.database import Database, make_database  # noqa: E402
from tests.ats.postgres import a_postgres  # noqa: E402
from tests.benchmarks.request_to_enabled import by_post  # noqa: E402
from tests.browser.stage import Stage, open_stage  # noqa: E402

_TICK = 0.02
#: The oldest transaction of another connection that has written something.
_OLDEST = text(
    "SELECT extract(epoch FROM max(clock_timestamp() - xact_start)) FROM pg_stat_activity"
    " WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()"
)


class Longest:
    """The longest that one transaction has kept others from writing, in seconds, since `begin`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._over = threading.Event()
        self.seconds = 0.0

    @contextmanager
    def watching(self) -> Iterator["Longest"]:
        postgres = self._database.engine.dialect.name == "postgresql"
        thread = threading.Thread(target=self._ages if postgres else self._waits)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _waits(self) -> None:
        # SQLite has one lock for all: whoever asks for it waits for as long as another holds it.
        with sqlite3.connect(str(self._database.engine.url.database), timeout=120, isolation_level=None) as file:
            while not self._over.wait(_TICK):
                asked = time.monotonic()
                file.execute("BEGIN IMMEDIATE")
                self.seconds = max(self.seconds, time.monotonic() - asked)
                file.execute("ROLLBACK")

    def _ages(self) -> None:
        with self._database.engine.connect() as connection:
            while not self._over.wait(_TICK):
                self.seconds = max(self.seconds, float(connection.execute(_OLDEST).scalar() or 0.0))
                connection.rollback()


async def beside(there: Stage, *command: str, codes: tuple[int, ...]) -> None:
    """Run a command of `greenlight`, click meanwhile, and say what both took."""
    begun, took = time.monotonic(), list[float]()
    with Longest(there.database).watching() as longest:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", *command, stdout=asyncio.subprocess.DEVNULL
        )
        while process.returncode is None:
            took.append((await by_post(there, await there.add())).enabled)
            await asyncio.sleep(0.5)
    seconds = time.monotonic() - begun
    if process.returncode not in codes:
        raise RuntimeError(f"greenlight {command[0]} ended with {process.returncode}")
    sys.stdout.write(
        f"{command[0]}: {seconds:.1f} s; {len(took)} clicks meanwhile, until ENABLED median "
        f"{statistics.median(took):.2f} s, longest {max(took):.2f} s; longest transaction {longest.seconds:.2f} s\n"
    )


async def measure(customers: int, url: str, folder: str) -> None:
    make_database(url).close()
    file = Path(folder) / "customers.csv"
    columns = "customer_id,customer_name,client_id,client_secret,integration_context,integration_type,tenant_type"
    key = "urn:li:organization:many{0},APPLY_WITH_LINKEDIN,JOBS"
    wanted = (f"many-{n:06},Customer {n},,,{key.format(n)},name {n}" for n in range(customers))
    file.write_text("\n".join([f"{columns},integration_name", *wanted]) + "\n", encoding="utf-8")
    async with AsyncExitStack() as stack:
        more = {"GREENLIGHT_PORTAL_TRUSTED_PROXIES": ""}
        there = await stack.enter_async_context(open_stage(url, os.environ.__setitem__, None, more))
        await stack.enter_async_context(there.worker())
        alone = [(await by_post(there, await there.add())).enabled for _ in range(5)]
        sys.stdout.write(f"nothing else: until ENABLED median {statistics.median(alone):.2f} s\n")
        await beside(there, "import", str(file), codes=(0,))
        await beside(there, "plan", codes=(0, 2, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        url = f"sqlite:///{folder}/ats.db"
        if given.database == "postgresql":
            url = stack.enter_context(stack.enter_context(a_postgres()).fresh(migrated=False))
        with local_prefect():
            asyncio.run(measure(given.customers, url, folder))


if __name__ == "__main__":
    main()
