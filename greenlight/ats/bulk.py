"""Rows that are written together: one statement for all of a kind."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session


def insert_rows(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Add these rows, which all name the same columns."""
    if rows:
        session.connection().execute(insert(table), rows)


def add_rows(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Add those of these rows that are not there yet."""
    if rows:
        new = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.connection().execute(new(table).on_conflict_do_nothing(), rows)


def update_rows(session: Session, table: Table, key: str, rows: Sequence[dict[str, Any]]) -> None:
    """Set the other columns of these rows, by that one; all name the same columns."""
    if rows:
        these = update(table).where(table.c[key] == bindparam("row_key"))
        named = [{"row_key": row[key], **{name: value for name, value in row.items() if name != key}} for row in rows]
        session.connection().execute(these, named)
