"""Rows out of CSV."""

import csv
from collections.abc import Iterator

from greenlight.intake.names import nearest, unknown_names
from greenlight.intake.problems import Problems
from greenlight.intake.rows import COLUMNS, HEADER, ROW
from greenlight.intake.source import Lines, RowTooLong

TOO_LONG = "is longer than 64 kB"
LONE_RETURN = "holds a carriage return that ends no line; save the file with ordinary line ends"

#: A few unknown columns are told of by name; a header longer than this is something else.
_MOST_COLUMNS = len(COLUMNS) + 2
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_table(lines: Lines, problems: Problems) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield (line, values by column) for every row that has one cell per column; tell of every other row.

    Without a usable header there is one list of what is wrong with it and no row at all.
    """
    if (why := _other_delimiter(lines.opening())) is not None:
        problems.add(1, HEADER, why)
        return
    rows = _split(lines, problems)
    header_line, header = next(rows, (1, []))
    # Where the first row could not be split, the next one is no header and says nothing.
    if problems:
        return
    for why in _header_faults(header):
        problems.add(header_line, HEADER, why)
    if problems:
        return
    seen = False
    for line, cells in rows:
        seen = True
        if len(cells) == len(header):
            yield line, dict(zip(header, cells, strict=True))
        else:
            # The cells may stand under the wrong columns, so not one of them is looked at or quoted.
            problems.add(line, ROW, f"has {len(cells)} cells, the header has {len(header)}")
    if not seen and not problems:
        problems.add(header_line, HEADER, "is all there is: the file has no rows")


def _split(lines: Lines, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yield (first line, cells); after a row that cannot be split go on with the next physical line."""
    reader = csv.reader(lines, strict=True)
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
        else:
            yield lines.first_line, cells


def _bad_quotes(lines: Lines) -> str:
    if lines.ended:
        return "opens a quote that is never closed"
    if lines.line > lines.first_line:
        return f"has text after a closing quote on line {lines.line}; is a quote left open before it?"
    return 'has text after a closing quote; a quote inside a quoted value is written twice ("")'


def _other_delimiter(opening: str) -> str | None:
    if _known(opening.split(",")):
        return None
    for delimiter, called in _OTHER_DELIMITERS.items():
        names = opening.split(delimiter)
        if len(names) > 1 and _known(names):
            return f"is divided by {called}; save the file with commas"
    return None


def _known(cells: list[str]) -> bool:
    return any(cell.strip(' "') in COLUMNS for cell in cells)


def _header_faults(header: list[str]) -> list[str]:
    if not header:
        return ["is missing: the file is empty"]
    if any("\udc80" <= char <= "\udcff" for name in header for char in name):
        return ["is not UTF-8 text; save the file as UTF-8"]
    if not _known(header) and sum(nearest(name) is not None for name in header[:_MOST_COLUMNS]) < len(COLUMNS) // 2:
        # Then it is a row of values, a secret among them, and must not be quoted.
        return [f"is missing: the first line must be {','.join(COLUMNS)}"]
    if len(header) > _MOST_COLUMNS:
        # Then a row may have run into the header, so this is not quoted either.
        faults = [f"has {len(header)} columns; only these {len(COLUMNS)} are known: {', '.join(COLUMNS)}"]
    else:
        faults = unknown_names(header, "column")
    faults += [f"has the column {name} {header.count(name)} times" for name in COLUMNS if header.count(name) > 1]
    faults += [f"has no column {name}" for name in COLUMNS if name not in header]
    return faults
