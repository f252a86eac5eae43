"""No test leaves a connection to a SQLite file to the garbage collector, which Python 3.13 warns of in another test."""

import os
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

#: A thread that a cancelled coroutine has left behind gives its connection back soon.
_PATIENCE_SECONDS = 2.0

#: Each connection with the test that opened it.
_opened: list[tuple[sqlite3.Connection, str]] = []


def _note(connection: Any, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        _opened.append((connection, os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]))


event.listen(Pool, "connect", _note)


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.total_changes  # noqa: B018
    except sqlite3.ProgrammingError:
        return False
    return True


def _left_open(test: str) -> list[sqlite3.Connection]:
    _opened[:] = [each for each in _opened if _is_open(each[0])]
    return [connection for connection, opener in _opened if opener == test]


@pytest.fixture(autouse=True)
def every_connection_is_closed(request: pytest.FixtureRequest) -> Iterator[None]:
    """The first fixture of each test, so that all others have ended after it."""
    yield
    test, deadline = request.node.nodeid, time.monotonic() + _PATIENCE_SECONDS
    while _left_open(test) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = _left_open(test)
    for connection in left:
        connection.close()
    assert not left, f"{len(left)} connections to SQLite are still open"
