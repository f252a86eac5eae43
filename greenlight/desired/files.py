"""A file or an object that an export job leaves: CSV or JSON Lines, wherever fsspec reaches."""

from collections.abc import Generator
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from greenlight.desired.source import REQUIRED, Row, SourceUnreadable, without_secrets
from greenlight.intake.objects import read_objects
from greenlight.intake.problems import Problems
from greenlight.intake.reader import is_json
from greenlight.intake.source import Lines
from greenlight.intake.table import read_table

#: The most that is read of it, unpacked.
MAX_BYTES = 512 * 1024 * 1024
_AT_ONCE = 1024 * 1024
_BEGINNING = 64 * 1024
_UTF8_BOM = b"\xef\xbb\xbf"


class FileSource:
    """The rows of one file. What reaches other places than this machine is a package of fsspec's family to install."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def name(self) -> str:
        return without_secrets(self._url)

    def rows(self, problems: Problems) -> Generator[Row]:
        with TemporaryFile() as file:
            # All of it is here before the first row is looked at.
            beginning = self._copy_to(cast(BinaryIO, file))
            file.seek(len(_UTF8_BOM) if beginning.startswith(_UTF8_BOM) else 0)
            lines = Lines(cast(BinaryIO, file))
            if is_json(beginning.removeprefix(_UTF8_BOM), self.name):
                yield from read_objects(lines, problems)
            else:
                yield from read_table(lines, problems, REQUIRED)

    def _copy_to(self, file: BinaryIO) -> bytes:
        """Copy it, and return how it begins."""
        try:
            system, path = url_to_fs(self._url)
            if isinstance(system, LocalFileSystem) and system.exists(path) and not system.isfile(path):
                # A named pipe is opened for ever.
                raise SourceUnreadable("is no regular file")
            with fsspec.open(self._url, "rb", compression="infer") as opened:
                beginning, end, size = b"", b"", 0
                for part in _parts(cast(BinaryIO, opened)):
                    beginning, end, size = beginning or part[:_BEGINNING], part[-1:], size + len(part)
                    if size > MAX_BYTES:
                        raise SourceUnreadable(f"is larger than {MAX_BYTES // (1024 * 1024)} MiB")
                    file.write(part)
        except (ImportError, ValueError) as error:
            raise SourceUnreadable(f"cannot be opened: {error}" if isinstance(error, ImportError) else _KIND) from None
        except (OSError, EOFError) as error:
            said = error.strerror if isinstance(error, OSError) else None
            raise SourceUnreadable(f"cannot be read: {said or type(error).__name__}") from None
        if size and end != b"\n":
            raise SourceUnreadable("does not end with a line end: it is still being written, or was cut off")
        return beginning


_KIND = "is no address of a file: use a path, or a URL like s3://BUCKET/FILE"


def _parts(opened: BinaryIO) -> Generator[bytes]:
    yield from iter(lambda: opened.read(_AT_ONCE), b"")
