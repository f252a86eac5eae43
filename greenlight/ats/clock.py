"""The database's time: what orders looks, intents and leases of hosts whose own clocks differ."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from greenlight.ats.database import Database
from greenlight.ats.waiting import units

#: A question that took longer says too little about the time, and is asked again.
_QUICK_SECONDS = 1.0
#: What a newer answer may be behind us without our going back: it is the way's, and not the clock's.
_NOISE = timedelta(seconds=1)


def _host() -> datetime:
    return datetime.now(UTC)


def time_of(database: Database) -> datetime:
    """The database's time now, for whoever writes once. Raises DatabaseUnavailable. Not for the event loop."""
    clock = DatabaseClock(database)
    clock.sync()
    return clock()


@units
class DatabaseClock:
    """The database's time when it was last asked, plus what has passed here since; for SQLite this host's.

    Not for the event loop, but for reading it once it was synced.
    """

    def __init__(
        self,
        database: Database,
        host: Callable[[], datetime] = _host,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._host = host
        self._monotonic = monotonic
        #: A time of the database's, and when that was by the host's monotonic clock.
        self._known: tuple[datetime, float] | None = None
        #: Seconds by which this host's clock is ahead of the database's.
        self.ahead = 0.0

    def sync(self) -> None:
        """Ask the database what time it is. Raises DatabaseUnavailable."""
        if self._database.engine.dialect.name != "postgresql":
            return
        theirs, ours, then = self._asked()
        self.ahead = (ours - theirs).total_seconds()
        if self._known is None or not timedelta() < self._reading(self._known) - theirs < _NOISE:
            self._known = theirs, then

    def _asked(self) -> tuple[datetime, datetime, float]:
        """The database's time, this host's, and when that was by the monotonic clock."""
        tries = 3
        while True:
            tries -= 1
            with self._database.reading() as session:
                connection = session.connection()
                asked = self._monotonic()
                theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
                ours, answered = self._host(), self._monotonic()
            if answered - asked < _QUICK_SECONDS or not tries:
                return theirs.astimezone(UTC), ours, (asked + answered) / 2

    def __call__(self) -> datetime:
        return self._reading(self._known) if self._known is not None else self._host()

    def _reading(self, known: tuple[datetime, float]) -> datetime:
        at, then = known
        return at + timedelta(seconds=self._monotonic() - then)
