"""Rows of holds, and what follows from them for the integrations that they are about: a guard opens and ends them."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlmodel import Session, col, or_, select

from greenlight.ats.ledger import Hold
from greenlight.ats.rows import parameter_batches
from greenlight.ats.tables import Integration
from greenlight.domain.conditions import Condition, after_look
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.domain.tripwires import held, while_held


def requested(session: Session, ids: Sequence[int]) -> list[Integration]:
    """Those of these that LinkedIn shows REQUESTED, by their ids."""
    query = select(Integration).where(Integration.observed == Status.REQUESTED).order_by(col(Integration.id))
    return [row for some in parameter_batches(ids) for row in session.exec(query.where(col(Integration.id).in_(some)))]


def holds_of(session: Session, found: Sequence[Integration], reason: Reason) -> dict[int | None, list[Hold]]:
    """What this guard holds of these, and what of it a person has lifted."""
    holds: dict[int | None, list[Hold]] = {}
    for some in parameter_batches([row.id for row in found if row.id is not None]):
        lifted_or_open = or_(col(Hold.ended_at).is_(None), col(Hold.lifted_by).is_not(None))
        query = select(Hold).where(col(Hold.integration_id).in_(some), Hold.reason == reason, lifted_or_open)
        for hold in session.exec(query):
            holds.setdefault(hold.integration_id, []).append(hold)
    return holds


def is_open(holds: Sequence[Hold] | None) -> bool:
    return any(hold.ended_at is None for hold in holds or ())


def open_hold(session: Session, row: Integration, reason: Reason, saw: str, now: datetime) -> Hold:
    hold = Hold(integration_id=cast(int, row.id), reason=reason, saw=saw, since=now)
    session.add(hold)
    if row.reason in (Reason.READY_TO_ENABLE, Reason.NOT_REQUESTED):
        _say(row, while_held(Observation(Status(row.observed)), held(reason, saw)), now)
    return hold


def end_hold(hold: Hold, row: Integration, now: datetime, lifted_by: str | None = None) -> None:
    hold.ended_at, hold.lifted_by = now, lifted_by
    if row.reason == hold.reason:
        _say(row, after_look(Observation(Status(row.observed))), now)


def _say(row: Integration, known: Condition | None, now: datetime) -> None:
    """Write what follows from a hold or its end; nobody has looked for that."""
    if known is not None:
        row.outcome, row.reason, row.detail, row.condition_since = known.outcome, known.reason, known.detail, now
