"""The ATS database of the settings, as commands open it: one that is away for a moment is waited for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from greenlight.ats.database import Database, make_database, open_database
from greenlight.ats.waiting import PATIENCE_SECONDS
from greenlight.settings import Settings, load_settings

#: SQLite waits by itself for the lock of somebody who writes; a busy machine opens what is there in less.
_UNSAID_SECONDS = 10.0


#: What the command that is running has opened, to be closed when it ends.
_opened: list[Database] = []


@contextmanager
def closing_databases() -> Iterator[None]:
    """Closes, when a command has ended in whatever way, each database that it opened."""
    try:
        yield
    finally:
        while _opened:
            _opened.pop().close()


def ats_database(settings: Settings | None = None) -> Database:
    """Open until the command ends. Raises InvalidSettings, and as `open_database` does."""
    settings = settings or load_settings()
    with saying(settings) as say:
        _opened.append(open_database(settings.database_url.get_secret_value(), patient=True, waiting=say))
    return _opened[-1]


def made_database(settings: Settings) -> Database:
    """The database, made or brought to the newest schema, and open until the command ends.

    Raises DatabaseUnavailable.
    """
    with saying(settings) as say:
        _opened.append(make_database(settings.database_url.get_secret_value(), patient=True, waiting=say))
    return _opened[-1]


@contextmanager
def saying(settings: Settings) -> Iterator[Callable[[], None]]:
    """Yields what says on standard error, once, what is waited for; said by itself where opening takes long."""
    stderr, said = Console(stderr=True, soft_wrap=True, emoji=False), threading.Event()

    def say() -> None:
        if not said.is_set():
            said.set()
            line = (
                f"Waiting up to {PATIENCE_SECONDS:g} s for the database {settings.database}, which is away or locked…"
            )
            stderr.print(line, markup=False, highlight=False)

    timer = threading.Timer(_UNSAID_SECONDS, say)
    timer.daemon = True
    timer.start()
    try:
        yield say
    finally:
        timer.cancel()
