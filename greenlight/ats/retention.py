"""What is old and of no more use goes, a little at a time; what is open, owed, or evidence of an enable stays.

Never deleted: customers, integrations, attempts with their warrants and runs, plans that were used and who approved
them, a person's word on a hold.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, delete, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, exists, or_, select

from greenlight.ats.api_tables import IdempotencyKey
from greenlight.ats.changes import IntegrationChange
from greenlight.ats.clock import time_of
from greenlight.ats.database import Database
from greenlight.ats.desired_tables import DesiredRow, DesiredSync
from greenlight.ats.fleet import FleetSnapshot
from greenlight.ats.ledger import Attempt, Hold, Warrant
from greenlight.ats.rows import open_request
from greenlight.ats.shards import Shard, ShardTake
from greenlight.ats.tables import (
    Approval,
    Customer,
    Integration,
    Pause,
    Plan,
    PlanItem,
    PortalSession,
    Provisioning,
    RequestDay,
    RequestEvidence,
    Run,
)
from greenlight.ats.waiting import units
from greenlight.ats.webhook_tables import WebhookDelivery

#: Rows of one transaction, so that nobody waits long for it.
AT_ONCE = 500


@units
class Retention:
    """Old rows of the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database, at_once: int = AT_ONCE) -> None:
        self._database = database
        self._at_once = at_once

    def prune(self, before: datetime) -> dict[str, int]:
        """Delete what was over before then, and return how many rows of which table. It may be cut short and repeated.

        What belongs to a portal session or a plan goes with it and is not counted.
        """
        deleted: dict[str, int] = {}
        for table, such, parts in _old(before):
            deleted[table.__tablename__] = 0
            while count := self._database.write(lambda session, it=(table, such, parts): self._some(session, *it)):
                deleted[table.__tablename__] += count
        return deleted

    def _some(self, session: Session, table: Any, such: ColumnElement[bool], parts: Iterable[Any]) -> int:
        whole: Table = table.__table__
        key = list(whole.primary_key.columns)
        found = session.execute(select(*key).where(such).order_by(*key).limit(self._at_once)).all()
        if not found:
            return 0
        for part in parts:
            session.execute(delete(part).where(part.__table__.c[key[0].name].in_([row[0] for row in found])))
        these = tuple_(*key).in_([tuple(row) for row in found]) if key[1:] else key[0].in_([row[0] for row in found])
        session.execute(delete(table).where(these))
        return len(found)


def prune(database: Database, days: int) -> tuple[datetime, dict[str, int]]:
    """Delete what is over for so many days by the database's clock; until when that was, and how much it is."""
    before = time_of(database) - timedelta(days=days)
    return before, Retention(database).prune(before)


#: A table, which of its rows are of no more use, and whose rows belong to these.
_Old = tuple[Any, ColumnElement[bool], tuple[Any, ...]]


def _old(before: datetime) -> list[_Old]:
    return [
        (Pause, col(Pause.until) < before, ()),
        (IdempotencyKey, col(IdempotencyKey.expires_at) < before, ()),
        (FleetSnapshot, col(FleetSnapshot.taken_at) < before, ()),
        (RequestDay, _is_followed(before), ()),
        (
            PortalSession,
            and_(col(PortalSession.expires_at) < before, ~_brought_an_enable(), ~_is_waited_for()),
            (RequestEvidence,),
        ),
        (IntegrationChange, col(IntegrationChange.at) < before, ()),
        (WebhookDelivery, or_(col(WebhookDelivery.delivered_at) < before, col(WebhookDelivery.failed_at) < before), ()),
        (Hold, and_(col(Hold.ended_at) < before, col(Hold.lifted_by).is_(None)), ()),
        (Plan, and_(col(Plan.created_at) < before, col(Plan.used_by_run).is_(None)), (PlanItem, Approval)),
        (Warrant, and_(col(Warrant.given_at) < before, _is_used_up(), ~_carries_an_attempt()), ()),
        (DesiredSync, and_(col(DesiredSync.began_at) < before, col(DesiredSync.let_at).is_(None)), (DesiredRow,)),
        (Run, and_(col(Run.started_at) < before, *_of_no_more_use(before)), (Shard, ShardTake)),
    ]


def _is_followed(before: datetime) -> ColumnElement[bool]:
    """The newest day of an application stays: what LinkedIn's refusals taught is read from it."""
    newer = aliased(RequestDay)
    later = exists().where(col(newer.application) == col(RequestDay.application), col(newer.day) > col(RequestDay.day))
    return and_(col(RequestDay.day) < before.date(), later)


def _brought_an_enable() -> ColumnElement[bool]:
    return exists().where(
        col(RequestEvidence.session_digest) == col(PortalSession.session_digest),
        col(Warrant.integration_id) == col(RequestEvidence.integration_id),
        col(Warrant.given_by) == col(PortalSession.session_digest),
        col(Attempt.warrant_id) == col(Warrant.id),
    )


def _is_waited_for() -> ColumnElement[bool]:
    return exists().where(
        col(RequestEvidence.session_digest) == col(PortalSession.session_digest),
        col(Integration.id) == col(RequestEvidence.integration_id),
        open_request(),
    )


def _is_used_up() -> ColumnElement[bool]:
    """It was for one run, which is long over, or a look has shown the effect since."""
    shown = exists().where(
        col(Integration.id) == col(Warrant.integration_id), col(Integration.effect_at) >= col(Warrant.given_at)
    )
    return or_(col(Warrant.run_id).is_not(None), shown)


def _carries_an_attempt() -> ColumnElement[bool]:
    return exists().where(col(Attempt.warrant_id) == col(Warrant.id))


def _of_no_more_use(before: datetime) -> list[ColumnElement[bool]]:
    """A run that ended before then, or never did, and that nothing which stays speaks of."""
    ended = or_(col(Run.finished_at).is_(None), col(Run.finished_at) < before)
    speaking = (Attempt.run_id, Provisioning.run_id, Plan.used_by_run, Customer.locked_for)
    return [ended, *(~exists().where(col(of) == col(Run.run_id)) for of in cast(Any, speaking))]
