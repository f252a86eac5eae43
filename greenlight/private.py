"""Folders and files with data of ours: for their owner alone whatever the umask, whole or not there, and durable."""

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: For their owner alone.
_FOLDER, _FILE = 0o700, 0o600
#: What a file system says that cannot make a folder durable.
_NOT_FOR_FOLDERS = {errno.EINVAL, errno.ENOTSUP, errno.EACCES}


def make_folder(folder: Path) -> None:
    """Make it and what is missing above it; one that is there stays as it is. Raises OSError."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    try:
        folder.mkdir(_FOLDER)
    except FileExistsError:
        # Made by somebody else in between, or no folder.
        if not folder.is_dir():
            raise
        return
    folder.chmod(_FOLDER)
    sync_folder(folder.parent)


def make_file(file: Path) -> None:
    """Make an empty file; one that is there stays as it is. Raises OSError."""
    # A link that leads nowhere yet would be followed by whoever fills it.
    file = file.resolve()
    with suppress(FileExistsError):
        os.close(_new(file))
        sync_folder(file.parent)


def write_whole(
    file: Path, content: bytes, *, replace: bool = True, check: Callable[[Path], None] | None = None
) -> None:
    """Write a file that is there wholly or not at all; `check` looks at it before it gets its name. Raises OSError.

    Raises FileExistsError without `replace` where there is one, and what `check` raises; then nothing is written.
    """
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        with open(_new(part), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        if check is not None:
            check(part)
        if replace:
            part.replace(file)
        else:
            # Unlike a rename it fails where somebody else has made the file in between.
            os.link(part, file)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """The names in it are durable on return, where the file system can do that. Raises OSError."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise


def open_to_others(path: Path) -> bool:
    """Whether anybody but its owner may read it: by its own mode, and by the folders that lead there."""
    if os.name != "posix":
        return False
    path = path.resolve()
    mode = path.stat().st_mode
    above = [folder.stat().st_mode for folder in path.parents]
    by_all = mode & 0o004 and all(each & 0o001 for each in above)
    by_group = mode & 0o040 and all(each & 0o011 for each in above)
    return bool(by_all or by_group)


def _new(file: Path) -> int:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE)
    # Where the umask took something from its owner too.
    if os.name == "posix":
        os.fchmod(handle, _FILE)
    return handle
