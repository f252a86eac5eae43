"""Opening the ATS database: SQLite or PostgreSQL. Only `make_database` makes or migrates one."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from greenlight.ats.revisions import Schema, migrate, schema_of
from greenlight.ats.waiting import DatabaseUnavailable, cause_of, patiently
from greenlight.private import make_file, make_folder

#: How long SQLite waits by itself for the lock of somebody who writes.
_BUSY_TIMEOUT_SECONDS = 30
#: Nobody waits longer than this for somebody who only looks.
_LOOKING_SECONDS = 5
#: As many more connections than five as asyncio has threads that could ask for one at the same time.
_MORE_CONNECTIONS = 27
_Done = TypeVar("_Done")
#: What a transaction waits for at most: a lock, a statement, and ourselves between two statements.
LIMITS = {"lock_timeout": "10s", "statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"}
#: A migration may have to rewrite tables, and waits for one of another process.
_MIGRATING = {**LIMITS, "lock_timeout": "60s", "statement_timeout": "0"}
#: The handles that this process keeps for whoever opens the same database, by URL.
_KEPT: dict[str, "Database"] = {}


class DatabaseNotReady(DatabaseUnavailable):
    """There is no such database, or its schema is another version's. The text names it and says what to do."""


class Database:
    """Sessions on the ATS database. `writing` commits on leaving and takes SQLite's write lock at once."""

    def __init__(self, engine: Engine, *, kept: bool = False) -> None:
        self.engine = engine
        self._kept = kept
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

    @property
    def name(self) -> str:
        """Its address, without a secret."""
        return name_of(self.engine.url)

    def schema(self) -> Schema:
        with self.engine.connect() as connection:
            return schema_of(connection)

    def close(self) -> None:
        """End its connections, but for those that the process keeps for all."""
        if not self._kept:
            self.engine.dispose()


def name_of(address: URL) -> str:
    """A database's address for people and reports; a password may also stand in the query."""
    return address.set(query={}).render_as_string()


def open_database(url: str, *, patient: bool = False, waiting: Callable[[], None] | None = None) -> Database:
    """Connect to a database that this version works with, and change nothing; `patient` waits for one that is away.

    `waiting` is called while it is waited for.

    Raises DatabaseNotReady for one that is not there or has another version's schema, else DatabaseUnavailable.
    """
    kept, address = _KEPT.get(url), make_url(url)
    if kept is None and _is_file(address):
        # The engine for everything else would make the file, or change how it is kept.
        with looked_at(url, patient=patient, waiting=waiting) as looked:
            _must_fit(address, None if looked is None else looked[1])
        return Database(_engine(address))
    database = Database(_engine(address)) if kept is None else Database(kept.engine, kept=True)
    with _opening(database):
        _must_fit(address, _once_there(database.schema, patient, waiting))
    return database


def make_database(url: str, *, patient: bool = False, waiting: Callable[[], None] | None = None) -> Database:
    """Connect, make what is not there yet and bring the schema to the newest. Raises DatabaseUnavailable.

    `patient` and `waiting` are as for `open_database`.
    """
    address = make_url(url)
    database = Database(_engine(address))
    with _opening(database):
        if _is_file(address):
            file = Path(address.database or "")
            make_folder(file.parent)
            # SQLite gives what it keeps beside it the same mode, and says why where there can be none.
            with suppress(OSError):
                make_file(file)
        schema = _once_there(database.schema, patient, waiting)
        if not schema.known:
            _must_fit(address, schema)
        if not schema.is_newest:
            _once_there(database.migrate, patient, waiting)
    return database


@contextmanager
def kept_open(url: str) -> Iterator[Database]:
    """Within this, one handle serves whoever in this process opens that database; it is waited for.

    Raises as `open_database` does.
    """
    database = open_database(url, patient=True)
    _KEPT[url] = database
    try:
        yield database
    finally:
        del _KEPT[url]
        database.close()


@contextmanager
def looked_at(
    url: str, *, patient: bool = False, waiting: Callable[[], None] | None = None
) -> Iterator[tuple[Database, Schema] | None]:
    """The database, which can only be read then, and its schema; None for a SQLite file that is not there yet.

    `patient` waits for one that is away or locked. Raises DatabaseUnavailable.
    """
    address = make_url(url)
    if _is_file(address) and not Path(address.database or "").exists():
        yield None
        return
    database = Database(_reading_engine(address))
    with _opening(database, address):
        schema = _once_there(database.schema, patient, waiting)
    try:
        yield database, schema
    finally:
        database.close()


@contextmanager
def _opening(database: Database, address: URL | None = None) -> Iterator[None]:
    """What keeps it from being opened in this block, in one sentence; it is closed then."""
    try:
        yield
    except BaseException as error:
        database.close()
        if not isinstance(error, SQLAlchemyError | OSError | DatabaseUnavailable) or isinstance(
            error, DatabaseNotReady
        ):
            raise
        named = name_of(address or database.engine.url)
        why = str(error) if isinstance(error, DatabaseUnavailable) else cause_of(error)
        raise DatabaseUnavailable(f"GREENLIGHT_DATABASE_URL {named} cannot be opened: {why}") from None


def _once_there(act: Callable[[], _Done], patient: bool, waiting: Callable[[], None] | None) -> _Done:
    return patiently(act, opening=True, waiting=waiting) if patient else act()


def _must_fit(address: URL, schema: Schema | None) -> None:
    """Raise DatabaseNotReady unless the schema is this version's; None is no database at all."""
    if schema is None or not schema.is_newest:
        missing = "does not exist: correct the variable, or make a new database there with `greenlight migrate`"
        raise DatabaseNotReady(
            f"GREENLIGHT_DATABASE_URL {name_of(address)} {missing if schema is None else schema.trouble()}"
        ) from None


def _is_file(address: URL) -> bool:
    return address.get_backend_name() == "sqlite"


def _engine(address: URL) -> Engine:
    """The engine for everything but looking: see `_postgres_engine`."""
    if _is_file(address):
        waits = {"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
        engine = create_engine(address, max_overflow=_MORE_CONNECTIONS, connect_args=waits)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    waits = {"connect_timeout": 10}
    return _postgres_engine(address, pool_pre_ping=True, max_overflow=_MORE_CONNECTIONS, connect_args=waits)


def _reading_engine(address: URL) -> Engine:
    if _is_file(address):
        # As a URI, so that SQLite itself refuses every write.
        file = f"file:{quote(str(Path(address.database or '').absolute()))}"
        return create_engine(
            URL.create("sqlite", database=file, query={"mode": "ro", "uri": "true"}),
            connect_args={"timeout": _LOOKING_SECONDS, "check_same_thread": False},
            poolclass=NullPool,
        )
    engine = _postgres_engine(address, poolclass=NullPool, connect_args={"connect_timeout": _LOOKING_SECONDS})
    patience = f"{_LOOKING_SECONDS}s"
    looking = {**LIMITS, "lock_timeout": patience, "statement_timeout": patience, "transaction_read_only": "on"}
    return engine.execution_options(limits=looking)


def _postgres_engine(address: URL, *, connect_args: dict[str, Any], **more: Any) -> Engine:
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
