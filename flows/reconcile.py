"""Bring what LinkedIn has to what the ATS database wants: look, plan, enable, look again, report."""

import asyncio

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.plan import look_and_store
from flows.request import ReconcileRequest, What, run_name
from flows.verdict import final_state
from greenlight.ats.runs import Scope
from greenlight.domain.report import Command
from greenlight.reconcile.observe import Purpose
from greenlight.settings import load_settings
from tasks.enable import enable_all
from tasks.observe import look_at_all
from tasks.picture import publish_fleet
from tasks.plan import make_plan
from tasks.publish import publish_outcome, publish_plan
from tasks.session import enabling_session, now, planning_session


@flow(name="reconcile", flow_run_name=run_name, persist_result=False)
async def reconcile(request: ReconcileRequest = ReconcileRequest()) -> State[None]:
    """Enable what customers have requested, and record what LinkedIn shows. Enabling cannot be undone.

    Args:
        request: Whom to reconcile, or which stored plan to apply exactly.
    """
    settings = load_settings()
    if request.what is What.PLAN:
        # A session that has no object that could enable.
        async with planning_session(settings) as session:
            return await look_and_store(session, request)
    async with enabling_session(settings) as session:
        get_run_logger().info("The same again: %s", request.command())
        run_id, scope = str(flow_run.id), Scope(request.selection, request.plan_id)
        ids = await asyncio.to_thread(session.runs.ids, scope)
        if request.plan_id is not None:
            await asyncio.to_thread(session.plans.use, request.plan_id, run_id, now())
        since = await asyncio.to_thread(session.runs.start, run_id, Command.APPLY, scope, now())

        await look_at_all(run_id, Purpose.OBSERVE, ids)
        made = await make_plan(ids, since, request.max_changes, request.plan_id)
        await publish_plan(made, request.command(), request.plan_id)

        await enable_all(run_id, made.to_enable)
        confirmed = await asyncio.to_thread(session.attempts.enabled_in, run_id)
        await look_at_all(run_id, Purpose.CONFIRM, confirmed)

        report = await asyncio.to_thread(session.runs.finish, run_id, session.sent(), now())
        await publish_outcome(report)
        await publish_fleet()
        return final_state(report)
