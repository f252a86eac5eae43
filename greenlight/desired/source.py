"""What every source of what is wanted is: a name, and a stream of rows."""

import re
from collections.abc import Generator
from typing import Protocol
from uuid import UUID

from greenlight.errors import GreenlightError, Kind
from greenlight.intake.problems import Problems

#: The columns of a source, as in an import file. Credentials never come from one.
REQUIRED = ("customer_id", "customer_name", "integration_context", "integration_type", "tenant_type")
COLUMNS = (*REQUIRED, "integration_name", "client_id")

#: A row's number, and its values by column; None stands for one that was told of already.
Row = tuple[int, dict[str, str | None]]

#: As much as may be a secret, where a password has what should have been encoded in it.
_USER, _QUERY = re.compile(r"//.*@", re.DOTALL), re.compile(r"[?#].*", re.DOTALL)


class SourceUnreadable(GreenlightError, kind=Kind.INPUT, remedy="mend the source, or GREENLIGHT_DESIRED_…"):
    """A source cannot be read, or not to its end. The text holds no secret."""


class DesiredSource(Protocol):
    """A source: what it is called, without a secret, and its rows."""

    @property
    def name(self) -> str: ...

    def rows(self, problems: Problems) -> Generator[Row]:
        """All rows once, a few at a time; what is wrong with one is told to `problems`. Changes nothing.

        Raises SourceUnreadable. Only where it comes to its end was everything read.
        """
        ...


def without_secrets(url: str) -> str:
    """An address without a user, a password, a query and a fragment, however it is written."""
    return _QUERY.sub("", _USER.sub("//", url))


def check_columns(names: list[str]) -> None:
    """Raise SourceUnreadable unless these are a source's columns."""
    if secrets := [name for name in names if name == "client_secret"]:
        raise SourceUnreadable(f"has a column {secrets[0]}: a source never gives credentials, so leave it out")
    if missing := [name for name in REQUIRED if name not in names]:
        raise SourceUnreadable(f"has no column {', '.join(missing)}; name them with AS")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise SourceUnreadable(f"has a column {unknown[0]!r}, which is none of {', '.join(COLUMNS)}")
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise SourceUnreadable(f"has the column {twice[0]} {names.count(twice[0])} times")


def text_values(number: int, row: dict[str, object], problems: Problems) -> dict[str, str | None]:
    """A row's values as text; of each that is none it is told."""
    values = {name: _as_text(value) for name, value in row.items()}
    for name, value in values.items():
        if value is None:
            problems.add(number, name, f"must be text or a whole number, not {type(row[name]).__name__}")
    return values


def _as_text(value: object) -> str | None:
    """A value that is text, a whole number or an id as text, nothing as empty; None for anything else."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | UUID) and not isinstance(value, bool):
        return str(value)
    return None
