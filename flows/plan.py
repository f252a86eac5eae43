"""Look, compare, and store what would be enabled. This flow has no object that could enable anything."""

import asyncio

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.request import PlanRequest, run_name
from flows.verdict import final_state
from greenlight.ats.runs import Scope
from greenlight.domain.report import Command
from greenlight.reconcile.observe import Purpose
from greenlight.settings import load_settings
from tasks.observe import look_at_all
from tasks.plan import make_plan, store_plan
from tasks.publish import publish_outcome, publish_plan
from tasks.session import Session, now, planning_session


@flow(name="plan", flow_run_name=run_name, persist_result=False)
async def plan(request: PlanRequest = PlanRequest()) -> State[None]:
    """Verify, compare and store a plan; enable nothing.

    Args:
        request: Whom to look at, and how much may be planned.
    """
    async with planning_session(load_settings()) as session:
        return await look_and_store(session, request)


async def look_and_store(session: Session, request: PlanRequest) -> State[None]:
    """Verify, compare and store a plan in this flow run."""
    get_run_logger().info("The same again: %s", request.command())
    run_id, scope = str(flow_run.id), Scope(request.selection)
    ids = await asyncio.to_thread(session.runs.ids, scope)
    since = await asyncio.to_thread(session.runs.start, run_id, Command.PLAN, scope, now())

    await look_at_all(run_id, Purpose.OBSERVE, ids)
    made = await make_plan(ids, since, request.max_changes)
    plan_id = await store_plan(made, request.selection)
    await publish_plan(made, request.command(), plan_id)

    report = await asyncio.to_thread(session.runs.finish, run_id, session.sent(), now(), plan_id=plan_id)
    await publish_outcome(report)
    return final_state(report)
