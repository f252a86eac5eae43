"""Rotate customers' secrets, one task run each."""

from collections.abc import Sequence

from prefect import task
from prefect.client.schemas.objects import State

from tasks.parts.chunks import customer_chunks, one_after_another, run_chunks
from tasks.parts.provisioning_resources import CUSTOMERS_AT_ONCE, current_provisioning
from tasks.parts.retries import RECORDING, end_of_try


@task(name="rotate", task_run_name="rotate: {label}", **RECORDING)
async def rotate(run_id: str, ids: Sequence[str], label: str) -> State[None]:
    """Give these customers' applications new secrets. At most one each, however often it runs."""
    resources = current_provisioning()
    remaining = await one_after_another(ids, lambda customer_id: resources.rotation.rotate(run_id, customer_id))
    return await end_of_try(len(ids), remaining, resources.settings)


async def rotate_all(run_id: str, customers: Sequence[str]) -> None:
    """Rotate these customers' secrets; what does not come through after all retries is on record as such."""
    resources = current_provisioning()
    resources.crashes.extend(
        await run_chunks(rotate, (run_id,), customer_chunks(customers), "rotate", CUSTOMERS_AT_ONCE, resources.settings)
    )
