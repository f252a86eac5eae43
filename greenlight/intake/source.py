"""From a path to bounded physical lines."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

#: An import file and one row of it; more is none of ours.
MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_ROW_BYTES = 64 * 1024

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_UTF32_BOM = b"\xff\xfe\0\0"
_BLANKS = b" \t\r\n"
_PADDING = _BLANKS + b',;|"'
_TOO_LARGE = f"is larger than {MAX_FILE_BYTES // (1024 * 1024)} MiB; split it"


class Unreadable(Exception):
    """The file as a whole cannot be taken; the text says why."""


class RowTooLong(Exception):
    """A row passed MAX_ROW_BYTES; reading goes on with the next physical line."""


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a regular file of bounded size; raise Unreadable for anything else."""
    try:
        # Before opening: opening a device can have effects, and opening a FIFO can wait forever.
        _check(os.stat(path))
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags), "rb") as file:
            # Again: the name may lead elsewhere by now.
            _check(os.fstat(file.fileno()))
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or 'input error'}") from None
    except ValueError:
        raise Unreadable("cannot be read: this is no file name") from None
    if len(data) > MAX_FILE_BYTES:
        raise Unreadable(_TOO_LARGE)
    return data


def as_utf8(data: bytes) -> bytes:
    """A file's text as UTF-8 without a BOM; raise Unreadable where it is none.

    UTF-16 that says so with a BOM becomes UTF-8, and where carriage returns alone end the lines they become line feeds.
    """
    if data.startswith(_UTF16_BOMS) and not data.startswith(_UTF32_BOM):
        data = _from_utf16(data)
    if data.startswith(_UTF32_BOM) or b"\0" in data[:2]:
        raise Unreadable("is UTF-16 or UTF-32 text, or no text at all; save it as UTF-8")
    data = data.removeprefix(_UTF8_BOM)
    # With line feeds beside them it is not certain which of the two ends a line.
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _from_utf16(data: bytes) -> bytes:
    text = None
    with suppress(UnicodeDecodeError):
        text = data.decode("utf-16")
    # Raised out here, since the decoder's error carries the whole content.
    if text is None:
        raise Unreadable("is UTF-16 text that breaks off or is damaged; save it as UTF-8")
    return text.encode()


def _check(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(f"is {_kind(status.st_mode)}, not a regular file")
    if status.st_size > MAX_FILE_BYTES:
        raise Unreadable(_TOO_LARGE)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    return "a device or a socket"


class Lines(Iterator[str]):
    """Physical lines with `\\n` at their end, and a record of which of them the current row is made of.

    Blank lines before a row are counted and left out.

    Bytes that are not UTF-8 become lone surrogates, so that the fault can be told at the field that holds them.
    `next()` raises RowTooLong when the lines since `begin()` are more than a row may have.
    """

    def __init__(self, data: bytes | BinaryIO) -> None:
        self._buffer = io.BytesIO(data) if isinstance(data, bytes) else data
        self._size = 0
        self.line = 0
        self.first_line = 1
        self.has_lone_return = False
        self.ended = False

    def opening(self) -> str:
        """The beginning of the next line that is not padding, from its first letter; the position stays."""
        at, start = self._buffer.tell(), b""
        while not start and (more := self._buffer.read(MAX_ROW_BYTES)):
            start = more.lstrip(_PADDING)
        start = (start + self._buffer.read(MAX_ROW_BYTES))[:MAX_ROW_BYTES]
        self._buffer.seek(at)
        return start.partition(b"\n")[0].decode("utf-8", "surrogateescape").rstrip()

    def begin(self) -> None:
        """The next physical line is the first of a row."""
        self._size = 0
        self.first_line = self.line + 1
        self.has_lone_return = False

    def __next__(self) -> str:
        # Not str.splitlines: U+2028, form feeds and the like are content (and refused there), not line ends.
        raw = self._buffer.readline()
        if self.first_line > self.line:
            while raw and not raw.strip(_BLANKS):
                self.first_line += 1
                raw = self._buffer.readline()
            self.line = self.first_line - 1
        if not raw:
            self.ended = True
            raise StopIteration
        self.line += 1
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        self._size += len(raw)
        if self._size > MAX_ROW_BYTES:
            raise RowTooLong
        if b"\r" in raw:
            self.has_lone_return = True
        return raw.decode("utf-8", "surrogateescape") + "\n"
