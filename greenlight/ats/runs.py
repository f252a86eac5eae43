"""Runs on record, and the reports that are drawn from the database: of a run, and of what is known now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from greenlight.ats.database import Database
from greenlight.ats.desired import sync_of
from greenlight.ats.ledger import Attempt
from greenlight.ats.nights import Nights, ToLookAt, in_report
from greenlight.ats.plans import Plans
from greenlight.ats.rows import item, parameter_batches, report_item
from greenlight.ats.store import Store
from greenlight.ats.tables import Customer, Integration, Plan, Run
from greenlight.ats.waiting import unit, units
from greenlight.ats.wanted import read_integrations
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import TOOK_EFFECT
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Item, RequestTotals
from greenlight.domain.recheck import NotDue
from greenlight.domain.report import Command, Report, ReportItem, as_of_run
from greenlight.domain.selection import Selection

#: The key of a run's scope under which stand the integrations that it is about, where it is not about all of them.
_INTEGRATIONS = "integrations"


@dataclass(frozen=True, slots=True)
class RunTarget:
    """What a run is about: a selection, exactly what a plan enables, or exactly some integrations of the selection."""

    selection: Selection
    plan_id: str | None = None
    integrations: tuple[int, ...] = ()


@units
class Runs:
    """The runs of the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = Store(database)
        self._plans = Plans(database)
        self._nights = Nights(database)

    def ids(self, scope: RunTarget) -> list[int]:
        """The integrations a run is about. Raises UnknownCustomer, UnknownType or UnknownPlan."""
        if scope.plan_id is not None:
            return self._plans.enables(scope.plan_id)
        return list(scope.integrations) or self._store.select(scope.selection, to_ask=True)

    def to_look_at(self, scope: RunTarget, lane: Lane, now: datetime, recheck_days: int) -> ToLookAt:
        """What a run looks at: a person's all that it is about, a scheduled one what can have changed or is due.

        Raises UnknownCustomer, UnknownType or UnknownPlan.
        """
        if lane is Lane.NIGHTLY:
            return self._nights.choose(scope.selection, now, recheck_days)
        ids = self.ids(scope)
        return ToLookAt(ids, len(ids))

    def start(
        self,
        run_id: str,
        command: Command,
        scope: RunTarget,
        now: datetime,
        lane: Lane | None = None,
        next_recheck_on: date | None = None,
    ) -> datetime:
        """Put a run on record and return when it started first; a run that Prefect repeats keeps its time."""
        with self._database.writing() as session:
            run = session.get(Run, run_id)
            if run is None:
                run = Run(
                    run_id=run_id,
                    command=command,
                    lane=lane,
                    scope=scope.selection.model_dump(mode="json")
                    | ({_INTEGRATIONS: list(scope.integrations)} if scope.integrations else {}),
                    plan_id=scope.plan_id,
                    started_at=now,
                    next_recheck_on=next_recheck_on,
                )
                session.add(run)
            return run.started_at

    def finish(
        self,
        run_id: str,
        sent: RequestTotals,
        now: datetime,
        *,
        plan_id: str | None = None,
        chosen: Sequence[int] = (),
    ) -> Report:
        """Put a run's end on record and return its report. `plan_id` is the plan that it made, if it made one.

        What a night had `chosen` to look at and did not come to is said to be so.
        """
        before = self._requests_of(run_id)

        # It sets the totals and does not add to them, since it may be done twice.
        def end(session: Session) -> None:
            run = session.get_one(Run, run_id)
            run.finished_at, run.plan_id = now, plan_id or run.plan_id
            run.token_requests = before.token + sent.token
            run.verify_requests = before.verify + sent.verify
            run.enable_requests = before.enable + sent.enable

        self._database.write(end)
        report = self.report(run_id, chosen)

        def judge(session: Session) -> None:
            session.get_one(Run, run_id).verdict = report.verdict

        self._database.write(judge)
        return report

    @unit
    def _requests_of(self, run_id: str) -> RequestTotals:
        with self._database.reading() as session:
            run = session.get_one(Run, run_id)
            return RequestTotals(run.token_requests, run.verify_requests, run.enable_requests)

    def report(self, run_id: str, chosen: Sequence[int] = ()) -> Report:
        """The report of a run, drawn from what the database holds now."""
        with self._database.reading() as session:
            run = session.get_one(Run, run_id)
            command = Command(run.command)
            scope = dict(run.scope)
            integrations = tuple(scope.pop(_INTEGRATIONS, ()))
            applies_plan = command is Command.APPLY and run.plan_id is not None
            selection = Selection.model_validate(scope)
            scheduled = run.lane == Lane.NIGHTLY
            if scheduled:
                ids, left_out = in_report(session, selection, run.started_at, chosen)
            else:
                left_out = 0
                ids = self.ids(RunTarget(selection, run.plan_id if applies_plan else None, integrations))
            ours, doubtful = _enabled_by(session, run_id), _in_doubt(session, run_id)
            plan = session.get(Plan, run.plan_id) if command is Command.PLAN and run.plan_id is not None else None
            return Report(
                command,
                [
                    as_of_run(entry, command, ours=entry.item in ours, in_doubt=entry.item in doubtful)
                    for entry in _items(session, ids, since=run.started_at, scheduled=scheduled)
                ],
                run_id=run_id,
                plan_id=run.plan_id,
                requests=RequestTotals(run.token_requests, run.verify_requests, run.enable_requests),
                price=RequestTotals(plan.token_requests, plan.verify_requests, plan.enable_requests) if plan else None,
                database=self._database.name,
                began=run.started_at,
                not_due=NotDue(left_out, run.next_recheck_on if left_out else None),
                source=sync_of(session, run_id),
            )

    def known(self, command: Command, selection: Selection) -> Report:
        """What is known now of the selected integrations, whichever run found it out.

        Raises UnknownCustomer or UnknownType.
        """
        ids = self._store.select(selection)
        with self._database.reading() as session:
            return Report(command, _items(session, ids), database=self._database.name)

    def has_customers(self) -> bool:
        """Whether anybody is on record at all."""
        with self._database.reading() as session:
            return session.exec(select(Customer.customer_id).limit(1)).first() is not None

    def attempts(self, customer_id: str) -> list[tuple[IntegrationKey, Attempt]]:
        """All attempts at a customer's integrations, oldest first."""
        with self._database.reading() as session:
            query = (
                select(Integration, Attempt)
                .join(Attempt, col(Attempt.integration_id) == Integration.id)
                .where(Integration.customer_id == customer_id)
                .order_by(col(Attempt.id))
            )
            return [(item(integration).key, attempt) for integration, attempt in session.exec(query)]


def _items(
    session: Session, ids: Sequence[int], since: datetime | None = None, *, scheduled: bool = False
) -> list[ReportItem]:
    found, names = read_integrations(session, ids), dict[str, str]()
    for some in parameter_batches(sorted({row.customer_id for row in found})):
        query = select(Customer.customer_id, Customer.customer_name).where(col(Customer.customer_id).in_(some))
        names |= dict(session.exec(query).all())
    return [report_item(row, names[row.customer_id], since, scheduled=scheduled) for row in found]


def _enabled_by(session: Session, run_id: str) -> set[Item]:
    """What this run's own enables brought about."""
    return _attempted_by(session, run_id, col(Attempt.outcome).in_(TOOK_EFFECT))


def _in_doubt(session: Session, run_id: str) -> set[Item]:
    """What this run sent, or was about to, and did not see the end of."""
    return _attempted_by(session, run_id, col(Attempt.closed_at).is_(None))


def _attempted_by(session: Session, run_id: str, such: ColumnElement[bool]) -> set[Item]:
    query = (
        select(
            Integration.customer_id,
            Integration.integration_context,
            Integration.integration_type,
            Integration.tenant_type,
        )
        .join(Attempt, col(Attempt.integration_id) == Integration.id)
        .where(Attempt.run_id == run_id, such)
    )
    return {Item(customer, IntegrationKey(*key)) for customer, *key in session.exec(query)}
