"""What a column holds, the same on both databases: aware times, and text within its length.

Lengths are held when a value is assigned: SQLite would take any text, and PostgreSQL refuse the whole transaction for
one that is a character too long.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from greenlight.domain.characters import cut
from greenlight.errors import BadInput

#: Text that is there to be read. What is longer is cut; everything else is a key, a code or a name that is used.
_FREE = {
    "detail",
    "application_name",
    "approved_by",
    "given_by",
    "lifted_by",
    "let_by",
    "owner",
    "saw",
    "source",
    "why",
}
_FREE_OF_TABLE = {("pause", "reason")}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on every database; SQLite would hand it back without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class UtcDay(FunctionElement[str]):
    """The UTC day of a time that a column holds, as `2026-01-31`."""

    inherit_cache = True


@compiles(UtcDay, "sqlite")
def _day_in_sqlite(element: UtcDay, compiler: SQLCompiler, **_: Any) -> str:
    return f"substr({compiler.process(element.clauses)}, 1, 10)"


@compiles(UtcDay, "postgresql")
def _day_in_postgresql(element: UtcDay, compiler: SQLCompiler, **_: Any) -> str:
    return f"to_char({compiler.process(element.clauses)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


class TooLong(BadInput, ValueError):
    """An id, a key or a name is longer than its column. The text says which, and how long it may be."""


def fitting(table: Table, name: str, value: Any) -> Any:
    """The value as this column can hold it. Raises TooLong."""
    column = table.columns.get(name)
    most = getattr(column.type, "length", None) if column is not None else None
    if most is None or not isinstance(value, str):
        return value
    if name in _FREE or (table.name, name) in _FREE_OF_TABLE:
        return cut(_storable(value), most)
    if len(value) > most:
        raise TooLong(f"{table.name}.{name} holds {most} characters and not the {len(value)} of {value[:40]!r}…")
    return value


def _storable(text: str) -> str:
    """Without what PostgreSQL cannot store: NUL, and half of a character."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")
