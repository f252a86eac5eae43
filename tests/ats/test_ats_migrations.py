"""The schema: up and down again, and the same as the tables say, on both databases."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from sqlalchemy import CheckConstraint, Connection, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from greenlight.ats.database import make_database
from greenlight.ats.ledger import Attempt
from greenlight.ats.revisions import alembic_config, migrate
from greenlight.ats.tables import Table
from tests.ats.world import NOON, attempts_at, ids_of, one

TABLES = {
    "api_key",
    "idempotency_key",
    "provisioning_request",
    "alarm",
    *(
        "approval",
        "attempt",
        "fleet_snapshot",
        "child_application",
        "customer",
        "greenlight_version",
        "integration",
        "plan",
        "plan_item",
    ),
    *("desired_row", "desired_sync"),
    "domains_record",
    "integration_change",
    *("webhook_delivery", "webhook_place", "shard", "shard_take"),
    *("hold", "pause", "provisioning", "request_day", "request_evidence", "run", "visit", "warrant"),
}
OPENER = """
import sys
from greenlight.ats.database import make_database
print("here", flush=True)
sys.stdin.readline()
make_database(sys.argv[1]).close()
print("open")
"""


Connected = Callable[[], AbstractContextManager[Connection]]


def codes_in(sql: str) -> list[str]:
    return sql.split("'")[1::2]


@pytest.fixture
def connected(empty_database_url: str) -> Iterator[Connected]:
    """Transactions on a database without tables."""
    engine = create_engine(empty_database_url)
    yield engine.begin
    engine.dispose()


def test_the_schema_goes_up_down_and_up_again(connected: Connected) -> None:
    """A release that is taken back leaves nothing behind that keeps it from being installed once more."""
    with connected() as connection:
        migrate(connection)
    with connected() as connection:
        assert set(inspect(connection).get_table_names()) == TABLES
        migrate(connection, "base")
    with connected() as connection:
        assert inspect(connection).get_table_names() == ["greenlight_version"]
        migrate(connection)
    with connected() as connection:
        assert set(inspect(connection).get_table_names()) == TABLES


def test_the_migrations_make_what_the_tables_say(connected: Connected) -> None:
    """A column that is in the code but in no migration is found here, not at a customer's."""
    with connected() as connection:
        migrate(connection)
        command.check(alembic_config(connection))


def test_the_migrations_make_every_check_with_the_same_codes(connected: Connected) -> None:
    """Alembic does not compare checks, so a new code could be refused by every database that was migrated."""
    with connected() as connection:
        migrate(connection)
        for table in Table.metadata.sorted_tables:
            there = {str(c["name"]): c["sqltext"] for c in inspect(connection).get_check_constraints(table.name)}
            said = {str(c.name): str(c.sqltext) for c in table.constraints if isinstance(c, CheckConstraint)}
            assert len(there) == len(said), table.name
            for name, sql in said.items():
                (same,) = [text for their_name, text in there.items() if their_name.endswith(name)]
                assert codes_in(same) == codes_in(sql), name


def test_opening_again_keeps_what_is_there(empty_database_url: str) -> None:
    """Every command opens the database; only the first one finds it empty."""
    first = make_database(empty_database_url)
    id = one(first)
    first.close()
    second = make_database(empty_database_url)
    assert ids_of(second) == [id]
    second.close()


def test_a_block_that_fails_writes_nothing(empty_database_url: str) -> None:
    """What is written in one go is there as a whole or not at all, also what had been sent to the server already."""
    database = make_database(empty_database_url)
    id = one(database)

    def write_and_fail() -> None:
        with database.writing() as session:
            session.add(Attempt(integration_id=id, run_id="r", client_id="c", opened_at=NOON, settles_at=NOON))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert attempts_at(database, id) == []
    database.close()


def test_a_reference_to_nothing_is_refused(empty_database_url: str) -> None:
    """SQLite checks foreign keys only where it is told to, on every connection."""
    database = make_database(empty_database_url)
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(Attempt(integration_id=77, run_id="r", client_id="c", opened_at=NOON, settles_at=NOON))
    database.close()


def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    """The first command on a new machine needs no preparation."""
    file = tmp_path / "not" / "there" / "ats.db"
    make_database(f"sqlite:///{file}").close()
    assert file.is_file()


def test_many_threads_open_an_empty_database_at_once(empty_database_url: str) -> None:
    """The first to come makes the tables; the others wait for them and do not make them again."""
    gate = Barrier(4)
    impatient = make_url(empty_database_url)
    if impatient.get_backend_name() == "postgresql":
        # Where somebody waits for ever, the test fails and does not wait along.
        impatient = impatient.update_query_dict({"options": "-c lock_timeout=20s"})

    def enter(_: int) -> int:
        gate.wait(30)
        database = make_database(impatient.render_as_string(hide_password=False))
        try:
            return len(ids_of(database))
        finally:
            database.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(enter, range(4))) == [0, 0, 0, 0]


def test_two_processes_open_an_empty_database_at_once(empty_database_url: str) -> None:
    """A schedule and a person may start the program in the same second, just after it was installed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, empty_database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "here\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.communicate(timeout=60) for process in processes] == [("open\n", "")] * 2
    finally:
        for process in processes:
            process.kill()
            process.communicate()
