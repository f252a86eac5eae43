"""Look at the wanted integrations, in chunks of customers."""

import asyncio
from collections.abc import Sequence

from prefect import task
from prefect.client.schemas.objects import State

from greenlight.reconcile.observe import Pace, Purpose, look_order
from tasks.parts.beside import beside
from tasks.parts.chunks import LOOK_CHUNKS_AT_ONCE, look_chunks, run_chunks
from tasks.parts.resources import current_resources
from tasks.parts.retries import RECORDING, end_of_try


@task(name="look", task_run_name="{purpose}: {label}", **RECORDING)
async def look(run_id: str, purpose: Purpose, pace: Pace, ids: Sequence[int], label: str) -> State[None]:
    """Look at a chunk of integrations, a request per customer, and record what was seen."""
    resources = current_resources()
    remaining = await resources.observer.look(run_id, purpose, ids, pace)
    return await end_of_try(len(ids), remaining, resources.settings)


async def look_at_all(
    run_id: str,
    purpose: Purpose,
    ids: Sequence[int],
    *,
    pace: Pace = Pace.FULL,
    customers_per_look: int = 0,
) -> None:
    """Look at all of these, most urgent first; what does not come through after all retries is on record.

    A task run takes so many `customers_per_look` at least, if there are.
    """
    resources = current_resources()
    wanted = look_order(await asyncio.to_thread(resources.store.wanted, ids))
    chunks = look_chunks(wanted, customers_per_look)
    width = 1 if pace is Pace.IN_ORDER else LOOK_CHUNKS_AT_ONCE
    # What a chunk asks for is there by then.
    async with beside(resources.observer.read_ahead(wanted if len(chunks) > 1 else ())):
        crashes = await run_chunks(look, (run_id, purpose, pace), chunks, purpose, width, resources.settings)
    resources.crashes.extend(crashes)
