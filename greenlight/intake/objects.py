"""Rows out of JSON Lines."""

import json
from collections.abc import Iterator

from greenlight.domain.nesting import is_too_deep
from greenlight.intake.problems import Problems
from greenlight.intake.rows import COLUMNS, FILE, ROW
from greenlight.intake.source import Lines, RowTooLong
from greenlight.intake.table import LONE_RETURN, TOO_LONG
from greenlight.intake.unknown_columns import unknown_names


class _Pairs(list[tuple[str, object]]):
    """An object with its repeated names still in it."""


class _Number:
    """Stands for any number, NaN among them: none is ever wanted, so none is ever converted."""


def _number(_: str) -> type[_Number]:
    return _Number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=_number, parse_float=_number, parse_constant=_number, strict=True
)


def read_objects(lines: Lines, problems: Problems) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield (line, values by column) for every line that is an object; None is a value that was already told of.

    Absent names and null are empty values. Names that are repeated or unknown are told of, and the rest is yielded.
    """
    seen = False
    while True:
        lines.begin()
        try:
            text = next(lines, None)
        except RowTooLong:
            problems.add(lines.first_line, ROW, TOO_LONG)
            continue
        if text is None:
            break
        seen = True
        if lines.has_lone_return:
            problems.add(lines.line, ROW, LONE_RETURN)
        elif isinstance(pairs := _decode(text), _Pairs):
            yield lines.line, _values(pairs, lines.line, problems)
        else:
            problems.add(lines.line, ROW, pairs)
    if not seen and not problems:
        problems.add(1, FILE, "has no rows")


def _decode(text: str) -> _Pairs | str:
    """The object on this line, or why there is none. The parser's own text is never shown."""
    if is_too_deep(text):
        return "is nested too deep"
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        if any("\udc80" <= char <= "\udcff" for char in text):
            return "is not UTF-8 text; save the file as UTF-8"
        if text.strip() in ("{", "["):
            return "must be one whole JSON object on one line; write JSON Lines, not indented JSON"
        return f"is not valid JSON near column {error.colno}"
    return value if isinstance(value, _Pairs) else "must be one JSON object"


def _values(pairs: _Pairs, line: int, problems: Problems) -> dict[str, str | None]:
    secrets = [value for name, value in pairs if name == "client_secret" and isinstance(value, str)]
    for why in unknown_names([name for name, _ in pairs], "name", secrets):
        problems.add(line, ROW, why)
    values: dict[str, str | None] = dict.fromkeys(COLUMNS, "")
    seen: set[str] = set()
    for name, value in pairs:
        if name not in values:
            continue
        if name in seen:
            problems.add(line, name, "is given more than once")
            value = None
        elif value is None:
            value = ""
        elif not isinstance(value, str):
            problems.add(line, name, f"must be text in quotes, not {_called(value)}")
            value = None
        seen.add(name)
        values[name] = value
    return values


def _called(value: object) -> str:
    if value is _Number:
        return "a number"
    if isinstance(value, bool):
        return "true or false"
    return "an object" if isinstance(value, _Pairs) else "a list"
