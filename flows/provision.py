"""Get customers their child applications (seed step 1)."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.request import Names, ProvisionRequest, checked, named_after
from flows.verdict import REFUSALS, provisioned_state, refused_state
from greenlight.settings import load_settings
from tasks.provision import provision_all, provisioning_session, wait_until_working
from tasks.publish import publish_applications
from tasks.session import now


@flow(name="provision", flow_run_name=named_after(ProvisionRequest), persist_result=False, validate_parameters=False)
async def provision(customers: Names = (), new: dict[str, str] | None = None) -> State[None]:
    """Create or adopt a child application for each customer that has none, and bring drifted ones up to date.

    Args:
        customers: Only these customers, each compared with what LinkedIn has.
        new: Customers to put on record first: name by id.
    """
    try:
        request = checked(ProvisionRequest, customers=customers, new=new or {})
    except REFUSALS as refused:
        return refused_state(refused)
    async with provisioning_session(load_settings(), request.new) as session:
        run_id, applications = str(flow_run.id), session.applications
        named = [*request.customers, *request.new]
        chosen = await asyncio.to_thread(applications.select, named, session.settings.origins)
        scope = request.model_dump(mode="json")
        await asyncio.to_thread(applications.start, run_id, scope, now(), chosen=chosen)

        await provision_all(run_id, chosen, look=bool(request.customers))
        await wait_until_working(run_id)

        report = await asyncio.to_thread(applications.finish, run_id, session.sent(), now())
        await publish_applications(report)
        return provisioned_state(report, session.crashes)
