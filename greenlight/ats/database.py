"""Opening the ATS database: SQLite or PostgreSQL. Only `make_database` makes or migrates one."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from greenlight.ats.engines import LIMITS, engine_of, is_file, reading_engine
from greenlight.ats.revisions import Schema, migrate, schema_of
from greenlight.ats.waiting import DatabaseUnavailable, cause_of, only_once, patiently
from greenlight.ats.writer import Writer
from greenlight.private import make_file, make_folder

_Done = TypeVar("_Done")
_Part = TypeVar("_Part")
#: A migration may have to rewrite tables, and waits for one of another process.
_MIGRATING = {**LIMITS, "lock_timeout": "60s", "statement_timeout": "0"}
#: Whoever writes into a SQLite file in this process, by file; and seconds after which one goes on without its turn.
_QUEUES: dict[str, threading.Lock] = {}
QUEUE_SECONDS = 10.0
#: The handles that this process keeps for whoever opens the same database, by URL.
_KEPT: dict[str, "Database"] = {}


class DatabaseNotReady(DatabaseUnavailable):
    """There is no such database, or its schema is another version's. The text names it and says what to do."""


class Database:
    """Sessions on the ATS database. `writing` commits on leaving and takes SQLite's write lock at once.

    In `reading` nothing can be written, which the database itself refuses.
    """

    def __init__(self, engine: Engine, *, kept: bool = False) -> None:
        self.engine = engine
        self._kept = kept
        self._writer = engine.execution_options(write=True)
        self._brief = engine.execution_options(write=True, brief=True)
        self._reader = engine.execution_options(read=True)
        self._together = threading.local()
        self._turns = _QUEUES.setdefault(engine.url.database or "", threading.Lock()) if is_file(engine.url) else None
        #: For coroutines: what they have to write goes together.
        self.writer = Writer(self)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        if (shared := self._shared()) is not None:
            yield shared
            return
        with Session(self._reader) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        if (shared := self._shared()) is not None:
            yield shared
            return
        with self._in_turn(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """On SQLite the threads of one process queue for its one lock here: SQLite's own wait looks now and then."""
        ours = self._turns is not None and self._turns.acquire(timeout=QUEUE_SECONDS)
        try:
            yield
        finally:
            if self._turns is not None and ours:
                self._turns.release()

    @contextmanager
    def writing_briefly(self) -> Iterator[Session]:
        """For what may be left out, in a transaction of its own: nobody's lock is waited for longer than a moment."""
        with Session(self._brief) as session, session.begin():
            yield session

    @contextmanager
    def together(self, *, write: bool = True) -> Iterator[Callable[[], None]]:
        """Within this, all units of work of this thread are one transaction; none is repeated alone.

        Without `write` it is one of `reading`.

        What it yields is called after each, so that the next one starts with nothing remembered.
        """

        def done() -> None:
            session.flush()
            session.expunge_all()

        with self.writing() if write else self.reading() as session, only_once():
            self._together.session = session
            try:
                yield done
            finally:
                self._together.session = None

    def _shared(self) -> Session | None:
        return getattr(self._together, "session", None)

    def write(self, act: Callable[[Session], _Done]) -> _Done:
        """Run `act` in a transaction, and afresh where somebody else has just added the row that it was to add.

        What passes is waited for. Raises DatabaseUnavailable.
        """

        def once() -> _Done:
            with self.writing() as session:
                return act(session)

        return patiently(once, added_meanwhile=True)

    def write_in_parts(
        self,
        act: Callable[[Session, _Part], _Done],
        parts: Iterable[_Part],
        pause: Callable[[float], None] = time.sleep,
    ) -> list[_Done]:
        """Run `act` for each part in a transaction of its own, as `write` does; others get their turn in between.

        What is cut short leaves the parts before written.
        """
        done: list[_Done] = []
        for part in parts:
            began = time.monotonic()
            done.append(self.write(lambda session, part=part: act(session, part)))
            if self.engine.dialect.name == "sqlite":
                # Who waits for its one lock looks whether it is free now and then: it is as long free as it was taken.
                time.sleep(time.monotonic() - began)
        return done

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
    if kept is None and is_file(address):
        # The engine for everything else would make the file, or change how it is kept.
        with looked_at(url, patient=patient, waiting=waiting) as looked:
            _must_fit(address, None if looked is None else looked[1])
        return Database(engine_of(address))
    database = Database(engine_of(address)) if kept is None else Database(kept.engine, kept=True)
    with _opening(database):
        _must_fit(address, _once_there(database.schema, patient, waiting))
    return database


def make_database(url: str, *, patient: bool = False, waiting: Callable[[], None] | None = None) -> Database:
    """Connect, make what is not there yet and bring the schema to the newest. Raises DatabaseUnavailable.

    `patient` and `waiting` are as for `open_database`.
    """
    address = make_url(url)
    database = Database(engine_of(address))
    with _opening(database):
        if is_file(address):
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
    if is_file(address) and not Path(address.database or "").exists():
        yield None
        return
    database = Database(reading_engine(address))
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
