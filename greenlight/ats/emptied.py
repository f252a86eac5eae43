"""The guard that sees many customers turn empty at once: what it holds, and when that ends."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import case
from sqlmodel import Session, col, func, select

from greenlight.ats.hold_rows import end_hold, holds_of, is_open, open_hold, requested
from greenlight.ats.ledger import Hold
from greenlight.ats.rows import is_between, is_wanted, parameter_batches
from greenlight.ats.tables import Integration
from greenlight.domain.conditions import EFFECT
from greenlight.domain.reasons import Reason
from greenlight.domain.tripwires import SHOWS, emptied_together, still_empty, too_many

#: Customers that one hold names.
NAMED = 3


def judge_emptied(
    session: Session, ids: Sequence[int], now: datetime, night_since: datetime | None, within: timedelta
) -> list[Hold]:
    """New holds of what turned empty and of what else is ready in a run, and ends of those whose cause is gone.

    Judged is by all customers `within` that time. A night looks at a share of them, so it is judged by that as well,
    since it began; whom a person names is no fair share.
    """
    emptied = _emptied_customers(session)
    if not emptied:
        # How many show something is asked for the sake of those that show nothing.
        _end_what_is_back(session, False, now)
        return []
    showing = _how_many_show_something(session)
    before = _held_as_emptied(session, emptied)
    opened: list[Hold] = []
    at_once, everybody = emptied_together(emptied, showing, within), len(emptied) + showing
    of_whom = f"{len(emptied)} of {everybody} customers"
    here, had_something = _of_the_night(session, ids, emptied, night_since, now)
    tripped_here = too_many(len(here), had_something)
    if tripped_here:
        of_whom = f"{len(here)} of {had_something} customers that this run looked at"
        at_once |= here
    if at_once - before.keys():
        query = select(Integration).where(
            col(Integration.customer_id).in_(at_once), col(Integration.vanished_at).is_not(None)
        )
        gone = session.exec(query.order_by(col(Integration.id))).all()
        holds = holds_of(session, gone, Reason.SUDDENLY_EMPTY)
        for row in gone:
            saw = f"it was {row.vanished_from}, and nothing is shown any more of {of_whom}"
            if not is_open(holds.get(row.id)):
                opened.append(open_hold(session, row, Reason.SUDDENLY_EMPTY, saw, now))
    active = still_empty(len(before.keys() | at_once))
    first = min([*before.values(), now])
    _end_what_is_back(session, active, now)
    if active:
        named = ", ".join(sorted(before.keys() | at_once)[:NAMED])
        ready = requested(session, ids)
        holds = holds_of(session, ready, Reason.SUDDENLY_EMPTY)
        for row in ready:
            # Whoever lifted it knew of those that are empty by then.
            known = any(hold.ended_at is not None and hold.ended_at >= first for hold in holds.get(row.id, ()))
            if not known and not is_open(holds.get(row.id)):
                opened.append(open_hold(session, row, Reason.SUDDENLY_EMPTY, f"{of_whom}, {named} among them", now))
    return opened


def _emptied_customers(session: Session) -> dict[str, datetime]:
    """Customers of whom nothing is shown any more, with when that was first seen."""
    shows = func.max(case((col(Integration.observed).in_(SHOWS), 1), else_=0))
    vanished = select(Integration.customer_id).where(col(Integration.vanished_at).is_not(None)).distinct()
    query = (
        select(Integration.customer_id, func.max(col(Integration.vanished_at)))
        .group_by(col(Integration.customer_id))
        .having(shows == 0)
    )
    emptied = dict[str, datetime]()
    for some in parameter_batches(session.exec(vanished).all()):
        found = session.exec(query.where(col(Integration.customer_id).in_(some)))
        emptied |= {customer: at for customer, at in found if at is not None}
    return emptied


def _how_many_show_something(session: Session) -> int:
    customers = func.count(func.distinct(col(Integration.customer_id)))
    return session.exec(select(customers).where(col(Integration.observed).in_(SHOWS), is_wanted())).one()


def _of_the_night(
    session: Session, ids: Sequence[int], emptied: Mapping[str, datetime], since: datetime | None, now: datetime
) -> tuple[set[str], int]:
    """Customers that a night was the first to see empty, and how many that it looked at had something."""
    if since is None:
        return set(), 0
    query = select(Integration.customer_id, Integration.observed, Integration.observed_at)
    customers, shown = set[str](), set[str]()
    for some in parameter_batches(ids):
        for customer_id, observed, observed_at in session.exec(query.where(col(Integration.id).in_(some))):
            customers.add(customer_id)
            if observed in SHOWS and is_between(since, observed_at, now):
                shown.add(customer_id)
    here = {customer for customer in customers & emptied.keys() if emptied[customer] >= since}
    return here, len(here | shown)


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
        .order_by(col(Hold.integration_id))
        .with_for_update()
    )
    for hold, row in session.exec(query):
        if row.observed in EFFECT or not active:
            end_hold(hold, row, now)
