"""Holds: what a guard keeps from being enabled, on record until a person lifts it or what it saw is back.

Nothing that a run does on its way ends one, and a look in between changes nothing about it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import case
from sqlmodel import Session, col, func, or_, select, update

from greenlight.ats.database import Database
from greenlight.ats.ledger import Hold
from greenlight.ats.rows import integration_rows, is_wanted, item, make_requests_due, parameter_batches
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import Customer, Integration
from greenlight.ats.waiting import units
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import EFFECT, Condition, after_look
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.domain.tripwires import SHOWS, emptied_together, held, jumped, still_empty, while_held

#: Customers that one hold names.
_NAMED = 3


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

    def review(self, ids: Sequence[int], lane: Lane, now: datetime) -> list[Held]:
        """Let the guards look at what is on record: new holds, of what is in a run, and ends of those whose cause is
        gone. Returns the new ones.

        What is one customer's own request is not held for what other customers' answers look like, unless it is held
        already.
        """

        def act(session: Session) -> list[Held]:
            opened: list[Hold] = []
            if lane is Lane.NIGHTLY:
                opened += _judge_new(session, now)
            found = integration_rows(session, ids)
            if lane is not Lane.REALTIME:
                opened += _judge_emptied(session, found, now)
            opened += _judge_claims(session, found, now)
            session.flush()
            return _as_held(session, opened)

        return self._database.write(act)

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
                _end(hold, row, now, by)
                row.vanished_at = row.vanished_from = None
            session.flush()
            for customer in sorted({row.customer_id for _, row in found}):
                make_requests_due(session, customer)
            return _as_held(session, [hold for hold, _ in found])


def _judge_new(session: Session, now: datetime) -> list[Hold]:
    """Hold everything that is new, whoever runs for whom, if it is too much beside what was known."""
    is_new = col(Integration.judged_at).is_(None)
    known, new = session.exec(
        select(func.count(col(Integration.judged_at)), func.coalesce(func.sum(case((is_new, 1), else_=0)), 0))
    ).one()
    opened: list[Hold] = []
    if jumped(new, known):
        saw = f"{new} new ones beside {known} that were known"
        shown = col(Integration.observed).in_(EFFECT)
        held_back = session.exec(select(Integration).where(is_new, ~shown).order_by(col(Integration.id))).all()
        opened = [_open(session, row, Reason.WANTED_SET_JUMPED, saw, now) for row in held_back]
    session.exec(update(Integration).where(is_new).values(judged_at=now))
    return opened


def _judge_emptied(session: Session, found: Sequence[Integration], now: datetime) -> list[Hold]:
    emptied, showing = _emptied_customers(session)
    before = _held_as_emptied(session, emptied)
    opened: list[Hold] = []
    at_once = emptied_together(emptied, showing)
    everybody = f"{len(emptied)} of {len(emptied) + showing} customers"
    if at_once - before.keys():
        query = select(Integration).where(
            col(Integration.customer_id).in_(at_once), col(Integration.vanished_at).is_not(None)
        )
        gone = session.exec(query.order_by(col(Integration.id))).all()
        holds = _holds(session, gone, Reason.SUDDENLY_EMPTY)
        for row in gone:
            saw = f"it was {row.vanished_from}, and nothing is shown any more of {everybody}"
            if not _is_open(holds.get(row.id)):
                opened.append(_open(session, row, Reason.SUDDENLY_EMPTY, saw, now))
    active = still_empty(len(before.keys() | at_once), len(emptied) + showing)
    since = min([*before.values(), now])
    _end_what_is_back(session, active, now)
    if active:
        named = ", ".join(sorted(before.keys() | at_once)[:_NAMED])
        ready = [row for row in found if row.observed == Status.REQUESTED]
        holds = _holds(session, ready, Reason.SUDDENLY_EMPTY)
        for row in ready:
            # Whoever lifted it knew of those that are empty by then.
            known = any(hold.ended_at is not None and hold.ended_at >= since for hold in holds.get(row.id, ()))
            if not known and not _is_open(holds.get(row.id)):
                opened.append(_open(session, row, Reason.SUDDENLY_EMPTY, f"{everybody}, {named} among them", now))
    return opened


def _emptied_customers(session: Session) -> tuple[dict[str, datetime], int]:
    """Customers of whom nothing is shown any more, with when that was first seen; and how many still show something."""
    shows = func.max(case((col(Integration.observed).in_(SHOWS), 1), else_=0))
    vanished = select(Integration.customer_id).where(col(Integration.vanished_at).is_not(None))
    query = (
        select(Integration.customer_id, func.max(col(Integration.vanished_at)))
        .where(col(Integration.customer_id).in_(vanished))
        .group_by(col(Integration.customer_id))
        .having(shows == 0)
    )
    showing = select(func.count(func.distinct(col(Integration.customer_id)))).where(
        col(Integration.observed).in_(SHOWS), is_wanted()
    )
    emptied = {customer: at for customer, at in session.exec(query) if at is not None}
    return emptied, session.exec(showing).one()


def _held_as_emptied(session: Session, emptied: Mapping[str, datetime]) -> dict[str, datetime]:
    """Those of the emptied customers that are held for it, and since when."""
    query = (
        select(Integration.customer_id, func.min(col(Hold.since)))
        .join(Hold, col(Hold.integration_id) == Integration.id)
        .where(Hold.reason == Reason.SUDDENLY_EMPTY, col(Hold.ended_at).is_(None))
        .where(col(Integration.vanished_at).is_not(None))
        .group_by(col(Integration.customer_id))
    )
    return {customer: since for customer, since in session.exec(query) if customer in emptied}


def _end_what_is_back(session: Session, active: bool, now: datetime) -> None:
    query = (
        select(Hold, Integration)
        .join(Integration, col(Integration.id) == Hold.integration_id)
        .where(Hold.reason == Reason.SUDDENLY_EMPTY, col(Hold.ended_at).is_(None))
        .where(col(Integration.vanished_at).is_(None))
        .order_by(col(Integration.id))
        .with_for_update()
    )
    for hold, row in session.exec(query):
        if row.observed in EFFECT or not active:
            _end(hold, row, now)


def _judge_claims(session: Session, found: Sequence[Integration], now: datetime) -> list[Hold]:
    """Hold what LinkedIn shows under two customers' applications; one of them may be lifted by a person."""
    ready = [row for row in found if row.observed == Status.REQUESTED]
    claims = _claims(session, {row.integration_context for row in ready})
    holds = _holds(session, ready, Reason.CLAIMED_TWICE)
    opened: list[Hold] = []
    for row in ready:
        others = claims.get(row.integration_context, frozenset()) - {row.customer_id}
        saw = f"also {', '.join(sorted(others)[:_NAMED])}"
        before = holds.get(row.id, [])
        if not others:
            for hold in before:
                if hold.ended_at is None:
                    _end(hold, row, now)
        elif not _is_open(before) and not any(hold.saw == saw for hold in before):
            opened.append(_open(session, row, Reason.CLAIMED_TWICE, saw, now))
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


def _holds(session: Session, found: Sequence[Integration], reason: Reason) -> dict[int | None, list[Hold]]:
    """What this guard holds of these, and what of it a person has lifted."""
    holds: dict[int | None, list[Hold]] = {}
    for some in parameter_batches([row.id for row in found if row.id is not None]):
        lifted_or_open = or_(col(Hold.ended_at).is_(None), col(Hold.lifted_by).is_not(None))
        query = select(Hold).where(col(Hold.integration_id).in_(some), Hold.reason == reason, lifted_or_open)
        for hold in session.exec(query):
            holds.setdefault(hold.integration_id, []).append(hold)
    return holds


def _is_open(holds: Sequence[Hold] | None) -> bool:
    return any(hold.ended_at is None for hold in holds or ())


def _open(session: Session, row: Integration, reason: Reason, saw: str, now: datetime) -> Hold:
    hold = Hold(integration_id=cast(int, row.id), reason=reason, saw=saw, since=now)
    session.add(hold)
    if row.reason in (Reason.READY_TO_ENABLE, Reason.NOT_REQUESTED):
        _say(row, while_held(Observation(Status(row.observed)), held(reason, saw)), now)
    return hold


def _end(hold: Hold, row: Integration, now: datetime, lifted_by: str | None = None) -> None:
    hold.ended_at, hold.lifted_by = now, lifted_by
    if row.reason == hold.reason:
        _say(row, after_look(Observation(Status(row.observed))), now)


def _say(row: Integration, known: Condition | None, now: datetime) -> None:
    """Write what follows from a hold or its end; nobody has looked for that."""
    if known is not None:
        row.outcome, row.reason, row.detail, row.condition_since = known.outcome, known.reason, known.detail, now


def _as_held(session: Session, found: Sequence[Hold]) -> list[Held]:
    of = {row.id: row for row in integration_rows(session, [hold.integration_id for hold in found])}
    return [Held(item(of[hold.integration_id]), Reason(hold.reason), hold.saw, hold.since) for hold in found]


def _must_exist(session: Session, customers: Collection[str]) -> None:
    known = session.exec(select(Customer.customer_id).where(col(Customer.customer_id).in_(customers)))
    if missing := sorted(set(customers) - set(known)):
        raise UnknownCustomer(f"no customer {', '.join(map(repr, missing))} in the ATS database")
