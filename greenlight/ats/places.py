"""Where an ATS database is, and whether it can be written: asked without writing anything."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from greenlight.ats.database import Database

#: Less room than this on the disk of a SQLite database, in bytes, and it may stop at any commit.
LEAST_ROOM = 8 * 1024 * 1024
_SERVER = text(
    "SELECT current_setting('server_version') AS version, current_schema() AS schema, pg_is_in_recovery() AS standby,"
    " current_setting('default_transaction_read_only') = 'on' AS closed,"
    " coalesce(has_table_privilege('attempt', 'INSERT') AND has_table_privilege('attempt', 'UPDATE'), false) AS granted"
)


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of it: in words, the seconds of one answer, and why it cannot be written, if so."""

    words: str
    seconds: float
    closed: str | None


def place_of(database: Database) -> Place:
    """Ask a database that has this version's schema. Raises SQLAlchemy's errors."""
    if database.engine.dialect.name == "sqlite":
        return _file(database)
    with database.engine.connect() as connection:
        # The first answer pays for the connection.
        connection.execute(text("SELECT 1"))
        began = time.monotonic()
        row = connection.execute(_SERVER).one()
        seconds = time.monotonic() - began
    closed = None
    if row.standby:
        closed = "it is a standby"
    elif row.closed:
        closed = "it is read-only"
    elif not row.granted:
        closed = "its user may not write the tables"
    url = database.engine.url
    host = url.host or url.query.get("host") or "this machine"
    words = f"PostgreSQL {row.version} at {host}, database {url.database}, schema {row.schema}"
    return Place(words, seconds, closed)


def _file(database: Database) -> Place:
    with database.engine.connect() as connection:
        began = time.monotonic()
        # Asked of SQLite, since the address of one that is only looked at is no path.
        version, path = connection.execute(
            text("SELECT sqlite_version(), file FROM pragma_database_list WHERE name = 'main'")
        ).one()
        seconds = time.monotonic() - began
    file = Path(path)
    closed = None
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        closed = "its file or folder is not ours to write"
    elif (room := shutil.disk_usage(file.parent).free) < LEAST_ROOM:
        closed = f"its disk has {room // 1024} kB left"
    return Place(f"SQLite {version}, {file}", seconds, closed)
