"""The check of `doctor` on who else may read what is on this machine's disk."""

from pathlib import Path

from sqlalchemy.engine import make_url

from cli.checks import Finding, warning
from greenlight.private import open_to_others
from greenlight.settings import Settings

#: What SQLite keeps beside a database, with the same rows in it.
_BESIDE = ("", "-wal", "-shm", "-journal")


def check_files(settings: Settings) -> list[Finding]:
    """A finding for each of the database's files, and its folder, that others may read. Raises OSError."""
    address = make_url(settings.database_url.get_secret_value())
    if address.get_backend_name() != "sqlite":
        return []
    file = Path(address.database or "").absolute()
    kept = [each for end in _BESIDE if (each := file.with_name(file.name + end)).exists()]
    name, tried = "database", "who may read its files and its folder"
    found = [
        warning(name, f"others on this machine may read {each}", tried, f"chmod 600 {each}")
        for each in kept
        if open_to_others(each)
    ]
    folder = file.parent
    if kept and open_to_others(folder):
        remedy = f"chmod 700 {folder}, or give the database a folder of its own"
        found.append(warning(name, f"others on this machine may look into {folder}", tried, remedy))
    return found
