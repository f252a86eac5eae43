"""Put on record that a plan may be applied: who says so, and until when."""

import asyncio
from datetime import timedelta

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.request import Approver, ApproveRequest, Count, Hours, Name, checked, named_after
from flows.verdict import refusing
from greenlight.settings import load_settings
from tasks.parts.session import now, planning_session


@flow(name="approve", flow_run_name=named_after(ApproveRequest), persist_result=False, validate_parameters=False)
@refusing
async def approve(plan_id: Name, approved_by: Approver, hours: Hours = 24, enables: Count = None) -> State[None]:
    """Approve a stored plan. It can then be applied once, by its id, until the approval ends.

    Args:
        plan_id: The plan to approve; its artifact shows what it enables.
        approved_by: Who approves it.
        hours: For how long the approval holds.
        enables: How many integrations the plan enables; needed where they are more than its artifacts can show.
    """
    request = checked(ApproveRequest, plan_id=plan_id, approved_by=approved_by, hours=hours, enables=enables)
    async with planning_session(load_settings()) as session:
        lasts = timedelta(hours=request.hours)
        approved = await asyncio.to_thread(
            session.plans.approve, request.plan_id, request.approved_by, now(), lasts, enables=request.enables
        )
        until = f"{approved.expires_at:%Y-%m-%d %H:%M:%SZ}"
        message = (
            f"Plan {request.plan_id}, which enables {approved.enables}, is approved by {approved.approved_by} "
            f"until {until}"
        )
        return Completed(name="Approved", message=message)
