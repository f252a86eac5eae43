"""Bring what LinkedIn has to what the ATS database wants: look, plan, enable, look again, report."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.request import ReconcileRequest, run_name
from flows.verdict import final_state
from greenlight.ats.runs import Scope
from greenlight.domain.report import Command
from greenlight.reconcile.observe import Purpose
from greenlight.settings import load_settings
from tasks.enable import enable_all
from tasks.observe import look_at_all
from tasks.plan import make_plan
from tasks.publish import publish_outcome, publish_plan
from tasks.session import enabling_session, now


@flow(name="reconcile", flow_run_name=run_name, persist_result=False)
async def reconcile(request: ReconcileRequest = ReconcileRequest()) -> State[None]:  # noqa: B008 - frozen
    """Enable what customers have requested, and record what LinkedIn shows. Enabling cannot be undone.

    Args:
        request: Whom to reconcile, or which stored plan to apply exactly.
    """
    async with enabling_session(load_settings()) as session:
        run_id, scope = str(flow_run.id), Scope(request.selection, request.plan_id)
        ids = await asyncio.to_thread(session.runs.ids, scope)
        since = await asyncio.to_thread(session.runs.start, run_id, Command.APPLY, scope, now())

        await look_at_all(run_id, Purpose.OBSERVE, ids)
        made = await make_plan(ids, since, request.max_changes)
        await publish_plan(made)

        await enable_all(run_id, made.to_enable)
        confirmed = await asyncio.to_thread(session.attempts.enabled_in, run_id)
        await look_at_all(run_id, Purpose.CONFIRM, confirmed)

        report = await asyncio.to_thread(session.runs.finish, run_id, session.sent(), now())
        await publish_outcome(report)
        return final_state(report)
