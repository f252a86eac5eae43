"""Stored plans: shown, approved, applied once, and over when they expire (a plan is exactly what may be applied)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Table
from sqlmodel import Session, col, func, select

from greenlight.ats.bulk import add_rows
from greenlight.ats.database import Database
from greenlight.ats.ledger import Warrant, Word
from greenlight.ats.rows import item, parameter_batches
from greenlight.ats.tables import Approval, ChildApplication, Integration, Plan, PlanItem
from greenlight.ats.waiting import units
from greenlight.ats.warrants import give
from greenlight.domain import approval
from greenlight.domain.approval import Approvers, same_person
from greenlight.domain.plan import Action, Item, Planned, RequestTotals
from greenlight.domain.reasons import Reason
from greenlight.domain.selection import Selection
from greenlight.errors import BadInput, RefusedByRule

#: What LinkedIn showed a day ago is nothing to act on.
PLAN_LIFETIME = timedelta(hours=24)
#: The key of a plan's scope under which stands who discarded it, `by`, and when, `at`.
DISCARDED = "discarded"
#: The same while it is being written; one whose writer died stays so, and is no plan.
UNFINISHED = "unfinished"
#: Items of a plan that are written in one transaction.
ITEMS_AT_ONCE = 2_000
_ITEMS: Table = PlanItem.__dict__["__table__"]


class UnknownPlan(BadInput, remedy="`greenlight plans list` shows those that there are"):
    """A plan was named that the ATS database does not have."""


class PlanRefused(RefusedByRule, remedy="`greenlight plan` makes a new one; docs/safety.md says who approves it"):
    """A plan that may not be applied: not approved, expired, or used. The text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Approved:
    """Who wants a plan applied, and until when that holds."""

    approved_by: str
    approved_at: datetime
    expires_at: datetime
    enables: int


@dataclass(frozen=True, slots=True)
class Line:
    """What a plan does about one integration, and the reason it had when the plan was made."""

    item: Item
    action: Action
    reason: Reason


@units
class Plans:
    """The plans of the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        planned: Iterable[tuple[int, Planned]],
        selection: Selection,
        price: RequestTotals,
        now: datetime,
        named: Sequence[str] = (),
    ) -> str:
        """Store a plan as it is shown and return its id. `named` are the customers that a person named for it.

        It is written in parts, and there for nobody before it is whole.
        """
        plan_id, entries = str(uuid4()), list(planned)
        scope = {**selection.model_dump(mode="json"), "named": list(named)}
        price_of = {f"{kind}_requests": getattr(price, kind) for kind in ("token", "verify", "enable")}
        with self._database.reading() as session:
            clients = _client_ids(session, [id for id, _ in entries])

        def begin(session: Session) -> None:
            if session.get(Plan, plan_id) is None:
                session.add(Plan(plan_id=plan_id, created_at=now, scope={**scope, UNFINISHED: True}, **price_of))

        def write(session: Session, some: Sequence[tuple[int, Planned]]) -> None:
            of = {"plan_id": plan_id}
            rows = [{**of, "integration_id": id, **_line(entry), "client_id": clients.get(id)} for id, entry in some]
            # An earlier try may have been committed, and the answer to that lost.
            add_rows(session, _ITEMS, rows)

        def finish(session: Session) -> None:
            plan = session.get_one(Plan, plan_id)
            plan.scope, plan.expires_at = scope, now + PLAN_LIFETIME

        self._database.write(begin)
        self._database.write_in_parts(write, parameter_batches(entries, ITEMS_AT_ONCE))
        self._database.write(finish)
        return plan_id

    def enables(self, plan_id: str) -> list[int]:
        """Ids of the integrations that this plan enables. Raises UnknownPlan."""
        query = select(PlanItem.integration_id).where(PlanItem.plan_id == plan_id, PlanItem.action == Action.ENABLE)
        with self._database.reading() as session:
            _plan(session, plan_id)
            return list(session.exec(query.order_by(col(PlanItem.integration_id))))

    def of_another_application(self, plan_id: str) -> list[Item]:
        """What the plan enables and was seen under another application than the customer has now."""
        query = (
            select(PlanItem, Integration, ChildApplication.client_id)
            .join(Integration, col(Integration.id) == PlanItem.integration_id)
            .join(ChildApplication, col(ChildApplication.customer_id) == Integration.customer_id, isouter=True)
            .where(PlanItem.plan_id == plan_id, PlanItem.action == Action.ENABLE)
        )
        with self._database.reading() as session:
            return [item(row) for planned, row, client_id in session.exec(query) if planned.client_id != client_id]

    def check(self, plan_id: str, now: datetime) -> None:
        """Raise UnknownPlan or PlanRefused if this plan cannot be approved and applied any more."""
        with self._database.reading() as session:
            _must_be_open(_plan(session, plan_id), None, now)

    def lines(self, plan_id: str) -> list[Line]:
        """All of a plan, what it enables first. Raises UnknownPlan."""
        query = (
            select(PlanItem, Integration)
            .join(Integration, col(Integration.id) == PlanItem.integration_id)
            .where(PlanItem.plan_id == plan_id)
            .order_by(col(PlanItem.action) != Action.ENABLE, col(Integration.customer_id), col(Integration.id))
        )
        with self._database.reading() as session:
            _plan(session, plan_id)
            return [
                Line(item(row), Action(planned.action), Reason(planned.reason)) for planned, row in session.exec(query)
            ]

    def approve(
        self,
        plan_id: str,
        approved_by: str,
        now: datetime,
        lasts: timedelta = PLAN_LIFETIME,
        *,
        enables: int | None = None,
    ) -> Approved:
        """Put on record that somebody wants this plan applied. Raises UnknownPlan or PlanRefused.

        `enables` is how many enables they know it to have; a plan with more than can be shown is not approved without.
        """
        with self._database.writing() as session:
            plan = _plan(session, plan_id)
            _must_be_open(plan, None, now)
            count = session.exec(
                select(func.count()).where(PlanItem.plan_id == plan_id, PlanItem.action == Action.ENABLE)
            ).one()
            if enables is None and count > approval.SHOWN_AT_MOST:
                raise PlanRefused(
                    f"plan {plan_id} enables {count} integrations, and its artifacts show {approval.SHOWN_AT_MOST}; "
                    f"`greenlight plans {plan_id}` lists all, and enables={count} approves what was not shown"
                )
            if enables is not None and enables != count:
                raise PlanRefused(f"plan {plan_id} enables {count} integrations, and not {enables}")
            until = min(now + lasts, plan.expires_at or now)
            row = session.get(Approval, plan_id)
            if row is None:
                row = Approval(plan_id=plan_id, approved_by=approved_by, approved_at=now, expires_at=until)
                session.add(row)
            row.approved_by, row.approved_at, row.expires_at = approved_by, now, until
            return Approved(approved_by, now, until, count)

    def use(
        self,
        plan_id: str,
        run_id: str,
        now: datetime,
        *,
        applied_by: str = "",
        approvers: Approvers = Approvers.ANYONE,
    ) -> Sequence[str]:
        """Spend an approved plan on this run; a run that Prefect repeats has it already. Returns whom it named.

        Raises UnknownPlan or PlanRefused. Of two runs at the same time, one gets it. With `ANOTHER` approver, whoever
        applies it must be named, and be somebody else.
        """

        def take(session: Session) -> tuple[Sequence[str], str]:
            session.get(Plan, plan_id, with_for_update=True)
            plan = _plan(session, plan_id)
            approved = session.get(Approval, plan_id)
            if plan.used_by_run != run_id:
                _must_be_open(plan, run_id, now)
                _must_be_approved(plan_id, approved, now, applied_by, approvers)
            plan.used_by_run, plan.used_at = run_id, plan.used_at or now
            return plan.scope.get("named", []), approved.approved_by if approved is not None else ""

        named, approved_by = self._database.write(take)
        # What an earlier try of this run has not come to; a word that is used up is not given again.
        given = select(Warrant.integration_id).where(Warrant.run_id == run_id, Warrant.word == Word.PLAN)
        query = select(PlanItem.integration_id).where(PlanItem.plan_id == plan_id, PlanItem.action == Action.ENABLE)
        with self._database.reading() as session:
            ids = session.exec(query.where(col(PlanItem.integration_id).not_in(given))).all()

        def warrant(session: Session, some: Sequence[int]) -> None:
            give(session, some, Word.PLAN, now, by=approved_by, run_id=run_id)

        self._database.write_in_parts(warrant, parameter_batches(sorted(ids), ITEMS_AT_ONCE))
        return named


def _must_be_approved(
    plan_id: str, approved: Approval | None, now: datetime, applied_by: str, approvers: Approvers
) -> None:
    if approved is None:
        raise PlanRefused(f"nobody has approved plan {plan_id}; `greenlight approve {plan_id}` does")
    if approved.expires_at <= now:
        raise PlanRefused(
            f"the approval of plan {plan_id} by {approved.approved_by} ended at "
            f"{approved.expires_at:%Y-%m-%d %H:%M:%SZ}; `greenlight approve {plan_id}` renews it"
        )
    if approvers is Approvers.ANOTHER and (not applied_by or same_person(applied_by, approved.approved_by)):
        raise PlanRefused(
            f"plan {plan_id} was approved by {approved.approved_by}, and here somebody else must apply it and "
            "say so in applied_by (GREENLIGHT_APPROVERS=another)"
        )


def _plan(session: Session, plan_id: str) -> Plan:
    plan = session.get(Plan, plan_id)
    if plan is None or UNFINISHED in plan.scope:
        raise UnknownPlan(f"no plan {plan_id!r} in the ATS database; `greenlight plan` makes one")
    return plan


def _line(entry: Planned) -> dict[str, str]:
    return {"action": entry.action, "reason": entry.condition.reason}


def _must_be_open(plan: Plan, run_id: str | None, now: datetime) -> None:
    if plan.used_by_run is not None and plan.used_by_run != run_id:
        raise PlanRefused(
            f"plan {plan.plan_id} was applied at {plan.used_at:%Y-%m-%d %H:%M:%SZ} by run {plan.used_by_run}; "
            "a plan is used once, `greenlight plan` makes a new one"
        )
    if DISCARDED in plan.scope and plan.used_by_run is None:
        raise PlanRefused(
            f"plan {plan.plan_id} was discarded by {plan.scope[DISCARDED]['by']} at {plan.scope[DISCARDED]['at']}; "
            "`greenlight plan` makes a new one"
        )
    if plan.expires_at is None or plan.expires_at <= now:
        raise PlanRefused(
            f"plan {plan.plan_id} of {plan.created_at:%Y-%m-%d %H:%M:%SZ} has expired; "
            "`greenlight plan` makes a new one"
        )


def _client_ids(session: Session, ids: list[int]) -> dict[int, str]:
    query = select(Integration.id, ChildApplication.client_id).join(
        ChildApplication, col(ChildApplication.customer_id) == Integration.customer_id
    )
    found: dict[int, str] = {}
    for some in parameter_batches(ids):
        found |= {id: client for id, client in session.exec(query.where(col(Integration.id).in_(some))) if id}
    return found
