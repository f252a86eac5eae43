"""What a scheduled run looks at: all that is open, and of what is settled the share that is due for its recheck.

A customer is looked at as a whole, since one request asks for all of its integrations: with one that is open, or when
it is due. The rule is in `greenlight.domain.recheck`; here the database counts, and hands out what was chosen alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, Subquery, case, literal, select, union
from sqlmodel import Session, col, func

from greenlight.ats.columns import UtcDateTime, UtcDay
from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt
from greenlight.ats.rows import SKEW, is_wanted, open_request, parameter_batches, rejected
from greenlight.ats.settled import is_open, is_settled, rests
from greenlight.ats.store import must_be_known, picked
from greenlight.ats.tables import Integration
from greenlight.ats.waiting import units
from greenlight.domain.recheck import due_tonight, nights_left, nights_to_next
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
#: Whatever was requested so lately is looked at, also if it is known to be ENABLED.
LATELY_REQUESTED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ToLookAt:
    """What a run looks at, oldest first, and what it is to know of the rest.

    `wanted` counts all that the run is about, also what rests or is not due. A scheduled run knows what was `enabled`
    before it looked, and the day of the next night that looks at some of what is not due in this one.
    """

    ids: list[int]
    wanted: int
    enabled: frozenset[int] = frozenset()
    next_on: date | None = None


@units
class Nights:
    """Reads the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def choose(self, selection: Selection, now: datetime, days: int) -> ToLookAt:
        """What a night looks at now, if each that is settled is to be seen about every so many days.

        Raises UnknownCustomer or UnknownType.
        """
        with self._database.reading() as session:
            must_be_known(session, selection)
            awake, today = _awake(selection, now), now.astimezone(UTC).date()
            left, settled = _by_nights_left(session, _settled_customers(selection, awake, now), today, days)
            found = _found(session, selection, col(Integration.customer_id).in_(awake), ~rests(now), ~rejected())
            count = len(found) + settled + session.execute(_resting(selection, now)).scalar_one()
            if due := due_tonight(left, days):
                turn = _longest_unseen(_settled_customers(selection, awake, now), due)
                found |= _found(session, selection, col(Integration.customer_id).in_(turn), is_settled())
            nights = nights_to_next(left, days)
            return ToLookAt(
                sorted(found),
                count,
                frozenset(id for id, observed in found.items() if observed == Status.ENABLED),
                None if nights is None else today + timedelta(days=nights),
            )


def _awake(selection: Selection, now: datetime) -> CompoundSelect[Any]:
    """Customers whose turn it is whenever they were looked at: something is open, or was requested."""
    theirs, requested = select(col(Integration.customer_id)).where(*picked(selection)), col(Integration.requested_at)
    return union(
        theirs.where(is_open(), ~rests(now), ~rejected()),
        # No look has shown yet what comes of an attempt that is open.
        theirs.where(is_settled(), col(Integration.id).in_(_attempted())),
        # It may have been taken away since, and a look that came a moment after the click may have lagged.
        # Each by its own index: one condition for both would be asked of all that is settled.
        theirs.where(is_settled(), open_request()),
        theirs.where(is_settled(), requested.between(now - LATELY_REQUESTED, now + SKEW)),
    )


def _attempted() -> Select[Any]:
    return select(col(Attempt.integration_id)).where(col(Attempt.closed_at).is_(None))


def _settled_customers(selection: Selection, awake: CompoundSelect[Any], now: datetime) -> Subquery:
    """All others with something settled: when the longest unseen of it was looked at, and how much it is."""
    customer, seen = col(Integration.customer_id), col(Integration.observed_at)
    # A look from the future is evidence of nothing.
    ahead = select(customer).where(is_settled(), *picked(selection), seen > literal(now + SKEW, UtcDateTime))
    seen_at = case((customer.in_(ahead), literal(_NEVER, UtcDateTime)), else_=func.min(seen))
    return (
        select(customer, seen_at.label("seen_at"), func.count().label("size"))
        .where(is_settled(), *picked(selection), customer.not_in(awake))
        .group_by(col(Integration.customer_id))
        .subquery()
    )


def _by_nights_left(session: Session, customers: Subquery, today: date, days: int) -> tuple[list[int], int]:
    """How many customers have 0, 1, … nights left, and how many integrations they have."""
    each = select(UtcDay(customers.c.seen_at).label("day"), customers.c.size).subquery()
    counted = select(each.c.day, func.count(), func.sum(each.c.size)).group_by(each.c.day)
    left, integrations = [0] * (days + 1), 0
    for day, many, size in session.execute(counted):
        left[nights_left(date.fromisoformat(day), today, days)] += many
        integrations += int(size)
    return left, integrations


def _longest_unseen(customers: Subquery, most: int) -> Select[Any]:
    return select(customers.c.customer_id).order_by(customers.c.seen_at, customers.c.customer_id).limit(most)


def _found(session: Session, selection: Selection, *such: ColumnElement[bool]) -> dict[int, str]:
    """What was last seen of the integrations of which all this holds, by id."""
    query = select(col(Integration.id), col(Integration.observed)).where(is_wanted(), *picked(selection), *such)
    return dict(session.execute(query).tuples().all())


def _resting(selection: Selection, now: datetime) -> Select[Any]:
    return _counted(selection).where(is_open(), ~rejected(), rests(now))


def in_report(
    session: Session, selection: Selection, since: datetime, chosen: Sequence[int] = ()
) -> tuple[list[int], int]:
    """The integrations that are items in the report of a night which began then, and how many it left out: together
    all that it is about.

    What it left out is settled, with no request open, and nobody has looked at it since; but what was `chosen` is an
    item all the same.
    """
    looked = col(Integration.observed_at) >= since
    # First what is open: what another process settles meanwhile is among what was looked at.
    found = _found(session, selection, is_open(), ~rejected())
    inside = _found(session, selection, is_settled(), looked) | _found(session, selection, is_settled(), open_request())
    found |= inside
    left_out = session.execute(_counted(selection).where(is_settled())).scalar_one() - len(inside)
    missed = dict[int, str]()
    for some in parameter_batches(sorted(set(chosen) - found.keys())):
        missed |= _found(session, selection, is_settled(), col(Integration.id).in_(some))
    return sorted(found | missed), max(0, int(left_out) - len(missed))


def _counted(selection: Selection) -> Select[Any]:
    return select(func.count(col(Integration.id))).where(*picked(selection))
