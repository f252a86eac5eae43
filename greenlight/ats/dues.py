"""What a customer's next turn is about, as conditions of a query on integrations."""

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, exists, or_

from greenlight.ats.ledger import Attempt
from greenlight.ats.rows import open_request
from greenlight.ats.tables import Integration


def is_due(now: datetime) -> ColumnElement[bool]:
    due_at = col(Integration.look_due_at)
    return and_(open_request(), or_(due_at.is_(None), due_at <= now))


def waits_for_a_look() -> ColumnElement[bool]:
    asked, acted = col(Integration.requested_at), col(Integration.acted_on_at)
    return and_(col(Integration.look_due_at).is_not(None), or_(asked.is_(None), acted >= asked))


def has_settled(now: datetime) -> ColumnElement[bool]:
    """An enable that is open, could land no more by now, and has not been looked at since."""
    checked_at = col(Integration.checked_at)
    return exists().where(
        col(Attempt.integration_id) == col(Integration.id),
        col(Attempt.closed_at).is_(None),
        col(Attempt.settles_at) <= now,
        or_(checked_at.is_(None), checked_at < col(Attempt.settles_at)),
    )
