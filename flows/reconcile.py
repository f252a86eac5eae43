"""Bring what LinkedIn has to what the ATS database wants: look, plan, enable, look again, report."""

import asyncio
from collections.abc import Sequence

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.fields import DEFAULT_MAX_CHANGES, MaxChanges, Names, Types
from flows.persons import refuse_one_alone
from flows.plan import look_and_store
from flows.request import (
    ApplyRequest,
    ReconcileRequest,
    What,
    checked,
    named_after,
)
from flows.verdict import final_state, refusing
from greenlight.ats.runs import RunTarget
from greenlight.domain.budget import Lane
from greenlight.domain.report import Command
from greenlight.settings import load_settings
from tasks.parts.arguments import as_it_is
from tasks.parts.beside import beside
from tasks.parts.plan_made import PlanMade
from tasks.parts.progress import recorded
from tasks.parts.resources import RunResources, enabling_resources, now, planning_resources
from tasks.sequences.look_plan_enable import enable_and_confirm, look_and_plan, say_waits
from tasks.sequences.shards import helped
from tasks.sync import sync_with_source
from tasks.telling.artifacts import publish_outcome, publish_plan
from tasks.telling.best_effort import best_effort
from tasks.telling.fleet_chart import publish_fleet
from tasks.telling.outbox import announcing


@flow(name="reconcile", flow_run_name=named_after(ReconcileRequest), persist_result=False, validate_parameters=False)
@refusing
async def reconcile(
    what: What = What.PLAN,
    customers: Names = (),
    except_customers: Names = (),
    types: Types = (),
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES,
    lane: Lane = Lane.OPERATOR,
) -> State[None]:
    """Plan, or enable what customers have requested, and record what LinkedIn shows. Enabling cannot be undone.

    Args:
        what: Plan looks and stores what would be enabled, and changes nothing. Apply enables it at once: no undoing.
        customers: Ids of the only customers to take, like acme, one a line. Leave it empty for all, also for apply.
        except_customers: Ids of customers to leave out, like acme, one a line.
        types: Only these integration types, like APPLY_WITH_LINKEDIN. Leave it empty for all.
        max_changes: At most so many integrations are enabled, like 200; the rest is held for another run.
        lane: Leave it as it is. Whose share of the day's requests is used; nightly also skips what rests or is not due.
    """
    request = checked(
        ReconcileRequest,
        what=what,
        customers=customers,
        except_customers=except_customers,
        types=types,
        max_changes=max_changes,
        lane=lane,
    )
    settings = load_settings()
    if request.what is What.PLAN:
        # Without any object that could enable.
        async with planning_resources(settings) as resources:
            return await look_and_store(resources, request, request.selection.customers)
    refuse_one_alone(settings)
    async with enabling_resources(settings, request.lane) as resources:
        scope = RunTarget(request.selection)
        return await look_and_enable(resources, scope, request, request.selection.customers, request.max_changes)


async def look_and_enable(
    resources: RunResources,
    scope: RunTarget,
    request: ReconcileRequest | ApplyRequest,
    named: Sequence[str],
    max_changes: int,
) -> State[None]:
    """Look, plan, enable and look again in this flow run. `named` are the customers that a person named for it."""
    get_run_logger().info("The same again: %s", request.command())
    run_id, days = str(flow_run.id), resources.settings.recheck_days
    await sync_with_source(run_id)
    chosen = await asyncio.to_thread(resources.runs.to_look_at, scope, resources.lane, now(), days)
    started = (run_id, Command.APPLY, scope, now(), resources.lane, chosen.next_on)
    since = await asyncio.to_thread(resources.runs.start, *started)

    async with helped(run_id):
        made = await look_and_plan(
            run_id, chosen.ids, since, max_changes, named=named, approved=scope.plan_id, wanted=chosen.wanted
        )
        shown = _show_plan(made, scope.plan_id)
        async with beside(shown) as showing, announcing(resources.announcements):
            await enable_and_confirm(run_id, made.to_enable, made.not_shown)
            await showing
    say_waits()

    report = await asyncio.to_thread(resources.runs.finish, run_id, resources.sent(), now(), chosen=chosen.ids)
    report = report.with_drift(made.items_of(chosen.enabled))
    recorded(run_id)
    told = await asyncio.gather(publish_outcome(as_it_is(report)), publish_fleet(), return_exceptions=True)
    # Only once both have ended: the database is closed next.
    if accidents := [one for one in told if isinstance(one, BaseException)]:
        raise accidents[0]
    return final_state(report, resources.crashes)


async def _show_plan(made: PlanMade, plan_id: str | None) -> None:
    """Nothing waits for it: what is enabled is on record, whatever becomes of the page."""
    async with best_effort("the plan"):
        await publish_plan(as_it_is(made), plan_id, applying=True)
