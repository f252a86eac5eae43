"""Look, compare, and store what would be enabled. This flow has no object that could enable anything."""

import asyncio
from collections.abc import Sequence

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.fields import DEFAULT_MAX_CHANGES, MaxChanges, Names, Types
from flows.request import PlanRequest, checked, named_after
from flows.verdict import final_state, refusing
from greenlight.ats.runs import RunTarget
from greenlight.domain.report import Command
from greenlight.settings import load_settings
from tasks.parts.arguments import as_it_is
from tasks.parts.progress import recorded
from tasks.parts.resources import RunResources, now, planning_resources
from tasks.plan import store_plan
from tasks.sequences.look_plan_enable import look_and_plan, say_waits
from tasks.sequences.shards import helped
from tasks.sync import sync_with_source
from tasks.telling.artifacts import publish_outcome, publish_plan


@flow(name="plan", flow_run_name=named_after(PlanRequest), persist_result=False, validate_parameters=False)
@refusing
async def plan(
    customers: Names = (),
    except_customers: Names = (),
    types: Types = (),
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES,
) -> State[None]:
    """Verify, compare and store a plan; enable nothing.

    Args:
        customers: Only these customers; none means all.
        except_customers: All but these customers.
        types: Only these integration types; none means all.
        max_changes: The most enables that one run may make; the rest is held.
    """
    request = checked(
        PlanRequest, customers=customers, except_customers=except_customers, types=types, max_changes=max_changes
    )
    async with planning_resources(load_settings()) as resources:
        return await look_and_store(resources, request, request.selection.customers)


async def look_and_store(resources: RunResources, request: PlanRequest, named: Sequence[str]) -> State[None]:
    """Verify, compare and store a plan in this flow run. `named` are the customers that a person named for it."""
    get_run_logger().info("The same again: %s", request.command())
    run_id, scope = str(flow_run.id), RunTarget(request.selection)
    await sync_with_source(run_id)
    ids = await asyncio.to_thread(resources.runs.ids, scope)
    since = await asyncio.to_thread(resources.runs.start, run_id, Command.PLAN, scope, now(), resources.lane)

    async with helped(run_id):
        made = await look_and_plan(run_id, ids, since, request.max_changes, named=named)
    plan_id = await store_plan(as_it_is(made), request.selection, named)
    await publish_plan(as_it_is(made), plan_id, applying=False)
    say_waits()

    report = await asyncio.to_thread(resources.runs.finish, run_id, resources.sent(), now(), plan_id=plan_id)
    recorded(run_id)
    await publish_outcome(as_it_is(report))
    return final_state(report, resources.crashes)
