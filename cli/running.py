"""`plan` and `apply`: start the flow in this process, show how far it is, and print the report from the database."""

import getpass
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.errors import CannotRun
from cli.opening import ats_database
from cli.parting import run_until_recorded
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_json, print_report
from greenlight.ats.clock import time_of
from greenlight.ats.plans import Plans
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.store import Store
from greenlight.domain.approval import Approvers, same_person
from greenlight.domain.formatting import iso
from greenlight.domain.report import Report, first_ten
from greenlight.domain.selection import Selection
from greenlight.errors import RefusedByRule
from greenlight.settings import Settings, load_settings

_STAGES = {
    "observe": "looking",
    "enable": "enabling",
    "confirm": "looking again",
    "settle": "settling doubts",
    "provision": "provisioning",
    "wait": "until they work",
    "rotate": "rotating",
}


def run_plan(
    customers: tuple[str, ...],
    excluded: tuple[str, ...],
    types: tuple[str, ...],
    max_changes: int | None,
    *,
    as_json: bool,
) -> int:
    selection = _selection(customers, excluded, types)
    return _show(make_plan(load_settings(), selection, _cap(max_changes)), as_json)


def run_apply(
    plan_id: str | None,
    customers: tuple[str, ...],
    excluded: tuple[str, ...],
    types: tuple[str, ...],
    max_changes: int | None,
    *,
    yes: bool,
    as_json: bool,
) -> int:
    selection = _selection(customers, excluded, types)
    if plan_id is not None and (selection != Selection() or max_changes is not None):
        raise CannotRun("a plan is applied exactly as it is", "give either PLAN_ID or --customer, --type and the like")
    settings = load_settings()
    if plan_id is None and settings.approvers is Approvers.ANOTHER:
        raise RefusedByRule(
            "here one person alone enables nothing (GREENLIGHT_APPROVERS=another)",
            "make a plan with `greenlight plan`, have somebody else approve it, then give its id to `greenlight apply`",
        )
    if not yes:
        if not sys.stdin.isatty():
            raise RefusedByRule(
                "apply enables integrations, which cannot be undone", "without a terminal it needs --yes"
            )
        plan_id = _confirmed_plan(settings, plan_id, selection, _cap(max_changes))
        if plan_id is None:
            return 0
        # What was said yes to is the plan, which the selection and the cap have gone into.
        selection, max_changes = Selection(), None
    return _show(apply_now(settings, RunTarget(selection, plan_id), _cap(max_changes)), as_json)


def make_plan(settings: Settings, selection: Selection, max_changes: int | None) -> Report:
    """Run the plan flow here and return its report."""
    runs = _runs(settings)
    runs.ids(RunTarget(selection))
    quiet_prefect()

    def start() -> Any:
        from flows.plan import plan
        from flows.request import PlanRequest

        return plan(**dict(PlanRequest.of(selection, **_given(max_changes))), return_state=True)

    return runs.report(run_flow(start))


def apply_now(settings: Settings, scope: RunTarget, max_changes: int | None) -> Report:
    """Apply a selection, or exactly a plan, in a flow here and return its report."""
    database = ats_database(settings)
    runs, plans = Runs(database), Plans(database)
    runs.ids(scope)
    if scope.plan_id is not None and settings.approvers is Approvers.ANYONE:
        # Whoever names a plan on the command line and says yes to it has approved it.
        count = len(plans.enables(scope.plan_id))
        plans.approve(scope.plan_id, getpass.getuser(), time_of(database), enables=count)
    quiet_prefect()

    def start() -> Any:
        from flows.apply import apply
        from flows.reconcile import reconcile
        from flows.request import ReconcileRequest, What

        if scope.plan_id is not None:
            return apply(scope.plan_id, getpass.getuser(), return_state=True)
        request = ReconcileRequest.of(scope.selection, what=What.APPLY, **_given(max_changes))
        return reconcile(**dict(request), return_state=True)

    return runs.report(run_flow(start))


def _confirmed_plan(
    settings: Settings, plan_id: str | None, selection: Selection, max_changes: int | None
) -> str | None:
    """The plan that a person at the terminal has said yes to, or None if there is nothing to say yes to."""
    stderr = Console(stderr=True, emoji=False)
    if plan_id is None:
        report = make_plan(settings, selection, max_changes)
        print_report(report, stderr)
        count, plan_id = report.changes, report.plan_id
    else:
        database = ats_database(settings)
        wanted = Store(database).wanted(Runs(database).ids(RunTarget(selection, plan_id)))
        count = len(wanted)
        named = first_ten(list(dict.fromkeys(entry.item.customer_id for entry in wanted)))
        stderr.print(plain(f"Plan {plan_id} enables {count} integrations of {named}."))
        stderr.print(plain(f"`greenlight plans {plan_id}` lists them."))
    if not count:
        stderr.print("Nothing to enable.")
        return None
    stderr.print(f"Enable {count} integrations? An enabled integration cannot be disabled. Only yes goes on: ", end="")
    if sys.stdin.readline().strip() != "yes":
        raise RefusedByRule("not confirmed; nothing was enabled", "answer yes, or add --yes")
    return plan_id


def _selection(customers: tuple[str, ...], excluded: tuple[str, ...], types: tuple[str, ...]) -> Selection:
    if customers and not set(customers) - set(excluded):
        raise CannotRun(
            "--customer and --except name the same customers, so nobody is left", "leave one of the two out"
        )
    return Selection(customers=customers, excluded=excluded, types=types)


def run_approve(plan_id: str, by: str | None, enables: int | None, *, as_json: bool) -> int:
    """Approve a plan for whoever applies it, from here or from Prefect's UI."""
    settings, user = load_settings(), getpass.getuser()
    if settings.approvers is Approvers.ANOTHER and by is not None and not same_person(by, user):
        raise RefusedByRule(
            f"here nobody approves in another's name (GREENLIGHT_APPROVERS=another); you are {user}", "leave --by out"
        )
    database = ats_database(settings)
    approved = Plans(database).approve(plan_id, by or user, time_of(database), enables=enables)
    if as_json:
        document = {"schema": "greenlight.approval/1", "command": "approve", "plan_id": plan_id}
        document |= {"approved_by": approved.approved_by, "approved_at": iso(approved.approved_at)}
        print_json(document | {"expires_at": iso(approved.expires_at), "enables": approved.enables})
        return 0
    console_for_people().print(
        plain(
            f"Plan {plan_id}, which enables {approved.enables}, is approved by {approved.approved_by} "
            f"until {approved.expires_at:%Y-%m-%d %H:%M:%SZ}."
        )
    )
    return 0


def _cap(max_changes: int | None) -> int | None:
    if max_changes is not None and max_changes < 0:
        raise CannotRun("--max-changes is the most enables in one run", "give 0 or more")
    return max_changes


def _given(max_changes: int | None) -> dict[str, int]:
    # The flow's own default stands where nothing was given.
    return {} if max_changes is None else {"max_changes": max_changes}


def _runs(settings: Settings) -> Runs:
    return Runs(ats_database(settings))


def _show(report: Report, as_json: bool) -> int:
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, console_for_people())
    return report.exit_code


def run_flow(start: Callable[[], Any]) -> str:
    """Run a flow to its end with progress on stderr and return the run's id. Raises what kept the flow from ending.

    A run whose end is on record has ended, whether or not Prefect takes it.
    """

    from prefect.exceptions import FailedRun

    from tasks.parts.progress import RECORDED

    on_record: list[str] = []

    async def run() -> str:
        state = await start()
        ended = await state.aresult(raise_on_failure=False)
        # A run that came to its end and found something wrong says so in its report.
        if isinstance(ended, BaseException) and not isinstance(ended, FailedRun):
            raise ended
        return str(state.state_details.flow_run_id)

    with _progress():
        mark = RECORDED.set(on_record.append)
        try:
            return run_until_recorded(run, lambda: next(iter(on_record), None)) or on_record[0]
        finally:
            RECORDED.reset(mark)


@contextmanager
def _progress() -> Iterator[None]:
    from blocks.saving import WAITING
    from tasks.parts.progress import LISTENER, Step

    columns = (SpinnerColumn(), TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True, emoji=False)
    hidden = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=hidden) as bar:
        starting = bar.add_task("starting", total=None)
        stages: dict[str, TaskID] = {}
        totals: Counter[str] = Counter()

        def listen(step: Step) -> None:
            bar.update(starting, visible=False)
            if step.stage not in stages:
                stages[step.stage] = bar.add_task(_STAGES[step.stage], total=step.total)
            if not step.done:
                # It begins anew with each shard.
                totals[step.stage] += step.total
                bar.update(stages[step.stage], total=totals[step.stage])
            bar.advance(stages[step.stage], step.done)

        mark = LISTENER.set(listen)
        waiting = WAITING.set(lambda words: console.print(plain(words), soft_wrap=True))
        try:
            yield
        finally:
            WAITING.reset(waiting)
            LISTENER.reset(mark)
