"""What is settled: LinkedIn was seen to have it ENABLED, and nothing is known that speaks against it. All else is open.

Each condition stands beside the index that has the rows of which it holds.
"""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Index, literal_column
from sqlmodel import and_, col, or_

from greenlight.ats.rows import open_request
from greenlight.ats.tables import Integration
from greenlight.domain.backoff import LAST_TRY, quarantines
from greenlight.domain.reasons import Reason
from greenlight.domain.recheck import SETTLED
from greenlight.domain.status import Status


def _is_shown() -> ColumnElement[bool]:
    # In words, not in parameters, so that SQLite knows them for those of the index.
    enabled = literal_column(f"'{Status.ENABLED}'")
    reasons = [literal_column(f"'{reason}'") for reason in SETTLED]
    return and_(
        col(Integration.observed) == enabled,
        col(Integration.observed_at).is_not(None),
        col(Integration.reason).in_(reasons),
    )


def is_settled() -> ColumnElement[bool]:
    """Whether the integration of the query is wanted, and known to be ENABLED."""
    return and_(col(Integration.withdrawn_at).is_(None), _is_shown())


def is_open() -> ColumnElement[bool]:
    """Whether the integration of the query is wanted, and anything else is known of it, or nothing."""
    return and_(col(Integration.withdrawn_at).is_(None), ~_is_shown())


def rests(now: datetime) -> ColumnElement[bool]:
    """Whether a schedule leaves the integration of the query alone now; `rows.is_resting` asks the same of a row."""
    asked, checked = col(Integration.requested_at), col(Integration.checked_at)
    until, reasons = col(Integration.next_try_at), [reason for reason in Reason if quarantines(reason)]
    quarantined = and_(col(Integration.tries) >= LAST_TRY, col(Integration.reason).in_(reasons))
    return and_(
        ~open_request(),
        or_(asked.is_(None), and_(checked.is_not(None), checked >= asked)),
        until.is_not(None),
        or_(quarantined, until > now),
    )


_columns = cast(Any, Integration).__table__.c
Index("ix_integration_open", _columns.customer_id, sqlite_where=is_open(), postgresql_where=is_open())
Index(
    "ix_integration_settled",
    _columns.customer_id,
    _columns.observed_at,
    # SQLite reads each row whose condition an index answers by half.
    _columns.observed,
    _columns.reason,
    _columns.withdrawn_at,
    sqlite_where=is_settled(),
    postgresql_where=is_settled(),
)
