"""The ATS database of the settings, as commands open it: one that is away for a moment is waited for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from greenlight.ats.database import Database, make_database, open_database
from greenlight.ats.waiting import PATIENCE_SECONDS
from greenlight.settings import Settings, load_settings

#: Nobody wonders about less.
_UNSAID_SECONDS = 2.0


def ats_database(settings: Settings | None = None) -> Database:
    """Raises InvalidSettings, and as `open_database` does."""
    settings = settings or load_settings()
    with said_if_slow(settings):
        return open_database(settings.database_url.get_secret_value(), patient=True)


def made_database(settings: Settings) -> Database:
    """The database, made or brought to the newest schema. Raises DatabaseUnavailable."""
    with said_if_slow(settings):
        return make_database(settings.database_url.get_secret_value(), patient=True)


@contextmanager
def said_if_slow(settings: Settings) -> Iterator[None]:
    """Say on standard error what is waited for, once it takes longer than a moment."""
    stderr = Console(stderr=True, soft_wrap=True, emoji=False)

    def say() -> None:
        stderr.print(
            f"Waiting for the database {settings.database}, which is away or locked, for up to {PATIENCE_SECONDS:g} s…",
            markup=False,
            highlight=False,
        )

    timer = threading.Timer(_UNSAID_SECONDS, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
