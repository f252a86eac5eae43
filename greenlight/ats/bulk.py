"""Rows that are written together: one statement for all of a kind."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ClauseElement, Insert, Table, bindparam, insert, update
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Session


class _OnConflictDoNothing(ClauseElement):
    """As SQLite and PostgreSQL both write it. SQLAlchemy's own, one for each dialect, is compiled anew each time."""

    inherit_cache = True
    _traverse_internals: Any = ()


@compiles(_OnConflictDoNothing)
def _do_nothing(_: ClauseElement, __: Any, **___: Any) -> str:
    return "ON CONFLICT DO NOTHING"


def leaving_out(statement: Insert) -> Insert:
    """This insert, which leaves out what would break a unique index; an INSERT from a SELECT needs a WHERE there."""
    statement._post_values_clause = _OnConflictDoNothing()  # pyright: ignore[reportPrivateUsage]
    return statement


def insert_rows(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Add these rows, which all name the same columns."""
    if rows:
        session.connection().execute(insert(table), rows)


def add_rows(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Add those of these rows that are not there yet."""
    if rows:
        session.connection().execute(leaving_out(insert(table)), rows)


def update_rows(session: Session, table: Table, key: str, rows: Sequence[dict[str, Any]]) -> None:
    """Set the other columns of these rows, by that one; all name the same columns."""
    if rows:
        these = update(table).where(table.c[key] == bindparam("row_key"))
        named = [{"row_key": row[key], **{name: value for name, value in row.items() if name != key}} for row in rows]
        session.connection().execute(these, named)
