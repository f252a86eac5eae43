"""What the plugin's callback brings: requests on record with their evidence, and which are still to be acted on.

A request is a hint (docs/linkedin.md#the-callback): it makes an integration wanted and due for a look.
What LinkedIn shows under the customer's own credentials decides everything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, func, or_, select, union_all, update

from greenlight.ats.callbacks import Callback, TooManyIntegrations, record_callbacks
from greenlight.ats.database import Database
from greenlight.ats.dues import has_settled, is_due, waits_for_a_look
from greenlight.ats.ledger import Attempt
from greenlight.ats.present import present
from greenlight.ats.rows import (
    has_open_request,
    held_by_a_guard,
    is_wanted,
    item,
    open_request,
    report_item,
)
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.ats.waiting import units
from greenlight.domain.budget import day_ends
from greenlight.domain.conditions import WORTH_REPEATING
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import ReportItem

#: How soon LinkedIn shows what its own plugin has just said was requested.
SHOWN_WITHIN = timedelta(minutes=1)
#: How old what is known may get while somebody looks at the page and waits for it to change: half as long as it has
#: been so, within these bounds. A page that stays open must not spend the day's requests.
LOOK_AGAIN_AFTER, LOOK_AGAIN_AT_MOST = timedelta(minutes=1), timedelta(minutes=15)

#: Where a look may show something else than the last one did, by somebody else's act or by itself.
_MAY_CHANGE = (
    Reason.AWAITING_CUSTOMER,
    Reason.READY_TO_ENABLE,
    Reason.LINKEDIN_UNAVAILABLE,
    Reason.UNREADABLE_ANSWER,
    Reason.NOT_THE_API,
    Reason.OUTCOME_UNKNOWN,
    Reason.CONFIRMED_NOT_SHOWN,
    Reason.SHARE_SPENT,
)
#: Where a request came to an end; a refusal that does not pass is one as well.
_ENDS = (Reason.ENABLED, Reason.AWAITING_CUSTOMER, Reason.ALREADY_ENABLED, Reason.REJECTED_REQUEST)
#: Failures that say nothing about the request itself.
_PASSES = WORTH_REPEATING | {Reason.CUSTOMER_BUSY, Reason.OUTCOME_UNKNOWN}
#: What a run has left to a later one.
_HELD = (Reason.HELD_BY_CAP, Reason.CHANGED_SINCE_PLAN)
#: The wait before an open request is acted on again: half its age within these bounds, for what is held at least so.
SOONEST, LATEST, HELD_FOR = timedelta(seconds=5), timedelta(hours=12), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that nobody has acted on: an integration, and when it was requested last."""

    integration_id: int
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """What the portal shows of one customer. `client_id` is public: the plugin's `api_key`."""

    customer_name: str
    client_id: str | None
    provisioned_at: datetime | None
    items: Sequence[ReportItem]
    #: Requests that the worker has not dealt with, and since when they are.
    open_since: Mapping[IntegrationKey, datetime]

    @property
    def open_requests(self) -> frozenset[IntegrationKey]:
        return frozenset(self.open_since)


@units
class Requests:
    """Requests in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, customer_id: str, session_digest: str, keys: Sequence[IntegrationKey], now: datetime) -> None:
        """Put requests of this customer on record, all or none. Raises TooManyIntegrations."""
        (refused,) = self.record_all([Callback(customer_id, session_digest, keys, now)])
        if refused is not None:
            raise refused

    def record_all(self, callbacks: Sequence[Callback]) -> list[TooManyIntegrations | None]:
        """Put these on record in one transaction, each whole or not at all. Returns what each was refused for."""
        return self._database.write(lambda session: record_callbacks(session, callbacks))

    def open_customers(self) -> list[str]:
        """Customers with a request that nobody has acted on, those who wait longest first."""
        query = (
            select(Integration.customer_id)
            .where(open_request())
            .group_by(Integration.customer_id)
            .order_by(func.min(Integration.requested_at), Integration.customer_id)
        )
        with self._database.reading() as session:
            return list(session.exec(query))

    def open_of(self, customers: Sequence[str]) -> list[OpenRequest]:
        theirs = col(Integration.customer_id).in_(customers)
        with self._database.reading() as session:
            rows = session.exec(select(Integration).where(theirs, open_request()))
            return [OpenRequest(row.id, row.requested_at) for row in rows if row.id and row.requested_at]

    def slow_customers(self, most: int) -> set[str]:
        """Customers with an open request that an earlier try has not brought to its end, or with more than `most`.

        A click again makes nobody quick of whom the last try failed.
        """
        tried = or_(func.count(col(Integration.look_due_at)) > 0, func.max(Integration.tries) > 0)
        query = select(Integration.customer_id).where(open_request()).group_by(Integration.customer_id)
        with self._database.reading() as session:
            return set(session.exec(query.having(or_(tried, func.count() > most))))

    def to_act_on(self, customers: Sequence[str], now: datetime) -> list[str]:
        """Those of these customers with an open request that may be acted on by now, in this order."""
        query = select(Integration.customer_id).where(col(Integration.customer_id).in_(customers), is_due(now))
        with self._database.reading() as session:
            found = set(session.exec(query))
        return [customer_id for customer_id in customers if customer_id in found]

    def to_look_for(self, customers: Sequence[str], now: datetime) -> list[str]:
        """Those of these customers for whom `take_looks` has something now."""
        due = or_(waits_for_a_look(), has_settled(now))
        query = select(Integration.customer_id).where(col(Integration.customer_id).in_(customers), due)
        with self._database.reading() as session:
            return list(session.exec(query.distinct()))

    def due_customers(self, now: datetime) -> list[str]:
        """Customers with a request to act on, or a look that somebody or an open enable waits for, by now.

        Longest waiting first.
        """
        since = func.coalesce(Integration.requested_at, Integration.look_due_at).label("since")
        waiting = select(Integration.customer_id, since)
        open_attempts = select(Attempt.integration_id).where(col(Attempt.closed_at).is_(None))
        settled = waiting.where(col(Integration.id).in_(open_attempts), has_settled(now))
        # Each from an index of its own: one WHERE of all three would read the whole table.
        due = union_all(waiting.where(is_due(now)), waiting.where(waits_for_a_look()), settled).subquery()
        query = select(due.c.customer_id).group_by(due.c.customer_id).order_by(func.min(due.c.since), due.c.customer_id)
        with self._database.reading() as session:
            return list(session.exec(query))

    def due_of(self, customers: Sequence[str], now: datetime) -> list[OpenRequest]:
        """Open requests of these customers that may be acted on by now, without what is held."""
        query = select(Integration).where(col(Integration.customer_id).in_(customers), is_due(now), ~_is_held())
        with self._database.reading() as session:
            rows = session.exec(query.order_by(col(Integration.id)))
            return [OpenRequest(row.id, row.requested_at) for row in rows if row.id and row.requested_at]

    def take_looks(self, customers: Sequence[str], now: datetime) -> list[int]:
        """Ids of these customers' integrations that somebody waits to see, or whose open enable has settled by now.

        They are due no longer.
        """
        due = or_(waits_for_a_look(), has_settled(now))
        query = select(Integration).where(col(Integration.customer_id).in_(customers), due)
        # Over all tries: what an earlier one has taken and committed is due for nobody else any more.
        taken: dict[int, None] = {}

        def take(session: Session) -> list[int]:
            for row in session.exec(query.order_by(col(Integration.id)).with_for_update()):
                if not has_open_request(row):
                    row.look_due_at = None
                taken[cast(int, row.id)] = None
            return list(taken)

        return self._database.write(take)

    def acted_on(self, requests: Sequence[OpenRequest], since: datetime, now: datetime) -> None:
        """Close those of these that came to an end in a check since then; one that was repeated since stays open.

        One that LinkedIn does not show yet, although it was requested a moment ago, stays open as well.
        """
        asked = {request.integration_id: request.requested_at for request in requests}
        query = select(Integration).where(col(Integration.id).in_(asked)).order_by(col(Integration.id))
        with self._database.writing() as session:
            for row in session.exec(query.with_for_update()):
                requested_at = asked[cast(int, row.id)]
                if _has_ended(row, requested_at, since, now):
                    row.acted_on_at = max(row.acted_on_at or requested_at, requested_at)
                    row.look_due_at = None if row.acted_on_at == row.requested_at else row.look_due_at

    def put_off(self, requests: Sequence[OpenRequest], now: datetime) -> None:
        """Let those of these that are still open wait, the longer the older they are; not one that was repeated."""
        asked = {request.integration_id: request.requested_at for request in requests}
        query = select(Integration).where(col(Integration.id).in_(asked), is_due(now))
        with self._database.writing() as session:
            for row in session.exec(query.order_by(col(Integration.id)).with_for_update()):
                requested_at = asked[cast(int, row.id)]
                if row.requested_at == requested_at and row.reason == Reason.SHARE_SPENT:
                    row.look_due_at = day_ends(now)
                elif row.requested_at == requested_at:
                    least = HELD_FOR if row.outcome == Outcome.HELD else SOONEST
                    row.look_due_at = now + min(max((now - requested_at) / 2, least), LATEST)

    def look_again(self, customer_id: str, now: datetime) -> bool:
        """Make what may have changed due for a look, the seldomer the longer it has not; whether anything was.

        What was imported and never looked at is due at once. It requests nothing.
        """
        checked_at = col(Integration.checked_at)
        may_have_changed = and_(col(Integration.reason).in_(_MAY_CHANGE), checked_at < now - LOOK_AGAIN_AFTER)
        due = (
            col(Integration.customer_id) == customer_id,
            or_(checked_at.is_(None), may_have_changed),
            col(Integration.look_due_at).is_(None),
            is_wanted(),
            ~open_request(),
        )
        with self._database.reading() as session:
            found = session.exec(select(Integration).where(*due).order_by(col(Integration.id))).all()
            ids = [row.id for row in found if _is_stale(row, now)]
        if not ids:
            return False
        with self._database.writing() as session:
            mine = select(Integration.id).where(*due, col(Integration.id).in_(ids)).order_by(col(Integration.id))
            locked = session.exec(mine.with_for_update()).all()
            session.exec(update(Integration).where(col(Integration.id).in_(locked)).values(look_due_at=now))
        return True

    def look_now(self, customer_id: str, now: datetime) -> int:
        """Make all that is wanted due for a look, but for what the last minute showed; how many. Requests nothing.

        Raises CustomerForgotten.
        """
        checked_at = col(Integration.checked_at)
        due = (
            col(Integration.customer_id) == customer_id,
            or_(checked_at.is_(None), checked_at < now - LOOK_AGAIN_AFTER),
            is_wanted(),
            ~open_request(),
        )
        with self._database.writing() as session:
            present(session, customer_id)
            rows = session.exec(select(Integration).where(*due).order_by(col(Integration.id)).with_for_update()).all()
            for row in rows:
                row.look_due_at = row.look_due_at or now
            return len(rows)

    def page(self, customer_id: str) -> CustomerPage:
        """What is known of a customer's integrations, all of them and nobody else's."""
        with self._database.reading() as session:
            customer = session.get_one(Customer, customer_id)
            application = session.get(ChildApplication, customer_id)
            query = select(Integration).where(Integration.customer_id == customer_id, is_wanted())
            query = query.order_by(col(Integration.id))
            rows = session.exec(query).all()
            checked = col(Integration.checked_at)
            untried = or_(checked.is_(None), checked <= col(Integration.requested_at))
            early = col(Integration.reason) == Reason.NOT_REQUESTED
            due = session.exec(query.where(open_request(), or_(untried, early))).all()
            return CustomerPage(
                customer.customer_name,
                application.client_id if application is not None else None,
                application.provisioned_at if application is not None else None,
                [report_item(row, customer.customer_name, since=None) for row in rows],
                {item(row).key: row.requested_at for row in due if row.requested_at is not None},
            )


def _is_stale(row: Integration, now: datetime) -> bool:
    if row.checked_at is None:
        return True
    checked_at = row.checked_at
    if row.reason == Reason.SHARE_SPENT:
        return day_ends(checked_at) <= now
    unchanged = checked_at - (row.condition_since or checked_at)
    return now - checked_at > min(max(unchanged / 2, LOOK_AGAIN_AFTER), LOOK_AGAIN_AT_MOST)


def _is_held() -> ColumnElement[bool]:
    by_a_run = and_(col(Integration.outcome) == Outcome.HELD, col(Integration.reason).in_(_HELD))
    return or_(by_a_run, held_by_a_guard())


def _has_ended(row: Integration, requested_at: datetime, since: datetime, now: datetime) -> bool:
    if row.checked_at is None or row.checked_at < since:
        return False
    if row.reason == Reason.NOT_REQUESTED:
        return now - requested_at >= SHOWN_WITHIN
    return row.reason in _ENDS or (row.outcome == Outcome.FAILED and row.reason not in _PASSES)
