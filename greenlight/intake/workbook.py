"""Rows out of an Excel workbook, read by openpyxl (the extra `xlsx`).

A cell is taken where it can mean one thing: text as it stands, and a whole number that is shown as it is kept. Excel
has changed the others before we see them: a date, a fraction, a number too long for it, zeros that only a format shows.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from typing import Any

from greenlight.intake.problems import Problems
from greenlight.intake.source import Unreadable
from greenlight.intake.table import Unusable, by_name, is_padding, names_columns

#: How a workbook begins, and how one that is protected by a password or older than 2007 does.
BEGINNINGS = _ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
#: What its parts may unpack to; a million cells of text are about 50 MB.
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
#: Excel keeps fifteen digits of a number and makes zeros of the others.
_DIGITS = 15
#: Excel's own last row, and more columns than any header that could be meant.
_LAST_ROW, _MOST_CELLS, _MOST_WIDE_ROWS = 1_048_576, 200, 100
#: How a workbook writes a character that XML has no place for; Excel shows something else there.
_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")
_AS_KEPT = {"General", "0", "@"}
_AS_CSV = "save it as CSV in UTF-8"
_NO_READER = f"is an Excel workbook: `pip install 'greenlight-ats-reconciler[xlsx]'` to have it read, or {_AS_CSV}"

Rows = list[tuple[int, Sequence[str | Unusable]]]


def read_workbook(data: bytes, problems: Problems) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield (row number, values by column) like `read_table`, from the one sheet whose first row names our columns.

    Raises Unreadable.
    """
    yield from by_name(iter(_the_sheet(_sheets(data))), problems)


def _the_sheet(sheets: dict[str, Rows]) -> Rows:
    """The rows of the only sheet with anything in it, or of the only one that has our header."""
    filled = {name: rows for name, rows in sheets.items() if rows}
    if len(filled) > 1:
        filled = {name: rows for name, rows in filled.items() if names_columns(rows[0][1])}
        if len(filled) != 1:
            raise Unreadable(f"has {len(filled) or 'no'} sheets whose first row names the columns; leave one in it")
    return next(iter(filled.values()), [])


def _sheets(data: bytes) -> dict[str, Rows]:
    """The rows of each sheet that are not padding. Raises Unreadable."""
    if data.startswith(_OLE):
        raise Unreadable(f"is an old Excel workbook or one with a password; save it without, as .xlsx, or {_AS_CSV}")
    if not _is_workbook(data):
        raise Unreadable(f"is a ZIP archive or a document and no Excel workbook; {_AS_CSV}")
    try:
        from openpyxl import DEFUSEDXML, load_workbook
    except ImportError:
        raise Unreadable(_NO_READER) from None
    if not DEFUSEDXML:
        # Then hostile XML could have all of the memory.
        raise Unreadable(_NO_READER)
    found: dict[str, Rows] | Unreadable = Unreadable(
        f"is a damaged Excel workbook; save it again in Excel, or {_AS_CSV}"
    )
    # Whatever a parser says of a damaged file may quote it; warnings are of what a workbook has beside its cells.
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = load_workbook(io.BytesIO(data), read_only=True)
        try:
            # What nobody sees is not what was meant.
            found = {each.title: _rows(each) for each in book.worksheets if each.sheet_state == "visible"}
        except Unreadable as why:
            found = why
    if isinstance(found, Unreadable):
        raise found
    return found


def _is_workbook(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise Unreadable(f"unpacks to more than {MAX_UNPACKED_BYTES // (1024 * 1024)} MiB; split it")
    return any(part.filename == "xl/workbook.xml" for part in parts)


def _rows(sheet: Any) -> Rows:
    # Some programs write a size that is not the sheet's.
    sheet.reset_dimensions()
    found: Rows = []
    width = wide = 0
    for line, cells in enumerate(sheet.iter_rows(max_row=_LAST_ROW), 1):
        wide += len(cells) > _MOST_CELLS
        if wide > _MOST_WIDE_ROWS:
            raise Unreadable(f"has rows of more than {_MOST_CELLS} cells; delete the columns that are empty")
        values = [_usable(cell) for cell in cells]
        while values and is_padding(values[-1:]):
            values.pop()
        if values:
            # A sheet has no short rows: what was never filled in is only not written.
            width = max(width, len(values))
            found.append((line, values))
    return [(line, [*values, *[""] * (width - len(values))]) for line, values in found]


def _usable(cell: Any) -> str | Unusable:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return Unusable("is a formula; paste its value instead")
    if isinstance(value, str) and cell.data_type != "e":
        if _ESCAPED.search(value):
            return Unusable("holds a character that Excel writes as _xHHHH_, like a line's end; type it again")
        shown = cell.number_format
        if "@" in shown and shown != "@":
            return Unusable("is shown with more than it holds, by its number format; format the column as text")
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        whole = int(value) if value == value // 1 else None
        if whole is None or abs(whole) >= 10**_DIGITS or cell.number_format not in _AS_KEPT:
            return Unusable("is a number that Excel may have changed; format the column as text and enter it again")
        return str(whole)
    kind = "a date or a time" if isinstance(value, date | time | timedelta) else "no text"
    return Unusable(f"is {kind}; format the column as text and enter it again")
