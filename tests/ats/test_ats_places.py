"""A database that cannot be written says so before anything is tried, and in a sentence where something was."""

import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlmodel import text

from greenlight.ats import places, waiting
from greenlight.ats.database import Database, looked_at, open_database
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.places import place_of
from greenlight.ats.store import Store
from greenlight.ats.waiting import DatabaseUnavailable, Hindrance, hindrance
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.world import NOON, bring_in, customer, shows


def on_postgres(url: str, *statements: str) -> None:
    with closing(open_database(url)) as database, database.engine.connect() as connection:
        name = database.engine.url.database
        for statement in statements:
            connection.execute(text(statement.format(name=name)))
        connection.commit()


@pytest.fixture
def pausing(database: Database) -> Callable[[], None]:
    """Something that writes."""
    bring_in(database, customer("acme"))

    def pause() -> None:
        Pauses(database).begin(Pause("acme", "they asked", "us", NOON, NOON + timedelta(days=1)))

    return pause


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.2)


@pytest.fixture
def full(database: Database) -> Iterator[Database]:
    """No page can be added to its file."""

    def cap(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # pyright: ignore[reportAttributeAccessIssue]

    event.listen(database.engine, "connect", cap)
    database.engine.dispose()
    yield database
    event.remove(database.engine, "connect", cap)


def test_one_that_can_be_written(database: Database, engine_name: str, database_url: str) -> None:
    place = place_of(database)
    assert place.closed is None
    assert 0 <= place.seconds < 5
    words = "schema public" if engine_name == "postgres" else database_url.removeprefix("sqlite:///")
    assert words in place.words
    with looked_at(database_url) as looked:
        assert looked is not None
        assert place_of(looked[0]).closed is None, "that it is only looked at says nothing of the database"


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_one_that_is_read_only(database_url: str, pausing: Callable[[], None], database: Database) -> None:
    """As a standby is, or a primary that a failover has demoted."""
    on_postgres(database_url, "ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.engine.dispose()
    assert place_of(database).closed == "it is read-only"
    with pytest.raises(DatabaseUnavailable, match=r"takes no writes .* point GREENLIGHT_DATABASE_URL at the one that"):
        pausing()


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_one_whose_user_may_only_read(database_url: str, database: Database, pausing: Callable[[], None]) -> None:
    on_postgres(
        database_url,
        "DROP ROLE IF EXISTS onlooker",
        "CREATE ROLE onlooker LOGIN",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO onlooker",
    )
    try:
        url = database.engine.url.set(username="onlooker").render_as_string(hide_password=False)
        with closing(open_database(url)) as looking:
            assert place_of(looking).closed == "its user may not write the tables"
            with pytest.raises(DatabaseUnavailable, match=r"permission denied for table .*: grant the user of"):
                Pauses(looking).end("acme")
    finally:
        on_postgres(database_url, "DROP OWNED BY onlooker", "DROP ROLE onlooker")


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_one_that_is_read_only_for_a_moment(
    database_url: str, pausing: Callable[[], None], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover: until the standby is the primary, it is waited for."""
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 20)
    on_postgres(database_url, "ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.engine.dispose()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(pausing)
        time.sleep(0.5)
        assert not done.done()
        with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as console:
            console.execute("SET default_transaction_read_only = off")
            name = sql.Identifier(str(database.engine.url.database))
            console.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
        database.engine.dispose()
        done.result(20)
    assert set(Pauses(database).now_in_force(["acme"], NOON)) == {"acme"}


@pytest.fixture
def of_three_connections(database: Database, database_url: str) -> Iterator[str]:
    """The database's URL for a user that gets three."""
    role = f"three_{uuid4().hex[:8]}"
    given = [f"GRANT ALL ON ALL {what} IN SCHEMA public TO {role}" for what in ("TABLES", "SEQUENCES")]
    on_postgres(database_url, f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 3", *given)
    yield database.engine.url.set(username=role).render_as_string(hide_password=False)
    on_postgres(database_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_three_connections_are_enough(
    database: Database, of_three_connections: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 30)
    ids = bring_in(database, *(customer(f"c{number}") for number in range(8)))
    with closing(open_database(of_three_connections)) as ours, ThreadPoolExecutor(16) as pool:

        def work(number: int) -> int:
            shows(ours, ids[number % 8], Status.REQUESTED, NOON)
            return len(Store(ours).select(Selection()))

        assert set(pool.map(work, range(100))) == {8}


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_none_left_is_told_as_that(of_three_connections: str) -> None:
    """It is not away, so that nobody looks for a server to start."""
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(psycopg.connect(of_three_connections.replace("+psycopg", "")))
        with pytest.raises(DatabaseUnavailable, match=r"gave no further connection .* \(.*too many connections"):
            open_database(of_three_connections, patient=True)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_one_whose_disk_is_full(full: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill() -> None:
        for number in range(200):
            bring_in(full, *(customer(f"c{number}-{each}") for each in range(20)))

    with pytest.raises(DatabaseUnavailable, match=r"disk is full or fails \(database or disk is full\): make room"):
        fill()
    monkeypatch.setattr(places, "LEAST_ROOM", 2**60)
    assert str(place_of(full).closed).startswith("its disk has ")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_file_that_is_read_only(database_url: str, database: Database) -> None:
    """What SQLite itself says of it is known; that the system says so too cannot be shown to root."""
    file = Path(database_url.removeprefix("sqlite:///"))
    database.close()
    file.chmod(stat.S_IRUSR)
    with looked_at(database_url) as looked:
        assert looked is not None
        with pytest.raises(DBAPIError) as raised, looked[0].engine.connect() as connection:
            connection.execute(text("DELETE FROM pause"))
        assert hindrance(raised.value) is Hindrance.READ_ONLY


def test_an_io_error_of_sqlite_may_be_a_full_disk() -> None:
    """Where not even the file beside it can be made."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert hindrance(DBAPIError("SELECT 1", {}, error)) is Hindrance.FULL
