"""Opening the ATS database: SQLite or PostgreSQL, brought to the newest schema."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import Session

from greenlight.ats.waiting import DatabaseUnavailable, cause_of, patiently

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_TIMEOUT_SECONDS = 30
#: Keeps two processes from migrating at once on PostgreSQL; any constant will do.
_MIGRATION_LOCK = 7_205_911
_ONE_AT_A_TIME = threading.Lock()
_Done = TypeVar("_Done")
VERSION_TABLE = "greenlight_version"
#: What a transaction waits for at most: a lock, a statement, and ourselves between two statements.
LIMITS = {"lock_timeout": "10s", "statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"}
#: A migration may have to rewrite tables, and waits for one of another process.
_MIGRATING = {**LIMITS, "lock_timeout": "60s", "statement_timeout": "0"}


class Database:
    """Sessions on the ATS database. `writing` commits on leaving and takes SQLite's write lock at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(write=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def write(self, act: Callable[[Session], _Done]) -> _Done:
        """Run `act` in a transaction, and afresh where somebody else has just added the row that it was to add.

        What passes is waited for. Raises DatabaseUnavailable.
        """

        def once() -> _Done:
            with self.writing() as session:
                return act(session)

        return patiently(once, added_meanwhile=True)

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to `revision`, wholly or not at all; waits for another process that is doing the same."""
        engine = self._writer.execution_options(limits=_MIGRATING)
        with engine.connect() as connection, _tables_may_be_rewritten(connection), connection.begin():
            migrate(connection, revision)

    def close(self) -> None:
        self.engine.dispose()


def open_database(url: str, *, patient: bool = False) -> Database:
    """Connect and migrate to the newest schema; `patient` waits for one that is away. Raises DatabaseUnavailable."""
    address = make_url(url)
    # A password may also stand in the query.
    shown = address.set(query={}).render_as_string()
    engine = _engine(address)
    try:
        if address.get_backend_name() == "sqlite" and address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        database = Database(engine)
        if patient:
            patiently(lambda: engine.connect().close())
        with engine.connect() as connection:
            newest = is_newest(connection)
        if not newest:
            database.migrate()
    except DatabaseUnavailable:
        engine.dispose()
        raise
    except (SQLAlchemyError, OSError) as error:
        engine.dispose()
        raise DatabaseUnavailable(f"GREENLIGHT_DATABASE_URL {shown} cannot be opened: {cause_of(error)}") from None
    except CommandError as error:
        engine.dispose()
        raise DatabaseUnavailable(
            f"GREENLIGHT_DATABASE_URL {shown} has a schema that this version does not know "
            f"({error}); install the version that made it, or a newer one"
        ) from None
    return database


def _engine(address: URL) -> Engine:
    """The engine for everything but looking: see `postgres_engine`."""
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address, connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return postgres_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": 10})


def postgres_engine(address: URL, *, connect_args: dict[str, Any], **more: Any) -> Engine:
    """An engine whose transactions bring their limits along.

    Nothing is set for a whole connection and no statement is prepared, since PgBouncer may give each transaction
    another one.
    """
    connect_args = {"prepare_threshold": None, **connect_args}
    engine = create_engine(address, isolation_level="READ COMMITTED", connect_args=connect_args, **more)
    event.listen(engine, "begin", _limit_postgres)
    return engine


def _limit_postgres(connection: Connection) -> None:
    limits = connection.get_execution_options().get("limits", LIMITS)
    connection.exec_driver_sql(
        "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in limits.items())
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and too late for a read that is followed by a write.
    connection.isolation_level = None
    for pragma in ("foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    _write_ahead(connection)


def _write_ahead(connection: Any) -> None:
    # Where two connections switch a new file over at once, SQLite says "locked" without its busy time-out.
    give_up = time.monotonic() + _BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _tables_may_be_rewritten(connection: Connection) -> Iterator[None]:
    """On SQLite an altered table is a new one in its place (sqlite.org/lang_altertable.html, section 7).

    Its foreign keys are off meanwhile, since dropping the old table would otherwise delete what others refer to.
    They can be switched between two transactions only. Raises IntegrityError where a reference has been lost.
    """
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def is_newest(connection: Connection) -> bool:
    """Whether the schema is at its newest revision, without asking for a lock."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision() == ScriptDirectory.from_config(alembic_config(connection)).get_current_head()


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the schema up to the newest revision or down to an older one on this connection; the caller commits."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    config = alembic_config(connection)
    # Alembic keeps what it works on in a global.
    with _ONE_AT_A_TIME:
        if revision == "head":
            command.upgrade(config, revision)
        else:
            command.downgrade(config, revision)
    if connection.dialect.name == "sqlite" and (lost := connection.execute(text("PRAGMA foreign_key_check")).all()):
        raise IntegrityError("PRAGMA foreign_key_check", None, ValueError(f"rows that refer to nothing: {lost[:5]}"))


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    return config
