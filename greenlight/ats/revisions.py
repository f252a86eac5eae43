"""Revisions of the schema: which one a database has, which one this version works with, and the way from one to the
other."""

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

_MIGRATIONS = Path(__file__).parent / "migrations"
#: Keeps two processes from migrating at once on PostgreSQL; any constant will do.
_MIGRATION_LOCK = 7_205_911
_ONE_AT_A_TIME = threading.Lock()
VERSION_TABLE = "greenlight_version"


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision that the database has, None for one without tables, and the newest one that this version knows.

    `known` is False for a revision of another version's.
    """

    there: str | None
    newest: str
    known: bool

    @property
    def is_newest(self) -> bool:
        return self.there == self.newest

    def trouble(self) -> str:
        """Why this version does not work with it and what to do, after the database's name. Not for the newest."""
        if self.there is None:
            return "has no tables of Greenlight: correct the variable, or make them with `greenlight migrate`"
        if self.known:
            return (
                f"is older than this version (revision {self.there} there, {self.newest} here): back it up, stop what "
                "still runs of the older version, then run `greenlight migrate`"
            )
        return (
            f"is newer than this version: it has a schema that this version does not know (revision {self.there} "
            f"there, {self.newest} here); install the version that made it, or a newer one"
        )


def schema_of(connection: Connection) -> Schema:
    """Which schema the database has, without asking for a lock."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    there, (newest, ours) = context.get_current_revision(), _known()
    return Schema(there, newest, there is None or there in ours)


def newest_revision() -> str:
    """The revision of the schema that this version works with."""
    return _known()[0]


def is_newest(connection: Connection) -> bool:
    """Whether the schema is the one that this version works with."""
    return schema_of(connection).is_newest


@cache
def _known() -> tuple[str, frozenset[str]]:
    """The newest revision that this version knows, and all of them."""
    scripts = ScriptDirectory(str(_MIGRATIONS))
    (newest,) = scripts.get_heads()
    return newest, frozenset(script.revision for script in scripts.walk_revisions())


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
