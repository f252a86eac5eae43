"""What a run does of its integrations between its decisions: look at them all, or enable them all and look again."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from greenlight.domain.shards import Stage
from greenlight.reconcile.observe import Purpose
from tasks.enable import enable_all
from tasks.observe import look_at_all
from tasks.parts.chunks import (
    MANY_CUSTOMERS_PER_LOOK,
    MAX_ENABLE_TASKS,
    MAX_LOOK_TASKS,
    Chunk,
)
from tasks.parts.resources import current_resources, now

#: Enables of one task run in a shard, at least.
ENABLES_PER_TASK_OF_A_SHARD = 16


async def look(run_id: str, ids: Sequence[int]) -> None:
    """Look at these integrations."""
    await look_at_all(run_id, Purpose.OBSERVE, ids)


async def enable_and_look(run_id: str, ids: Sequence[int], most_tasks: int = MAX_ENABLE_TASKS) -> None:
    """Enable these integrations, then look again at what LinkedIn confirmed: of many, while others are enabled."""
    size = max(MANY_CUSTOMERS_PER_LOOK, math.ceil(len(ids) / MAX_LOOK_TASKS))
    # What all applications share goes to enables first.
    meanwhile = len(ids) > size and await current_resources().budget.left() is None
    ended, looks = list[int](), list[asyncio.Task[None]]()

    def note(chunk: Chunk) -> None:
        ended.extend(map(int, chunk.ids))
        if meanwhile and len(ended) >= size:
            looks.append(asyncio.create_task(confirm(run_id, ended.copy(), size)))
            ended.clear()

    try:
        await enable_all(run_id, ids, most_tasks, note)
        looks.append(asyncio.create_task(confirm(run_id, ended)))
        accidents = [one for one in await asyncio.gather(*looks, return_exceptions=True) if one is not None]
        if accidents:
            raise accidents[0]
        if len(looks) > 1:
            # What LinkedIn did not show so early, if there is anything.
            await confirm(run_id, ids)
    finally:
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


async def confirm(run_id: str, ids: Sequence[int], customers_per_look: int = 0) -> None:
    """Look at what LinkedIn has confirmed of these, to this run or a moment ago to another, and no look shows yet."""
    resources = current_resources()
    lately = now() - timedelta(seconds=resources.settings.settles_in_seconds)
    confirmed = await asyncio.to_thread(resources.attempts.not_shown, ids, run_id, lately)
    await look_at_all(run_id, Purpose.CONFIRM, confirmed, customers_per_look=customers_per_look)


async def _share_of_enabling(run_id: str, ids: Sequence[int]) -> None:
    """The same for one shard of many: a large run has many, and Prefect records only so many task runs."""
    await enable_and_look(run_id, ids, math.ceil(len(ids) / ENABLES_PER_TASK_OF_A_SHARD))


#: Each as a whole, where the run does it alone.
WHOLE: dict[Stage, Callable[[str, Sequence[int]], Awaitable[None]]] = {
    Stage.LOOK: look,
    Stage.ENABLE: enable_and_look,
}
#: Each for one shard of many.
SHARE = WHOLE | {Stage.ENABLE: _share_of_enabling}
