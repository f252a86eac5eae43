"""Put on record that a plan may be applied: who says so, and until when."""

import asyncio
from datetime import timedelta

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.fields import Approver, Count, Hours, PlanId
from flows.request import ApproveRequest, checked, named_after
from flows.verdict import refusing
from greenlight.settings import load_settings
from tasks.parts.resources import now, planning_resources


@flow(name="approve", flow_run_name=named_after(ApproveRequest), persist_result=False, validate_parameters=False)
@refusing
async def approve(plan_id: PlanId, approved_by: Approver, hours: Hours = 24, enables: Count = -1) -> State[None]:
    """Approve a stored plan. It can then be applied once, by its id, until the approval ends.

    Args:
        plan_id: Id of the plan, as its artifact reconcile-plan shows it beside all that it enables.
        approved_by: Your name, like Ada Lovelace; it stays on record.
        hours: For how many hours the plan may then be applied, at most 24.
        enables: Leave it at -1; only where a plan enables more than 5,000, how many you have seen that it does.
    """
    request = checked(ApproveRequest, plan_id=plan_id, approved_by=approved_by, hours=hours, enables=enables)
    seen = request.enables if request.enables >= 0 else None
    async with planning_resources(load_settings()) as resources:
        lasts = timedelta(hours=request.hours)
        approved = await asyncio.to_thread(
            resources.plans.approve, request.plan_id, request.approved_by, now(), lasts, enables=seen
        )
        until = f"{approved.expires_at:%Y-%m-%d %H:%M:%SZ}"
        message = (
            f"Plan {request.plan_id}, which enables {approved.enables}, is approved by {approved.approved_by} "
            f"until {until}"
        )
        return Completed(name="Approved", message=message)
