"""Stored plans as a person goes through them: which there are, what became of each, and one that is thrown away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, func, select

from greenlight.ats.database import Database
from greenlight.ats.plans import DISCARDED, UNFINISHED, PlanRefused, UnknownPlan
from greenlight.ats.tables import Approval, Plan, PlanItem
from greenlight.ats.waiting import units
from greenlight.domain.formatting import iso
from greenlight.domain.plan import Action


class PlanState(StrEnum):
    #: It can be approved, then applied.
    OPEN = "open"
    APPROVED = "approved"
    APPLIED = "applied"
    DISCARDED = "discarded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One plan: `enables` of `items` integrations, when it was made and ends, and by whom it was settled if it was."""

    plan_id: str
    state: PlanState
    created_at: datetime
    expires_at: datetime | None
    enables: int
    items: int
    approved_by: str | None = None
    used_by_run: str | None = None
    used_at: datetime | None = None
    discarded_by: str | None = None
    discarded_at: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in (PlanState.OPEN, PlanState.APPROVED)


@units
class StoredPlans:
    """The plans of the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def on_record(self, now: datetime) -> list[StoredPlan]:
        """All that are kept, the newest first."""
        with self._database.reading() as session:
            return _stored(session, now)

    def one(self, plan_id: str, now: datetime) -> StoredPlan:
        """Raises UnknownPlan."""
        with self._database.reading() as session:
            return _one(session, plan_id, now)

    def discard(self, plan_id: str, by: str, now: datetime) -> StoredPlan:
        """Never apply this plan; who said so is on record. One that is discarded already stays as it is.

        Raises UnknownPlan, or PlanRefused for one that was applied.
        """
        with self._database.writing() as session:
            # Locked, since a run may be about to use it.
            plan = session.get(Plan, plan_id, with_for_update=True)
            if plan is not None and plan.used_by_run is not None:
                raise PlanRefused(
                    f"plan {plan_id} was applied at {plan.used_at:%Y-%m-%d %H:%M:%SZ} by run {plan.used_by_run}",
                    "what it enabled cannot be taken back at LinkedIn; `greenlight withdraw` looks at it no more",
                )
            if plan is not None and DISCARDED not in plan.scope:
                plan.scope = {**plan.scope, DISCARDED: {"by": by, "at": iso(now)}}
                session.flush()
            return _one(session, plan_id, now)


def _one(session: Session, plan_id: str, now: datetime) -> StoredPlan:
    found = _stored(session, now, [plan_id])
    if not found:
        raise UnknownPlan(f"no plan {plan_id!r} in the ATS database")
    return found[0]


def _stored(session: Session, now: datetime, ids: Sequence[str] | None = None) -> list[StoredPlan]:
    counts = select(PlanItem.plan_id, PlanItem.action, func.count()).group_by(PlanItem.plan_id, PlanItem.action)
    plans = select(Plan, Approval).join(Approval, isouter=True).order_by(col(Plan.created_at).desc(), Plan.plan_id)
    if ids is not None:
        counts, plans = counts.where(col(PlanItem.plan_id).in_(ids)), plans.where(col(Plan.plan_id).in_(ids))
    of: dict[str, dict[str, int]] = {}
    for plan_id, action, count in session.exec(counts):
        of.setdefault(plan_id, {})[action] = count
    whole = [(plan, approval) for plan, approval in session.exec(plans) if UNFINISHED not in plan.scope]
    return [_story(plan, approval, of.get(plan.plan_id, {}), now) for plan, approval in whole]


def _story(plan: Plan, approval: Approval | None, counts: dict[str, int], now: datetime) -> StoredPlan:
    discarded = plan.scope.get(DISCARDED, {})
    if plan.used_by_run is not None:
        state = PlanState.APPLIED
    elif discarded:
        state = PlanState.DISCARDED
    elif plan.expires_at is None or plan.expires_at <= now:
        state = PlanState.EXPIRED
    else:
        state = PlanState.APPROVED if approval is not None and approval.expires_at > now else PlanState.OPEN
    return StoredPlan(
        plan_id=plan.plan_id,
        state=state,
        created_at=plan.created_at,
        expires_at=plan.expires_at,
        enables=counts.get(Action.ENABLE, 0),
        items=sum(counts.values()),
        approved_by=None if approval is None else approval.approved_by,
        used_by_run=plan.used_by_run,
        used_at=plan.used_at,
        discarded_by=discarded.get("by"),
        discarded_at=discarded.get("at"),
    )
