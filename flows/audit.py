"""Look again at what is enabled, a window of customers each time, so that nothing that LinkedIn undoes stays unseen."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.fields import Window
from flows.request import AuditRequest, checked
from flows.verdict import audited_state, refusing
from greenlight.ats.runs import RunTarget
from greenlight.domain.budget import Lane
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.settings import load_settings
from tasks.parts.session import now, planning_session
from tasks.sequences.look_plan_enable import look_for_drift
from tasks.telling.artifacts import publish_outcome


@flow(name="audit", flow_run_name="audit: enabled customers", persist_result=False, validate_parameters=False)
@refusing
async def audit(customers_per_run: Window = 500) -> State[None]:
    """Verify the enabled integrations of the customers that were not looked at for longest; enable nothing.

    Args:
        customers_per_run: How many customers to look at, like 500, longest unseen first; each is one request.
    """
    request = checked(AuditRequest, customers_per_run=customers_per_run)
    async with planning_session(load_settings(), Lane.NIGHTLY) as session:
        customers = await asyncio.to_thread(session.store.longest_unseen, request.customers_per_run)
        if not customers:
            return audited_state(None, [])
        scope = RunTarget(Selection(customers=tuple(customers)))
        run_id = str(flow_run.id)
        ids = await asyncio.to_thread(session.runs.ids, scope)
        await asyncio.to_thread(session.runs.start, run_id, Command.AUDIT, scope, now())

        drifted = await look_for_drift(run_id, ids)

        report = await asyncio.to_thread(session.runs.finish, run_id, session.sent(), now())
        await publish_outcome(report)
        return audited_state(report, drifted, session.crashes)
