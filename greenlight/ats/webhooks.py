"""The outbox of webhooks: changes made into deliveries, each sent in its customer's order by whoever comes first.

What happened stands in the ledger already, written with the change itself: a change of an integration in
`integration_change`, a new application in `child_application`. Deliveries are made of these from where the last time
ended, so nothing is written where no webhooks are configured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import uuid4

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, exists, func, or_, select, update

from greenlight.ats.changes import IntegrationChange
from greenlight.ats.database import Database
from greenlight.ats.tables import ChildApplication, Integration
from greenlight.ats.waiting import units
from greenlight.ats.webhook_tables import PENDING, WebhookDelivery, WebhookPlace
from greenlight.domain.conditions import DEAD_CREDENTIALS
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.webhooks import Change, Kind, body, events_of, is_given_up, wait_after
from greenlight.errors import BadInput

#: Changes of one transaction.
_AT_ONCE = 500
#: A transaction that puts an application on record ends at the latest so long after the moment that it writes.
_OVERLAP = timedelta(hours=1)
#: Outcomes by which a customer's key is seen to work.
_WELL = (Outcome.ENABLED, Outcome.ALREADY_ENABLED, Outcome.WAITING)
_ONLY_PLACE = 1


class UnknownEvent(BadInput, remedy="`greenlight webhooks list --all` shows those that are kept"):
    """No event of that id is on record."""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is ours to make now."""

    id: int
    event_id: str
    body: str
    tries: int
    written_at: datetime


class Sent(NamedTuple):
    """What came of sending one."""

    due: Due
    accepted: bool
    detail: str


class Counts(NamedTuple):
    pending: int
    failed: int
    delivered: int


@units
class Webhooks:
    """Deliveries in the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = str(uuid4())

    def take_in(self, now: datetime) -> None:
        """Make deliveries of what has happened since the last time; the first time only says from where on."""
        while self._is_behind() and self._database.write(lambda session: _take_in(session, now)):
            pass

    def _is_behind(self) -> bool:
        with self._database.reading() as session:
            place = session.get(WebhookPlace, _ONLY_PLACE)
            if place is None:
                return True
            newer = select(IntegrationChange.id).where(col(IntegrationChange.number) > place.number)
            found = select(newer.exists(), _untold_applications(place.at).exists())
            return any(session.exec(found).one())

    def claim(self, now: datetime, until: datetime, most: int) -> list[Due]:
        """The first delivery of each of so many customers, if it is due. Nobody else has them until then."""
        heads = _heads(now).limit(most)
        with self._database.reading() as session:
            if not session.exec(heads).first():
                return []
        with self._database.writing() as session:
            # Whoever has one that is locked sends it.
            rows = session.exec(heads.with_for_update(skip_locked=True)).all()
            for row in rows:
                row.claimed_by, row.claimed_until = self._owner, until
            return [Due(cast(int, row.id), row.event_id, row.body, row.tries, row.written_at) for row in rows]

    def record(self, sent: Sequence[Sent], now: datetime) -> None:
        """Write down what came of these; one that somebody else has claimed meanwhile is theirs."""
        with self._database.writing() as session:
            for due, accepted, detail in sorted(sent, key=lambda each: each.due.id):
                row = session.get_one(WebhookDelivery, due.id, with_for_update=True)
                if row.claimed_by != self._owner:
                    continue
                row.claimed_by = row.claimed_until = None
                row.tries, row.detail = due.tries + 1, detail
                if accepted:
                    row.delivered_at = now
                elif is_given_up(row.written_at, row.tries, now):
                    row.failed_at = now
                else:
                    row.next_try_at = now + wait_after(row.tries)

    def on_record(self, most: int, *, delivered: bool = False) -> tuple[Counts, list[WebhookDelivery]]:
        """How many there are, and the oldest that are pending or failed, or with `delivered` the newest of all."""
        table, over = WebhookDelivery, (col(WebhookDelivery.delivered_at), col(WebhookDelivery.failed_at))
        rows = select(table).order_by(col(table.id).desc() if delivered else col(table.id)).limit(most)
        if not delivered:
            rows = rows.where(over[0].is_(None))
        with self._database.reading() as session:
            counts = session.exec(
                select(
                    func.count().filter(_pending()), func.count().filter(over[1].is_not(None)), func.count(over[0])
                ).select_from(table)
            ).one()
            return Counts(*counts), list(session.exec(rows))

    def replay(self, now: datetime, *, event_id: str | None = None, since: datetime | None = None) -> int:
        """Make this one due again, or all that happened since then, under the same ids. Raises UnknownEvent."""
        table = WebhookDelivery
        such = col(table.event_id) == event_id if since is None else col(table.at) >= since
        anew: dict[str, Any] = dict.fromkeys(("delivered_at", "failed_at", "detail"))
        with self._database.writing() as session:
            these = update(table).where(such).values(**anew, tries=0, next_try_at=now, written_at=now)
            count = session.exec(these).rowcount
        if since is None and not count:
            raise UnknownEvent(f"no event {event_id!r}")
        return count


def new_event_id() -> str:
    """The `webhook-id` of one event: the same however often it is sent."""
    return f"msg_{uuid4().hex}"


def _pending() -> ColumnElement[bool]:
    return cast(ColumnElement[bool], literal_column(f"({PENDING})"))


def _heads(now: datetime) -> Any:
    """The first of each customer's that is still to be delivered, where that is due and nobody has it."""
    table, earlier = WebhookDelivery, aliased(WebhookDelivery)
    before = exists().where(
        col(earlier.customer_id) == col(table.customer_id),
        col(earlier.id) < col(table.id),
        col(earlier.delivered_at).is_(None),
        col(earlier.failed_at).is_(None),
    )
    free = or_(col(table.claimed_until).is_(None), col(table.claimed_until) <= now)
    pending = and_(col(table.delivered_at).is_(None), col(table.failed_at).is_(None))
    return select(table).where(pending, col(table.next_try_at) <= now, free, ~before).order_by(col(table.id))


def _take_in(session: Session, now: datetime) -> bool:
    """Whether there may be more."""
    place = session.get(WebhookPlace, _ONLY_PLACE, with_for_update=True)
    if place is None:
        last = session.scalar(select(func.max(col(IntegrationChange.number))))
        # Nothing that happened before is told.
        session.add(WebhookPlace(id=_ONLY_PLACE, number=last or 0, at=now + _OVERLAP))
        return False
    changes = session.exec(_changes(place.number)).all()
    whole = len(changes) < _AT_ONCE
    applications = list(session.exec(_untold_applications(place.at).order_by(col(ChildApplication.provisioned_at))))
    for change, integration, before in changes:
        while applications and cast(datetime, applications[0].provisioned_at) <= change.at:
            _add_application(session, applications.pop(0), now)
        failing = Reason(change.reason) in DEAD_CREDENTIALS and _was_failing(session, integration, change)
        for kind, text in events_of(_change(change, integration, before, failing)):
            _add(session, integration.customer_id, kind, change.at, text, now)
        place.number = cast(int, change.number)
    if whole:
        for application in applications:
            _add_application(session, application, now)
        place.at = max(place.at, now)
    return not whole


def _changes(after: int) -> Any:
    earlier = aliased(IntegrationChange)
    before = (
        select(earlier.reason)
        .where(
            col(earlier.integration_id) == col(IntegrationChange.integration_id),
            col(earlier.number) < col(IntegrationChange.number),
        )
        .order_by(col(earlier.number).desc())
        .limit(1)
        .correlate(IntegrationChange)
        .scalar_subquery()
    )
    return (
        select(IntegrationChange, Integration, before)
        .join(Integration, col(Integration.id) == col(IntegrationChange.integration_id))
        .where(col(IntegrationChange.number) > after)
        .order_by(col(IntegrationChange.number))
        .limit(_AT_ONCE)
    )


def _untold_applications(up_to: datetime) -> Any:
    told = exists().where(
        col(WebhookDelivery.at) == col(ChildApplication.provisioned_at),
        col(WebhookDelivery.customer_id) == col(ChildApplication.customer_id),
        col(WebhookDelivery.kind) == Kind.PROVISIONED.value,
    )
    return select(ChildApplication).where(col(ChildApplication.provisioned_at) > up_to - _OVERLAP, ~told)


def _was_failing(session: Session, integration: Integration, change: IntegrationChange) -> bool:
    """Whether the customer's key failed already, and no integration of theirs has shown since that it works."""
    noted = (
        select(func.max(col(IntegrationChange.number)))
        .join(Integration, col(Integration.id) == col(IntegrationChange.integration_id))
        .where(Integration.customer_id == integration.customer_id, col(IntegrationChange.number) < change.number)
    )
    failed = session.scalar(noted.where(col(IntegrationChange.reason).in_(DEAD_CREDENTIALS)))
    worked = session.scalar(noted.where(col(IntegrationChange.outcome).in_(_WELL)))
    return failed is not None and (worked is None or worked < failed)


def _change(row: IntegrationChange, integration: Integration, before: str | None, failing: bool) -> Change:
    return Change(
        row.at,
        integration.customer_id,
        integration.integration_context,
        integration.integration_type,
        integration.tenant_type,
        row.wanted,
        row.status_before,
        row.status,
        Outcome(row.outcome),
        Reason(row.reason),
        row.detail,
        None if before is None else Reason(before),
        failing,
    )


def _add_application(session: Session, row: ChildApplication, now: datetime) -> None:
    at, data = cast(datetime, row.provisioned_at), {"customer_id": row.customer_id, "client_id": row.client_id}
    _add(session, row.customer_id, Kind.PROVISIONED, at, body(Kind.PROVISIONED, at, data), now)


def _add(session: Session, customer_id: str, kind: Kind, at: datetime, text: str, now: datetime) -> None:
    session.add(
        WebhookDelivery(
            event_id=new_event_id(),
            customer_id=customer_id,
            kind=kind,
            at=at,
            written_at=now,
            body=text,
            next_try_at=now,
        )
    )
