"""Look again at what is enabled, a window of customers each time, so that nothing that LinkedIn undoes stays unseen."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.request import AuditRequest, PlanRequest, Who
from flows.verdict import audited_state
from greenlight.ats.runs import Scope
from greenlight.domain.budget import Lane
from greenlight.domain.report import Command
from greenlight.settings import load_settings
from tasks.publish import publish_outcome
from tasks.session import now, planning_session
from tasks.steps import look


@flow(name="audit", flow_run_name="audit: enabled customers", persist_result=False)
async def audit(request: AuditRequest = AuditRequest()) -> State[None]:
    """Verify the enabled integrations of the customers that were not looked at for longest; enable nothing.

    Args:
        request: How many customers.
    """
    async with planning_session(load_settings(), Lane.NIGHTLY) as session:
        customers = await asyncio.to_thread(session.store.longest_unseen, request.customers_per_run)
        if not customers:
            return audited_state(None, [])
        scope = Scope(PlanRequest(who=Who.SOME, customers=tuple(customers)).selection)
        run_id = str(flow_run.id)
        ids = await asyncio.to_thread(session.runs.ids, scope)
        await asyncio.to_thread(session.runs.start, run_id, Command.AUDIT, scope, now())

        drifted = (await look(run_id, ids)).drifted

        report = await asyncio.to_thread(session.runs.finish, run_id, session.sent(), now())
        await publish_outcome(report, drifted)
        return audited_state(report, drifted, session.crashes)
