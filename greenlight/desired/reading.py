"""A source's rows under the rules of an import file: what of it can be used, and what is wrong with whose rows."""

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from greenlight.desired.source import COLUMNS, DesiredSource, Row, SourceUnreadable
from greenlight.intake.problems import Problems
from greenlight.intake.rows import COLUMNS as OF_A_FILE
from greenlight.intake.rows import FILE, HEADER, RowError
from greenlight.intake.values import BadValue, check_row, check_value

#: Rows that are checked and kept together.
ROWS_AT_ONCE = 500


def read_in_parts(source: DesiredSource) -> Generator[list[dict[str, Any]]]:
    """All rows of a source, as `greenlight.ats.desired` keeps them. Raises SourceUnreadable."""
    rows = _checked(source)
    with closing(rows):
        while part := list(islice(rows, ROWS_AT_ONCE)):
            yield part


def _checked(source: DesiredSource) -> Generator[dict[str, Any]]:
    problems = Problems(source.name)
    rows = source.rows(problems)
    with closing(rows):
        for line, values in _or_unreadable(rows):
            told = problems.drain()
            yield from _faults([error for error in told if error.line != line], None)
            yield from _row(line, values, [error for error in told if error.line == line])
    yield from _faults(problems.drain(), None)


def _or_unreadable(rows: Iterator[Row]) -> Iterator[Row]:
    """The same rows; a driver's error that nobody foresaw is the source's trouble, and its text may have a secret."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except SourceUnreadable:
            raise
        except Exception as error:
            raise SourceUnreadable(f"cannot be read: {type(error).__name__}") from None
        yield row


def _row(line: int, values: dict[str, str | None], told: list[RowError]) -> Iterator[dict[str, Any]]:
    problems = Problems("")
    whole = dict.fromkeys(OF_A_FILE, "") | {name: values.get(name, "") for name in COLUMNS}
    if values.get("client_secret"):
        problems.add(line, "client_secret", "is given: a source never gives credentials, so leave it empty")
    client_id = _client_id(line, whole.pop("client_id"), problems)
    checked = check_row(line, whole | {"client_id": "", "client_secret": ""}, problems)
    row = checked.as_import_row()
    if told or problems or row is None:
        yield from _faults([*told, *problems.drain()], checked.customer_id)
        return
    yield {
        "line": line,
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "client_id": client_id,
        "integration_context": row.key.integration_context,
        "integration_type": row.key.integration_type,
        "tenant_type": row.key.tenant_type,
        "integration_name": row.integration_name,
    }


def _client_id(line: int, value: str | None, problems: Problems) -> str | None:
    try:
        return None if value is None else check_value("client_id", value)
    except BadValue as error:
        problems.add(line, "client_id", str(error))
        return None


def _faults(errors: list[RowError], customer_id: str | None) -> Iterator[dict[str, Any]]:
    for error in errors:
        if error.field in (FILE, HEADER):
            raise SourceUnreadable(error.why)
        yield {"customer_id": customer_id, "line": error.line, "field": error.field, "why": error.why}
