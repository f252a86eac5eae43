"""Bring what LinkedIn has to what the ATS database wants: look, plan, enable, look again, report."""

import asyncio
from collections.abc import Sequence

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.plan import look_and_store
from flows.request import ReconcileRequest, What, run_name
from flows.verdict import REFUSALS, final_state, refused_state
from greenlight.ats.runs import Scope
from greenlight.domain.report import Command
from greenlight.settings import load_settings
from tasks.picture import publish_fleet
from tasks.publish import publish_outcome, publish_plan
from tasks.session import enabling_session, now, planning_session
from tasks.steps import enable_and_confirm, look_and_plan, say_waits


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
            return await look_and_store(session, request, request.selection.customers)
    async with enabling_session(settings, request.lane) as session:
        get_run_logger().info("The same again: %s", request.command())
        run_id, scope = str(flow_run.id), Scope(request.selection, request.plan_id)
        try:
            ids = await asyncio.to_thread(session.runs.ids, scope)
            named: Sequence[str] = request.selection.customers
            if request.plan_id is not None:
                named = await asyncio.to_thread(session.plans.use, request.plan_id, run_id, now())
        except REFUSALS as refused:
            return refused_state(refused)
        since = await asyncio.to_thread(session.runs.start, run_id, Command.APPLY, scope, now(), session.lane)

        made, looked = await look_and_plan(
            run_id, ids, since, request.max_changes, named=named, approved=request.plan_id
        )
        await publish_plan(made, request.command(), request.plan_id)
        await enable_and_confirm(run_id, made.to_enable)
        say_waits()

        report = await asyncio.to_thread(session.runs.finish, run_id, session.sent(), now())
        await publish_outcome(report, looked.drifted)
        await publish_fleet()
        return final_state(report, session.crashes)
