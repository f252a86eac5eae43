"""The engines on which the ATS database is read and written: what each connection and transaction is given."""

import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.pool import NullPool

#: How long SQLite waits by itself for the lock of somebody who writes.
_BUSY_TIMEOUT_SECONDS = 30
#: The same in seconds for what may be left out: see `Database.writing_briefly`.
_BRIEF_SECONDS = 0.2
#: Nobody waits longer than this for somebody who only looks.
_LOOKING_SECONDS = 5
#: As many more connections than five as asyncio has threads that could ask for one at the same time.
_MORE_CONNECTIONS = 27
#: What a transaction waits for at most: a lock, a statement, and ourselves between two statements.
LIMITS = {"lock_timeout": "10s", "statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"}


def is_file(address: URL) -> bool:
    """Whether it is SQLite, a file of this machine."""
    return address.get_backend_name() == "sqlite"


def engine_of(address: URL) -> Engine:
    """The engine for everything but looking: see `_postgres_engine`."""
    if is_file(address):
        waits = {"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
        engine = create_engine(address, max_overflow=_MORE_CONNECTIONS, connect_args=waits)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    waits = {"connect_timeout": 10}
    return _postgres_engine(address, pool_pre_ping=True, max_overflow=_MORE_CONNECTIONS, connect_args=waits)


def reading_engine(address: URL) -> Engine:
    """An engine on which nothing can be written, and which nobody waits long for."""
    if is_file(address):
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
    options = connection.get_execution_options()
    limits = options.get("limits", LIMITS) | ({"transaction_read_only": "on"} if options.get("read") else {})
    if options.get("brief"):
        limits |= {"lock_timeout": f"{_BRIEF_SECONDS}s", "statement_timeout": "2s"}
    connection.exec_driver_sql(
        "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in limits.items())
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and too late for a read that is followed by a write.
    try:
        connection.isolation_level = None
        for pragma in ("foreign_keys=ON", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        _write_ahead(connection)
    except BaseException:
        # Nobody has it yet, so nobody else would close it.
        connection.close()
        raise


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
    options = connection.get_execution_options()
    reads = options.get("read", False)
    driver = connection.connection.driver_connection
    if driver is not None and connection.info.get("reads", False) is not reads:
        driver.execute(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
        connection.info["reads"] = reads
    waits = _BRIEF_SECONDS if options.get("brief") else _BUSY_TIMEOUT_SECONDS
    if driver is not None and connection.info.get("waits", _BUSY_TIMEOUT_SECONDS) != waits:
        driver.execute(f"PRAGMA busy_timeout={round(waits * 1000)}")
        connection.info["waits"] = waits
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("write", False) else "BEGIN")
