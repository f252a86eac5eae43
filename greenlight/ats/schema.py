"""Looking at the ATS database without changing it: which revision it has, and reading from it as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from greenlight.ats.database import LIMITS, VERSION_TABLE, Database, alembic_config, postgres_engine
from greenlight.ats.waiting import DatabaseUnavailable, cause_of

#: Nobody waits longer than this for somebody who only looks.
_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision that the database has, None for one without tables, and the newest one that this version knows.

    `known` is False for a revision of another version's.
    """

    there: str | None
    newest: str | None
    known: bool

    @property
    def is_newest(self) -> bool:
        return self.there == self.newest


@contextmanager
def looked_at(url: str) -> Iterator[tuple[Database, Schema] | None]:
    """The database, which can only be read then, and its schema; None for a SQLite file that is not there yet.

    Raises DatabaseUnavailable.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        yield None
        return
    engine = _reading_engine(address)
    try:
        try:
            schema = _schema(engine)
        except (SQLAlchemyError, OSError) as error:
            shown = address.set(query={}).render_as_string()
            raise DatabaseUnavailable(f"GREENLIGHT_DATABASE_URL {shown} cannot be opened: {cause_of(error)}") from None
        yield Database(engine), schema
    finally:
        engine.dispose()


def _schema(engine: Engine) -> Schema:
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(alembic_config(connection))
        there = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
        ours = {script.revision for script in scripts.walk_revisions()}
        return Schema(there, scripts.get_current_head(), there is None or there in ours)


def _reading_engine(address: URL) -> Engine:
    if address.get_backend_name() == "sqlite":
        # As a URI, so that SQLite itself refuses every write.
        file = f"file:{quote(str(Path(address.database or '').absolute()))}"
        return create_engine(
            URL.create("sqlite", database=file, query={"mode": "ro", "uri": "true"}),
            connect_args={"timeout": _SECONDS, "check_same_thread": False},
            poolclass=NullPool,
        )
    engine = postgres_engine(address, poolclass=NullPool, connect_args={"connect_timeout": _SECONDS})
    patience = f"{_SECONDS}s"
    looking = {**LIMITS, "lock_timeout": patience, "statement_timeout": patience, "transaction_read_only": "on"}
    return engine.execution_options(limits=looking)
