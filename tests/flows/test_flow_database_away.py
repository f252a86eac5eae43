"""The database goes away for some seconds in the middle of a run: the run waits, and says what it did."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import col, select

from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.database import make_database
from greenlight.ats.ledger import Attempt
from tests.ats.postgres import NoPostgres, Server, embedded
from tests.flows.fault_world import Case, import_file, world

CROWD = tuple(Case(f"c{n:02}", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")) for n in range(60))


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        with embedded() as server:
            yield server
    except NoPostgres as why:
        pytest.skip(f"no PostgreSQL: {why}")


@pytest.fixture
def database_url(server: Server) -> str:
    url = server.url.render_as_string(hide_password=False)
    make_database(url).close()
    return url


def restart(there: Any, server: Server, after: int) -> None:
    """Cut every connection once so many enables have come in, and be away for two seconds."""
    while there.operations().count("enable") < after:
        time.sleep(0.01)
    server.stop()
    time.sleep(2)
    server.start()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_sixty_are_enabled_while_postgresql_restarts(town: Any, server: Server) -> None:
    async with town(world(CROWD)) as there:
        await there.bring_in(import_file(CROWD))
        away = asyncio.create_task(asyncio.to_thread(restart, there, server, 20))
        state: Any = await reconcile(What.APPLY, return_state=True)
        await away
        report = there.report(state)
        assert {i.condition.outcome for i in report.items} <= {"enabled", "already_enabled"}, state.message
        assert (report.exit_code, state.name) == (0, "Converged")
        assert all(count == {"received": 1, "effective": 1} for count in there.enables().values())
        with there.database.reading() as session:
            assert session.exec(select(Attempt).where(col(Attempt.closed_at).is_(None))).all() == []
