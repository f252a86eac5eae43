"""Provision customers, one task run each, then wait until their new applications work."""

import asyncio
from collections.abc import Sequence

from prefect import task
from prefect.client.schemas.objects import State

from greenlight.ats.candidates import Candidate
from greenlight.domain.provisioning import Provision
from greenlight.reconcile.observe import WorkLeft
from tasks.parts.chunks import customer_chunks, one_after_another, run_chunks
from tasks.parts.progress import report
from tasks.parts.provisioning_resources import CUSTOMERS_AT_ONCE, current_provisioning
from tasks.parts.retries import RECORDING, end_of_try

#: Waits between two questions whether a new application works; the last one repeats.
_ASK_AGAIN_AFTER = (1.0, 2.0, 5.0, 10.0)
_MADE = (Provision.CREATED, Provision.ADOPTED, Provision.UPDATED, Provision.UNCHANGED, Provision.WAITING)


@task(name="provision", task_run_name="provision: {label}", **RECORDING)
async def provision(run_id: str, look: bool, ids: Sequence[str], label: str) -> State[None]:
    """Get these customers their child applications. At most one each, however often it runs."""
    resources = current_provisioning()

    async def one(customer_id: str) -> WorkLeft:
        async with resources.at_once:
            return await resources.provisioning.provision(run_id, customer_id, look=look)

    remaining = await one_after_another(ids, one)
    return await end_of_try(len(ids), remaining, resources.settings)


async def provision_all(run_id: str, customers: Sequence[str], *, look: bool) -> None:
    """Provision these customers; what does not come through after all retries is on record as such."""
    resources = current_provisioning()
    name = "compare: {label}" if resources.provisioning.only_looks else "provision: {label}"
    called = provision.with_options(task_run_name=name)
    chunks = customer_chunks(customers)
    resources.crashes.extend(
        await run_chunks(called, (run_id, look), chunks, "provision", CUSTOMERS_AT_ONCE, resources.settings)
    )


@task(name="wait", task_run_name="wait until new applications work", **RECORDING)
async def wait_until_working(run_id: str) -> None:
    """Ask for a token for each of this run's applications until LinkedIn gives one, or the time is over."""
    resources = current_provisioning()
    waiting = await asyncio.to_thread(resources.applications.not_working_in, run_id, _MADE)
    total = len(waiting)
    report("wait", 0, total)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + resources.settings.application_ready_seconds
    pauses = iter(_ASK_AGAIN_AFTER)
    while waiting:
        pause = next(pauses, _ASK_AGAIN_AFTER[-1])
        last = loop.time() + pause > deadline

        async def one(entry: tuple[Candidate, Provision], last: bool = last) -> bool:
            async with resources.at_once:
                return await resources.provisioning.check(*entry, last=last)

        async with asyncio.TaskGroup() as group:
            works = [group.create_task(one(entry)) for entry in waiting]
        waiting = [entry for entry, good in zip(waiting, works, strict=True) if not good.result()]
        report("wait", total - len(waiting), total)
        total = len(waiting)
        if last:
            return
        if waiting:
            await asyncio.sleep(pause)
