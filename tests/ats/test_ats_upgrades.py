"""A database in use comes through every change of the schema, up and down, on both databases."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import MetaData, select, text
from sqlalchemy.exc import IntegrityError

from greenlight.ats.database import Database, make_database
from greenlight.ats.ledger import Attempt
from greenlight.ats.plans import Plans
from greenlight.ats.requests import Requests
from greenlight.ats.revisions import VERSION_TABLE
from greenlight.ats.rows import item
from greenlight.ats.runs import Runs, RunTarget
from greenlight.domain import plan
from greenlight.domain.conditions import after_look
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from tests.ats.asking import session_of
from tests.ats.world import NOON, at, attempts_at, begin, bring_in, customer, ids_of, integration, key_of, shows

OLDER = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
    "0017",
    "0018",
    "0019",
    "0020",
    "0021",
)
#: What stands elsewhere since then.
MOVED = ("imported_at",)
Contents = dict[str, list[dict[str, object]]]


@pytest.fixture
def in_use(empty_database_url: str) -> Iterator[Database]:
    """A request in doubt, one that was enabled, an approved plan of both, a click in the portal, and a run."""
    database = make_database(empty_database_url)
    try:
        fill(database)
        yield database
    finally:
        database.close()


def fill(database: Database) -> None:
    ids = bring_in(database, *(customer(f"c{n}") for n in range(3)))
    Runs(database).start("run-1", Command.APPLY, RunTarget(Selection()), NOON)
    Requests(database).record("c1", session_of(database, "c1"), [key_of("c1")], at(0))
    for id in ids:
        shows(database, id, Status.REQUESTED, at(1))
    ready = after_look(Observation(Status.REQUESTED))
    planned = [(id, plan.Planned(item(integration(database, id)), plan.Action.ENABLE, ready)) for id in ids[:2]]
    plan_id = Plans(database).save(planned, Selection(), plan.RequestTotals(2, 2, 2), at(1))
    Plans(database).approve(plan_id, "ada", at(1), timedelta(days=1))
    for id in ids[:2]:
        begin(database, id, now=at(2))
    shows(database, ids[0], Status.ENABLED, at(10))


def contents(database: Database) -> Contents:
    """Every row of every table that has any."""
    metadata = MetaData()
    with database.reading() as session:
        metadata.reflect(session.connection())
        tables = {table: select(table).order_by(*table.primary_key) for table in metadata.sorted_tables}
        rows = {table.name: session.execute(query).mappings() for table, query in tables.items()}
        return {
            name: [{column: row[column] for column in row if column not in MOVED} for row in rows]
            for name, rows in ((name, list(rows)) for name, rows in rows.items())
            if rows and name != VERSION_TABLE
        }


@pytest.mark.parametrize("revision", OLDER)
def test_a_database_in_use_goes_down_and_up_again(in_use: Database, revision: str) -> None:
    """Tables are rewritten under rows that refer to each other, and each row stays what it was."""
    newest = contents(in_use)
    in_use.migrate(revision)
    older = contents(in_use)
    assert {"attempt": 2, "customer": 3, "integration": 3, "plan_item": 2, "run": 1}.items() <= {
        name: len(rows) for name, rows in older.items()
    }.items()
    in_use.migrate()
    after = contents(in_use)
    for name, rows in older.items():
        assert [{column: row[column] for column in rows[0]} for row in after[name]] == rows
        assert len(rows) == len(newest[name])
    first, second, _ = ids_of(in_use)
    assert [attempt.outcome for attempt in attempts_at(in_use, first)] == ["confirmed_by_looking"]
    assert [attempt.closed_at for attempt in attempts_at(in_use, second)] == [None]
    assert integration(in_use, first).observed == Status.ENABLED


def test_references_are_kept_whole_after_a_change_of_the_schema(in_use: Database) -> None:
    """They are not looked at while tables are rewritten, and again afterwards, on the same connection too."""
    in_use.migrate("0006")
    in_use.migrate()
    with pytest.raises(IntegrityError), in_use.writing() as session:
        session.add(Attempt(integration_id=77, run_id="r", client_id="c", opened_at=NOON, settles_at=NOON))


def test_a_change_that_would_lose_a_reference_is_not_made(in_use: Database) -> None:
    """Where a row refers to nothing, a new schema would only hide since when."""
    if in_use.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL looks at every reference by itself")
    in_use.migrate("0006")
    with in_use.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("DELETE FROM integration WHERE customer_id = 'c0'")
        driver.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(IntegrityError, match="refer to nothing"):
        in_use.migrate()
    with in_use.reading() as session:
        assert session.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) == "0006"
