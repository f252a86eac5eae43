"""What Greenlight puts on a disk is for its owner alone, whatever the umask; a user's own folder stays as it is."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.errors import CannotRun
from cli.file_checks import check_files
from cli.sealed import read_sealed, write_sealed
from greenlight import private
from greenlight.ats.database import make_database
from greenlight.private import make_folder, open_to_others, write_whole
from greenlight.settings import Settings
from tests.ats.world import bring_in, customer

PASSPHRASE = "a passphrase of some length"


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o377])
def test_a_new_database_and_its_folders_are_the_owners_alone(tmp_path: Path, mask: int) -> None:
    file = tmp_path / "share" / "greenlight" / "ats.db"
    with umask(mask):
        database = make_database(f"sqlite:///{file}")
        bring_in(database, customer("acme"))
        there = sorted(file.parent.iterdir())
        assert [each.name for each in there] == ["ats.db", "ats.db-shm", "ats.db-wal"]
        assert {mode(each) for each in there} == {"0o600"}
        database.close()
    assert {mode(file.parent), mode(file.parent.parent)} == {"0o700"}


def test_a_folder_and_a_file_of_the_users_own_keep_their_modes(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    own.chmod(0o755)
    make_database(f"sqlite:///{own / 'ats.db'}").close()
    assert (mode(own), mode(own / "ats.db")) == ("0o755", "0o600")
    (own / "ats.db").chmod(0o640)
    make_database(f"sqlite:///{own / 'ats.db'}").close()
    make_folder(own)
    assert (mode(own), mode(own / "ats.db")) == ("0o755", "0o640")


def test_sealed_keys_are_the_owners_alone_also_in_place_of_a_file_that_was_not(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    with umask(0):
        write_sealed(file, ["one"], PASSPHRASE)
        assert mode(file) == "0o600"
        file.chmod(0o644)
        write_sealed(file, ["two"], PASSPHRASE, replace=True)
    assert (mode(file), read_sealed(file, PASSPHRASE)) == ("0o600", ["two"])
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_written_whole_is_synced_before_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut leaves the old file or the new one: the order of the system calls is what makes that so."""
    did: list[str] = []
    sync, rename = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        did.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def replace(part: Path, target: Path) -> Path:
        did.append("rename")
        return rename(part, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_whole(tmp_path / "settings", b"1")
    assert did == ["file", "rename", "folder"]
    did.clear()
    make_folder(tmp_path / "a" / "b")
    assert did == ["folder", "folder"]
    did.clear()
    write_sealed(tmp_path / "keys", ["one"], PASSPHRASE)
    assert did == ["file", "folder"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings"
    write_whole(file, b"old")
    with pytest.raises(FileExistsError):
        write_whole(file, b"new", replace=False)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, b"new")
    with pytest.raises(CannotRun, match="No space left on device"):
        write_sealed(file, ["new"], PASSPHRASE, replace=True)
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (b"old", [file])


def test_doctor_says_what_others_may_read(tmp_path: Path) -> None:
    open_, closed = tmp_path / "open", tmp_path / "closed"
    # pytest's own folders are closed to others, and so would be what is below them.
    above = [folder for folder in open_.parents if not folder.stat().st_mode & 0o001]
    before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in above}
    try:
        for folder in above:
            folder.chmod(before[folder] | 0o011)
        for folder in (open_, closed):
            make_database(f"sqlite:///{folder / 'ats.db'}").close()
        open_.chmod(0o755)
        (open_ / "ats.db").chmod(0o644)
        (closed / "ats.db").chmod(0o644)
        assert not open_to_others(closed / "ats.db"), "nobody gets that far"
        found = check_files(Settings(database_url=f"sqlite:///{open_ / 'ats.db'}"))
        assert [(each.state, each.remedy.split(",")[0]) for each in found] == [
            ("warning", f"chmod 600 {open_ / 'ats.db'}"),
            ("warning", f"chmod 700 {open_}"),
        ]
        for url in (f"sqlite:///{closed / 'ats.db'}", "postgresql+psycopg://me@host/name"):
            assert check_files(Settings(database_url=url)) == []
        assert mode(open_) == "0o755", "nothing is changed"
    finally:
        for folder, mode_ in before.items():
            folder.chmod(mode_)
