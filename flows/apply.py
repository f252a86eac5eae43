"""Apply one stored plan, exactly as it was approved. Enabling cannot be undone."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.reconcile import look_and_enable
from flows.request import ApplyRequest, Name, checked, named_after
from flows.verdict import REFUSALS, refused_state
from greenlight.ats.runs import Scope
from greenlight.domain.budget import Lane
from greenlight.domain.selection import Selection
from greenlight.settings import load_settings
from tasks.session import enabling_session, now


@flow(name="apply", flow_run_name=named_after(ApplyRequest), persist_result=False, validate_parameters=False)
async def apply(plan_id: Name) -> State[None]:
    """Enable exactly what an approved plan enables, and nothing else, once.

    Args:
        plan_id: The approved plan; its artifact shows what it enables.
    """
    try:
        request = checked(ApplyRequest, plan_id=plan_id)
        async with enabling_session(load_settings(), Lane.OPERATOR) as session:
            named = await asyncio.to_thread(session.plans.use, request.plan_id, str(flow_run.id), now())
            # Its own cap went into it when it was made.
            cap = len(await asyncio.to_thread(session.plans.enables, request.plan_id))
            scope = Scope(Selection(), request.plan_id)
            return await look_and_enable(session, scope, request, named, cap)
    except REFUSALS as refused:
        return refused_state(refused)
