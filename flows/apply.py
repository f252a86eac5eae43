"""Apply one stored plan, exactly as it was approved. Enabling cannot be undone."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.fields import Applier, PlanId
from flows.reconcile import look_and_enable
from flows.request import ApplyRequest, checked, named_after
from flows.verdict import refusing
from greenlight.ats.runs import RunTarget
from greenlight.domain.budget import Lane
from greenlight.domain.selection import Selection
from greenlight.settings import load_settings
from tasks.parts.resources import enabling_resources, now


@flow(name="apply", flow_run_name=named_after(ApplyRequest), persist_result=False, validate_parameters=False)
@refusing
async def apply(plan_id: PlanId, applied_by: Applier = "") -> State[None]:
    """Enable exactly what an approved plan enables, and nothing else, once.

    Args:
        plan_id: Id of an approved plan, as its artifact reconcile-plan shows it beside all that it enables.
        applied_by: Your name, like Ada Lovelace; needed only where a plan must not be applied by who approved it.
    """
    request = checked(ApplyRequest, plan_id=plan_id, applied_by=applied_by)
    settings = load_settings()
    async with enabling_resources(settings, Lane.OPERATOR) as resources:
        run_id, by = str(flow_run.id), {"applied_by": request.applied_by, "approvers": settings.approvers}
        named = await asyncio.to_thread(resources.plans.use, request.plan_id, run_id, now(), **by)
        # Its own cap went into it when it was made.
        cap = len(await asyncio.to_thread(resources.plans.enables, request.plan_id))
        scope = RunTarget(Selection(), request.plan_id)
        return await look_and_enable(resources, scope, request, named, cap)
