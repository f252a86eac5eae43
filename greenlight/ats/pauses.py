"""Pauses: nothing is enabled for a customer, because somebody says so, until a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from greenlight.ats.database import Database
from greenlight.ats.present import present
from greenlight.ats.rows import make_requests_due, parameter_batches
from greenlight.ats.tables import Pause as Row
from greenlight.ats.waiting import units
from greenlight.errors import RefusedByRule

#: The longest pause.
LONGEST = timedelta(days=365)
#: Characters of a reason, as many as the ATS database takes.
LONGEST_REASON = 300


class PausedByAnother(RefusedByRule):
    """The pause is not theirs who would change it. The text says whose it is."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One customer's pause: why, who says so, and when it began and ends."""

    customer_id: str
    reason: str
    owner: str
    since: datetime
    until: datetime

    def words(self) -> str:
        return f"by {self.owner} until {self.until:%Y-%m-%d %H:%M:%SZ}: {self.reason}"


@units
class Pauses:
    """The pauses of the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, pause: Pause, *, over: str = "") -> None:
        """Pause a customer, or change its pause, if its owner's name begins with `over`.

        Raises UnknownCustomer, CustomerForgotten, and PausedByAnother.
        """
        with self._database.writing() as session:
            # Locked: two who pause it at once come one after the other.
            present(session, pause.customer_id)
            _must_be_of(session, pause.customer_id, over, pause.since)
            session.merge(
                Row(
                    customer_id=pause.customer_id,
                    reason=pause.reason,
                    owner=pause.owner,
                    since=pause.since,
                    until=pause.until,
                )
            )

    def end(self, customer_id: str) -> bool:
        """End a customer's pause, whose ever it is; whether there was one."""
        with self._database.writing() as session:
            return _end(session, customer_id)

    def end_of(self, customer_id: str, over: str, now: datetime) -> bool:
        """The same for a pause whose owner's name begins with `over`, or that is over.

        Raises UnknownCustomer, CustomerForgotten, and PausedByAnother.
        """
        with self._database.writing() as session:
            present(session, customer_id)
            _must_be_of(session, customer_id, over, now)
            return _end(session, customer_id)

    def now_in_force(self, customers: Iterable[str], now: datetime) -> dict[str, Pause]:
        """The pauses of these customers that have not ended, by customer."""
        with self._database.reading() as session:
            return pauses_in_force(session, customers, now)


def _end(session: Session, customer_id: str) -> bool:
    ended = session.exec(delete(Row).where(col(Row.customer_id) == customer_id)).rowcount > 0
    if ended:
        make_requests_due(session, customer_id)
    return ended


def _must_be_of(session: Session, customer_id: str, over: str, now: datetime) -> None:
    row = session.get(Row, customer_id, with_for_update=True)
    if row is not None and row.until > now and not row.owner.startswith(over):
        held = Pause(row.customer_id, row.reason, row.owner, row.since, row.until)
        raise PausedByAnother(f"it is paused {held.words()}")


def pauses_in_force(session: Session, customers: Iterable[str], now: datetime) -> dict[str, Pause]:
    """The same as part of a transaction of the caller's."""
    found: dict[str, Pause] = {}
    for some in parameter_batches(sorted(set(customers))):
        rows = session.exec(select(Row).where(col(Row.customer_id).in_(some), col(Row.until) > now))
        found |= {r.customer_id: Pause(r.customer_id, r.reason, r.owner, r.since, r.until) for r in rows}
    return found
