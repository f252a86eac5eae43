"""What a transaction on PostgreSQL waits for, and what a person reads when that is over."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlmodel import Session

from greenlight.ats import engines as module
from greenlight.ats import waiting
from greenlight.ats.database import Database, looked_at, open_database
from greenlight.ats.store import Store
from greenlight.ats.waiting import DatabaseUnavailable
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.postgres import Server
from tests.ats.world import NOON, bring_in, customer, ids_of, integration, one, shows
from tests.system.programs import pgbouncer

POSTGRES = pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
SETTINGS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")


def settings_of(session: Session) -> list[str]:
    return [session.connection().exec_driver_sql(f"SHOW {name}").scalar_one() for name in SETTINGS]


@POSTGRES
def test_no_limit_is_left_to_how_somebody_set_up_the_server(database: Database, database_url: str) -> None:
    """Whatever the database's defaults are, each transaction has ours, and only for itself."""
    name = make_url(database_url).database
    with database.writing() as session:
        for setting in ("default_transaction_isolation = 'serializable'", "lock_timeout = 0", "statement_timeout = 0"):
            session.connection().exec_driver_sql(f"ALTER DATABASE {name} SET {setting}")
    fresh = open_database(database_url)
    with fresh.reading() as session:
        assert settings_of(session) == ["10s", "1min", "1min", "read committed"]
    with fresh.writing() as session:
        assert settings_of(session) == ["10s", "1min", "1min", "read committed"]
    fresh.close()


@POSTGRES
def test_a_transaction_that_is_forgotten_in_a_console_ends_in_a_sentence(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the table and what to do; what somebody else's transaction does not keep goes on."""
    monkeypatch.setitem(module.LIMITS, "lock_timeout", "300ms")
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 1)
    kept, free = bring_in(database, customer("acme"), customer("bolt"))
    with psycopg.connect(database_url.replace("+psycopg", "")) as console:
        console.execute("UPDATE integration SET integration_name = 'x' WHERE id = %s", [kept])
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match=r"keeps rows of table 'integration' .* locked .*: end the trans"):
            shows(database, kept, Status.REQUESTED)
        assert time.monotonic() - began < 5
        shows(database, free, Status.REQUESTED)
        console.rollback()
    shows(database, kept, Status.REQUESTED)
    assert integration(database, kept).observed == Status.REQUESTED


@POSTGRES
def test_a_lock_that_is_given_back_in_time_is_waited_for(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module.LIMITS, "lock_timeout", "200ms")
    id = one(database)
    with psycopg.connect(database_url.replace("+psycopg", "")) as console, ThreadPoolExecutor(1) as pool:
        console.execute("UPDATE integration SET integration_name = 'x' WHERE id = %s", [id])
        writing = pool.submit(shows, database, id, Status.REQUESTED)
        time.sleep(0.8)
        console.commit()
        writing.result(20)
    assert integration(database, id).observed == Status.REQUESTED


@POSTGRES
def test_a_statement_that_takes_too_long_is_stopped_with_a_sentence(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module.LIMITS, "statement_timeout", "300ms")
    one(database)
    with pytest.raises(DatabaseUnavailable, match=r"a statement on table 'integration' .* took too long"):
        database.write(lambda session: session.connection().execute(text("SELECT pg_sleep(5) FROM integration")))


@POSTGRES
def test_our_own_transaction_is_not_kept_open_by_a_process_that_hangs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended by the server, and done again, whole, by the process once it goes on."""
    monkeypatch.setitem(module.LIMITS, "idle_in_transaction_session_timeout", "300ms")
    tries: list[int] = []

    def act(session: Session) -> int:
        session.connection()
        tries.append(len(tries))
        if len(tries) == 1:
            time.sleep(1)
        return session.connection().execute(text("SELECT 7")).scalar_one()

    assert database.write(act) == 7
    assert tries == [0, 1]


@pytest.fixture
def through_pgbouncer(server: Server) -> Iterator[str]:
    """The server's URL through a PgBouncer that gives each transaction another one of two connections."""
    with pgbouncer(Path(str(server.url.query["host"]))) as port:
        yield server.url.update_query_dict({"port": str(port)}).render_as_string(hide_password=False)


@pytest.mark.long
def test_a_pgbouncer_that_shares_connections_between_transactions_changes_nothing(through_pgbouncer: str) -> None:
    """No statement is prepared and nothing set for a connection, and each transaction has its limits."""
    database = open_database(through_pgbouncer)
    one(database)

    def work(_round: int) -> list[str]:
        shows(database, ids_of(database)[0], Status.REQUESTED, NOON)
        assert len(Store(database).select(Selection())) == 1
        with database.writing() as session:
            return settings_of(session)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(40)))
    assert all(each == ["10s", "1min", "1min", "read committed"] for each in found)
    database.close()
    with looked_at(through_pgbouncer) as looked:
        assert looked is not None
        assert looked[1].is_newest
        with looked[0].reading() as session:
            assert settings_of(session)[:2] == ["5s", "5s"]
        with pytest.raises(DatabaseUnavailable, match="takes no writes"):
            shows(looked[0], 1, Status.ENABLED)
