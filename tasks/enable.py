"""Enable what the plan says, one request per integration."""

import asyncio
from collections.abc import Sequence

from prefect import task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger

from greenlight.linkedin.errors import clean
from greenlight.reconcile.observe import Remaining
from tasks.parts.chunks import enable_chunks, run_chunks
from tasks.parts.retries import RECORDING, end_of_try, is_last_try
from tasks.parts.session import current

#: Enables that are under way side by side.
WIDTH = 16


@task(name="enable", task_run_name="enable: {label}", **RECORDING)
async def enable(run_id: str, ids: Sequence[int], label: str) -> State[None]:
    """Enable those of these integrations that this run is not done with. Enabling cannot be undone."""
    session = current()
    if session.enabling is None:
        raise RuntimeError("a planning session cannot enable")
    still = await asyncio.to_thread(session.attempts.still_to_enable, ids, run_id)
    remaining, accident = Remaining(), None
    for wanted in await asyncio.to_thread(session.store.wanted, still):
        try:
            remaining |= await session.enabling.enable(run_id, wanted)
        except Exception as error:
            # One integration's accident stays its own; what was sent is on record, and the next try looks first.
            accident, remaining = error, remaining | Remaining(1)
            get_run_logger().warning("%s: an enable ended in %s", clean(wanted.item.customer_id), type(error).__name__)
    if accident is not None and is_last_try(session.settings):
        raise accident
    return await end_of_try(len(ids), remaining, session.settings)


async def enable_all(run_id: str, ids: Sequence[int]) -> None:
    """Enable all of these; what does not come through after all retries is on record as such."""
    session = current()
    wanted = await asyncio.to_thread(session.store.wanted, ids)
    session.crashes.extend(
        await run_chunks(enable, (run_id,), enable_chunks(wanted), "enable", WIDTH, session.settings)
    )
