"""A unit of work of the worker's, in the ATS database and at its time. Not for the event loop: call it in a thread."""

from collections.abc import Callable
from typing import TypeVar

from greenlight.ats.clock import DatabaseClock
from greenlight.ats.database import Database, open_database
from greenlight.settings import Settings
from tasks.parts.resources import on_time_of

_T = TypeVar("_T")


def in_database(settings: Settings, act: Callable[[Database], _T]) -> _T:
    """Open it, do this in it, close it; within, `now` is its time. Raises DatabaseUnavailable and DatabaseNotReady."""
    database = open_database(settings.database_url.get_secret_value(), patient=True)
    try:
        clock = DatabaseClock(database)
        clock.sync()
        with on_time_of(clock):
            return act(database)
    finally:
        database.close()
