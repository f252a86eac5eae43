"""Replace the secrets of child applications (docs/linkedin.md#secret-rotation)."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.fields import Names
from flows.request import RotateRequest, checked, named_after
from flows.verdict import provisioned_state, refusing
from greenlight.domain.rotation import COMMAND, RotationReport
from greenlight.settings import load_settings
from tasks.parts.arguments import as_it_is
from tasks.parts.progress import recorded
from tasks.parts.provisioning_resources import provisioning_resources
from tasks.parts.resources import now
from tasks.rotate import rotate_all
from tasks.telling.artifacts import publish_applications


@flow(name="rotate", flow_run_name=named_after(RotateRequest), persist_result=False, validate_parameters=False)
@refusing
async def rotate(customers: Names = (), all_customers: bool = False) -> State[None]:
    """Give each customer's child application a new secret, keep it, and see that LinkedIn accepts it.

    Args:
        customers: Needed unless the switch below is on: ids of the customers, like acme, one a line.
        all_customers: Every customer whose application was made here; name none above then.
    """
    request = checked(RotateRequest, customers=customers, all_customers=all_customers)
    async with provisioning_resources(load_settings()) as resources:
        run_id, applications = str(flow_run.id), resources.applications
        chosen = await asyncio.to_thread(resources.rotations.select, request.customers)
        scope = request.model_dump(mode="json")
        await asyncio.to_thread(applications.start, run_id, scope, now(), COMMAND, chosen)

        await rotate_all(run_id, chosen)

        ended = await asyncio.to_thread(applications.finish, run_id, resources.sent(), now())
        recorded(run_id)
        report = RotationReport(ended.run_id, ended.items, ended.requests)
        await publish_applications(as_it_is(report), "rotation-outcome")
        return provisioned_state(report, resources.crashes, "Rotated")
