"""From a path to customers, or to everything that is wrong with the file."""

import os
from collections.abc import Iterator
from pathlib import PurePath

from greenlight.intake.book import Book
from greenlight.intake.objects import read_objects
from greenlight.intake.problems import Problems, TooManyErrors
from greenlight.intake.rows import COLUMNS, FILE, ImportedCustomer, ImportRefused
from greenlight.intake.source import Lines, Unreadable, as_utf8, read_bytes
from greenlight.intake.table import read_table
from greenlight.intake.values import check_row
from greenlight.intake.workbook import BEGINNINGS, read_workbook

_JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}


def read_import(path: str | os.PathLike[str]) -> list[ImportedCustomer]:
    """Read a CSV or JSON Lines file or an Excel workbook and check all of it.

    Returns the customers in the order of their first rows, each with at least one integration. Raises ImportRefused,
    and only that, with every fault of the file if there is one.
    """
    problems = Problems(os.fspath(path))
    customers = _read(path, problems)
    # Raised here and not below, so that no frame of the traceback holds any of the file's content.
    if problems:
        raise ImportRefused(problems.in_order())
    return customers


def _read(path: str | os.PathLike[str], problems: Problems) -> list[ImportedCustomer]:
    book = Book(problems)
    try:
        for line, values in _values(path, problems):
            book.add(check_row(line, values, problems))
    except Unreadable as error:
        problems.add(1, FILE, str(error))
    except TooManyErrors:
        pass
    return [] if problems else book.customers()


def _values(path: str | os.PathLike[str], problems: Problems) -> Iterator[tuple[int, dict[str, str | None]]]:
    data = read_bytes(path)
    if data.startswith(BEGINNINGS):
        return read_workbook(data, problems)
    text = as_utf8(data)
    return (read_objects if is_json(text, path) else read_table)(Lines(text), problems)


def is_json(data: bytes, path: str | os.PathLike[str]) -> bool:
    """Whether a file that begins so has JSON Lines, and no CSV.

    Told by the content; by the suffix only where the content is neither an object nor a header.
    """
    start = data.lstrip()[:4096]
    if start.startswith((b"{", b"[")):
        return True
    has_header = any(name.encode() in start.partition(b"\n")[0] for name in COLUMNS)
    return not has_header and PurePath(path).suffix.lower() in _JSON_SUFFIXES
