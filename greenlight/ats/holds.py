"""Holds: what a guard keeps from being enabled, on record until a person lifts it or what it saw is back.

Nothing that a run does on its way ends one, and a look in between changes nothing about it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, func, or_, select, update

from greenlight.ats.database import Database
from greenlight.ats.emptied import NAMED, judge_emptied
from greenlight.ats.hold_rows import end_hold, holds_of, is_open, open_hold, requested
from greenlight.ats.ledger import Hold
from greenlight.ats.rows import is_wanted, item, make_requests_due, parameter_batches
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import Customer, Integration
from greenlight.ats.waiting import units
from greenlight.ats.wanted import read_integrations
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import EFFECT
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Reason
from greenlight.domain.tripwires import EMPTIED_WITHIN, SHOWS, jumped


@dataclass(frozen=True, slots=True)
class Held:
    """One open hold: on what, by which guard, what it saw, and since when."""

    item: Item
    reason: Reason
    saw: str
    since: datetime


@units
class Holds:
    """The holds of the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def review(
        self,
        ids: Sequence[int],
        lane: Lane,
        now: datetime,
        *,
        night_since: datetime | None = None,
        within: timedelta = EMPTIED_WITHIN,
    ) -> list[Held]:
        """Let the guards look at what is on record: new holds, of what is in a run, and ends of those whose cause is
        gone. Returns the new ones.

        `night_since` is when a scheduled run began whose looks they are; `within` is how long it takes to look at all.

        What is one customer's own request is not held for what other customers' answers look like, unless it is held
        already.
        """

        def judge(session: Session, some: Sequence[int]) -> list[Held]:
            return _as_held(session, _judge_claims(session, requested(session, some), now))

        def emptied(session: Session) -> list[Held]:
            return _as_held(session, judge_emptied(session, ids, now, night_since, within))

        opened: list[Held] = []
        # Each guard by itself: nobody waits for the database as long as all of them take.
        if lane is Lane.NIGHTLY:
            opened += self._database.write(lambda session: _as_held(session, _judge_new(session, now)))
        if lane is not Lane.REALTIME:
            opened += self._database.write(emptied)
        for some in parameter_batches(ids):
            with self._database.reading() as session:
                claimed = _perhaps_claimed(session, some)
            # Most often none is, and nobody waits for the database.
            opened += sum(self._database.write_in_parts(judge, parameter_batches(claimed)), list[Held]())
        return opened

    def on_record(self, customers: Collection[str] = ()) -> list[Held]:
        """All open holds, or those of these customers, oldest first. Raises UnknownCustomer."""
        query = select(Hold).where(col(Hold.ended_at).is_(None)).order_by(col(Hold.since), col(Hold.id))
        if customers:
            query = query.join(Integration, col(Integration.id) == Hold.integration_id)
            query = query.where(col(Integration.customer_id).in_(customers))
        with self._database.reading() as session:
            _must_exist(session, customers)
            return _as_held(session, session.exec(query).all())

    def lift(self, customers: Collection[str], by: str, now: datetime) -> list[Held]:
        """End what is held for these customers, or everything if none is named, on a person's word; returns it.

        What was seen to turn empty is taken for truly empty from now on. Raises UnknownCustomer.
        """
        with self._database.writing() as session:
            _must_exist(session, customers)
            query = (
                select(Hold, Integration)
                .join(Integration, col(Integration.id) == Hold.integration_id)
                .where(col(Hold.ended_at).is_(None))
                .order_by(col(Integration.id))
                .with_for_update()
            )
            if customers:
                query = query.where(col(Integration.customer_id).in_(customers))
            found = session.exec(query).all()
            for hold, row in found:
                end_hold(hold, row, now, by)
                row.vanished_at = row.vanished_from = None
            session.flush()
            for customer in sorted({row.customer_id for _, row in found}):
                make_requests_due(session, customer)
            return _as_held(session, [hold for hold, _ in found])


def _judge_new(session: Session, now: datetime) -> list[Hold]:
    """Hold everything that is new, whoever runs for whom, if it is too much beside what was known."""
    is_new = col(Integration.judged_at).is_(None)
    count = select(func.count()).select_from(Integration)
    # In one statement, so that nothing is brought in between the two.
    everything, new = session.exec(select(count.scalar_subquery(), count.where(is_new).scalar_subquery())).one()
    known, opened = everything - new, list[Hold]()
    if jumped(new, known):
        saw = f"{new} new ones beside {known} that were known"
        shown = col(Integration.observed).in_(EFFECT)
        held_back = session.exec(select(Integration).where(is_new, ~shown).order_by(col(Integration.id))).all()
        opened = [open_hold(session, row, Reason.WANTED_SET_JUMPED, saw, now) for row in held_back]
    session.exec(update(Integration).where(is_new).values(judged_at=now))
    return opened


def _perhaps_claimed(session: Session, ids: Sequence[int]) -> Sequence[int]:
    """Those that LinkedIn shows under another customer's application as well, or that are held for that."""
    other = aliased(Integration)
    twice = exists().where(
        col(other.integration_context) == col(Integration.integration_context),
        col(other.customer_id) != col(Integration.customer_id),
        col(other.observed).in_(SHOWS),
        col(other.withdrawn_at).is_(None),
    )
    held = exists().where(
        col(Hold.integration_id) == col(Integration.id),
        col(Hold.reason) == Reason.CLAIMED_TWICE,
        col(Hold.ended_at).is_(None),
    )
    these = select(cast(int, Integration.id)).where(col(Integration.id).in_(ids), or_(twice, held))
    return session.exec(these).all()


def _judge_claims(session: Session, ready: Sequence[Integration], now: datetime) -> list[Hold]:
    """Hold what LinkedIn shows under two customers' applications; one of them may be lifted by a person."""
    claims = _claims(session, {row.integration_context for row in ready})
    holds = holds_of(session, ready, Reason.CLAIMED_TWICE)
    opened: list[Hold] = []
    for row in ready:
        others = claims.get(row.integration_context, frozenset()) - {row.customer_id}
        saw = f"also {', '.join(sorted(others)[:NAMED])}"
        before = holds.get(row.id, [])
        if not others:
            for hold in before:
                if hold.ended_at is None:
                    end_hold(hold, row, now)
        elif not is_open(before) and not any(hold.saw == saw for hold in before):
            opened.append(open_hold(session, row, Reason.CLAIMED_TWICE, saw, now))
    return opened


def _claims(session: Session, contexts: Iterable[str]) -> dict[str, frozenset[str]]:
    """The customers under whose applications LinkedIn shows each of these contexts."""
    found: dict[str, frozenset[str]] = {}
    query = select(Integration.integration_context, Integration.customer_id).distinct()
    for some in parameter_batches(sorted(contexts)):
        shown = query.where(
            col(Integration.integration_context).in_(some), col(Integration.observed).in_(SHOWS), is_wanted()
        )
        for context, customer in session.exec(shown):
            found[context] = found.get(context, frozenset()) | {customer}
    return found


def _as_held(session: Session, found: Sequence[Hold]) -> list[Held]:
    session.flush()
    of = {row.id: row for row in read_integrations(session, [hold.integration_id for hold in found])}
    return [Held(item(of[hold.integration_id]), Reason(hold.reason), hold.saw, hold.since) for hold in found]


def _must_exist(session: Session, customers: Collection[str]) -> None:
    known = session.exec(select(Customer.customer_id).where(col(Customer.customer_id).in_(customers)))
    if missing := sorted(set(customers) - set(known)):
        raise UnknownCustomer(f"no customer {', '.join(map(repr, missing))} in the ATS database")
