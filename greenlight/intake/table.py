"""Rows out of CSV, and out of any other table whose cells are known."""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from greenlight.intake.problems import Problems
from greenlight.intake.rows import COLUMNS, HEADER, ROW
from greenlight.intake.source import Lines, RowTooLong
from greenlight.intake.unknown_columns import nearest_column, unknown_names

TOO_LONG = "is longer than 64 kB"
LONE_RETURN = "holds a carriage return that ends no line; save the file with ordinary line ends"

#: A few unknown columns are told of by name; a header longer than this is something else.
_MOST_COLUMNS = len(COLUMNS) + 2
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# Excel's own way to say it; saved again by Excel, the line may be quoted and padded.
_SEP = re.compile(r'sep=(.?)"?[ \t,;|]*', re.IGNORECASE)
_BLANKS = " \t\r\n\u00a0"


@dataclass(frozen=True, slots=True)
class Unusable:
    """A cell that holds something else than text, and why that cannot be taken."""

    why: str


def read_table(
    lines: Lines, problems: Problems, needed: Sequence[str] = COLUMNS
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield (line, values by column) for every row that has one cell per column; tell of every other row.

    Rows and nameless columns that are empty throughout are none. Columns that are not `needed` may be left out. Without
    a usable header there is one list of what is wrong with it and no row at all.
    """
    delimiter = _delimiter(lines, problems)
    if delimiter is None:
        return
    rows = _split(lines, delimiter, problems)
    yield from by_name(rows, problems, needed)


def by_name(
    rows: Iterator[tuple[int, Sequence[str | Unusable]]], problems: Problems, needed: Sequence[str] = COLUMNS
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The same for rows that are cells already, the header first and none of them padding.

    What is unusable is told of under its column's name, and None in its place.
    """
    header_line, cells = next(rows, (1, []))
    # Where the first row could not be split, the next one is no header and says nothing.
    if problems:
        return
    header = ["" if isinstance(name, Unusable) or _is_blank(name) else name for name in cells]
    for why in _header_faults(header, needed):
        problems.add(header_line, HEADER, why)
    if problems:
        return
    # Excel leaves the last empty cells of a row out, but those of named columns must be there.
    least = max(number for number, name in enumerate(header, 1) if name)
    seen = False
    for line, cells in rows:
        seen = True
        if not least <= len(cells) <= len(header):
            # The cells may stand under the wrong columns, so not one of them is looked at or quoted.
            problems.add(line, ROW, f"has {len(cells)} cells, the header has {len(header)}")
        elif (number := _stray(header, cells)) is not None:
            problems.add(line, ROW, f"has a value in column {number}, which has no name; name it or empty it")
        else:
            named = {name: cell for name, cell in zip(header, cells, strict=False) if name}
            for name, cell in named.items():
                if isinstance(cell, Unusable):
                    problems.add(line, name, cell.why)
            yield line, {name: None if isinstance(cell, Unusable) else cell for name, cell in named.items()}
    if not seen and not problems:
        problems.add(header_line, HEADER, "is all there is: the file has no rows")


def is_padding(cells: Sequence[str | Unusable]) -> bool:
    return all(not isinstance(cell, Unusable) and _is_blank(cell) for cell in cells)


def names_columns(cells: Sequence[str | Unusable]) -> bool:
    """Whether a row is likely to be a header."""
    return any(not isinstance(cell, Unusable) and cell.strip(' "') in COLUMNS for cell in cells)


def _stray(header: list[str], cells: Sequence[str | Unusable]) -> int | None:
    pairs = enumerate(zip(header, cells, strict=False), 1)
    return next((number for number, (name, cell) in pairs if not name and not is_padding([cell])), None)


def _is_blank(cell: str) -> bool:
    return not cell.strip(_BLANKS)


def _split(lines: Lines, delimiter: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yield (first line, cells) of what is not padding; after a row that cannot be split go on with the next line."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        try:
            cells = next(reader, None)
        except RowTooLong:
            left_open = "; is a quote left open?" if lines.line > lines.first_line else ""
            problems.add(lines.first_line, ROW, TOO_LONG + left_open)
            continue
        except csv.Error:
            # The module's own text is never shown: that it never quotes the input is not promised.
            problems.add(lines.first_line, ROW, LONE_RETURN if lines.has_lone_return else _bad_quotes(lines))
            continue
        if cells is None:
            return
        if lines.has_lone_return:
            problems.add(lines.first_line, ROW, LONE_RETURN)
        elif not is_padding(cells):
            yield lines.first_line, cells


def _bad_quotes(lines: Lines) -> str:
    if lines.ended:
        return "opens a quote that is never closed"
    if lines.line > lines.first_line:
        return f"has text after a closing quote on line {lines.line}; is a quote left open before it?"
    return 'has text after a closing quote; a quote inside a quoted value is written twice ("")'


def _delimiter(lines: Lines, problems: Problems) -> str | None:
    """What divides the cells: told by the header's names, and by a `sep=` line before it, which is read past.

    None where the two contradict each other, which is told of.
    """
    said = _SEP.fullmatch(lines.opening())
    if said is not None:
        _read_past_sep(lines)
    opening = lines.opening()
    found = next((each for each in _DELIMITERS if _divides(opening, each)), None)
    # A tab at the end of its line is not in what was matched.
    if said is not None and found is not None and (said[1] or "\t") != found:
        called = _DELIMITERS[found]
        problems.add(lines.line, HEADER, f"is divided by {called}, which is not what its sep= line says; take that out")
        return None
    return found or ","


def _read_past_sep(lines: Lines) -> None:
    while True:
        lines.begin()
        with suppress(RowTooLong):
            if "sep=" in next(lines).lower():
                return


def _divides(opening: str, delimiter: str) -> bool:
    names = opening.split(delimiter)
    return len(names) > 1 and names_columns(names)


def _header_faults(columns: list[str], needed: Sequence[str]) -> list[str]:
    header = [name for name in columns if name]
    if not header:
        return ["is missing: the file is empty"]
    if any("\udc80" <= char <= "\udcff" for name in header for char in name):
        return ["is not UTF-8 text; save the file as UTF-8"]
    if (
        not names_columns(header)
        and sum(nearest_column(name) is not None for name in header[:_MOST_COLUMNS]) < len(COLUMNS) // 2
    ):
        # Then it is a row of values, a secret among them, and must not be quoted.
        return [f"is missing: the first line must be {','.join(COLUMNS)}"]
    if len(header) > _MOST_COLUMNS:
        # Then a row may have run into the header, so this is not quoted either.
        faults = [f"has {len(header)} columns; only these {len(COLUMNS)} are known: {', '.join(COLUMNS)}"]
    else:
        faults = unknown_names([name or None for name in columns], "column")
    faults += [f"has the column {name} {header.count(name)} times" for name in COLUMNS if header.count(name) > 1]
    faults += [f"has no column {name}" for name in needed if name not in header]
    return faults
