"""Put on record that a plan may be applied: who says so, and until when."""

import asyncio
from datetime import timedelta

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.request import ApproveRequest, approve_name
from flows.verdict import REFUSALS, refused_state
from greenlight.settings import load_settings
from tasks.session import now, planning_session


@flow(name="approve", flow_run_name=approve_name, persist_result=False)
async def approve(request: ApproveRequest) -> State[None]:
    """Approve a stored plan. It can then be applied once, by its id, until the approval ends.

    Args:
        request: The plan, and who approves it.
    """
    async with planning_session(load_settings()) as session:
        lasts = timedelta(hours=request.hours)
        try:
            approved = await asyncio.to_thread(
                session.plans.approve, request.plan_id, request.approved_by, now(), lasts
            )
        except REFUSALS as refused:
            return refused_state(refused)
        until = f"{approved.expires_at:%Y-%m-%d %H:%M:%SZ}"
        message = f"Plan {request.plan_id} is approved by {approved.approved_by} until {until}"
        return Completed(name="Approved", message=message)
