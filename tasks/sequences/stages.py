"""What a run does of its integrations between its decisions: look at them all, or enable them all and look again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

from greenlight.domain.shards import Stage
from greenlight.reconcile.observe import Purpose
from tasks.enable import enable_all
from tasks.observe import look_at_all
from tasks.parts.chunks import MAX_ENABLE_TASKS
from tasks.parts.resources import current_resources, now

#: Task runs of one shard's enables: a large run has many shards, and Prefect records only so many task runs.
ENABLE_TASKS_OF_A_SHARD = 16


async def look(run_id: str, ids: Sequence[int]) -> None:
    """Look at these integrations."""
    await look_at_all(run_id, Purpose.OBSERVE, ids)


async def enable_and_look(run_id: str, ids: Sequence[int], most_tasks: int = MAX_ENABLE_TASKS) -> None:
    """Enable these integrations, then look again at what LinkedIn confirmed."""
    await enable_all(run_id, ids, most_tasks)
    await confirm(run_id, ids)


async def confirm(run_id: str, ids: Sequence[int]) -> None:
    """Look at what LinkedIn has confirmed of these, to this run or a moment ago to another, and no look shows yet."""
    resources = current_resources()
    lately = now() - timedelta(seconds=resources.settings.settles_in_seconds)
    confirmed = await asyncio.to_thread(resources.attempts.not_shown, ids, run_id, lately)
    await look_at_all(run_id, Purpose.CONFIRM, confirmed)


#: Each as a whole, where the run does it alone.
WHOLE: dict[Stage, Callable[[str, Sequence[int]], Awaitable[None]]] = {
    Stage.LOOK: look,
    Stage.ENABLE: enable_and_look,
}
#: Each for one shard of many.
SHARE = WHOLE | {Stage.ENABLE: partial(enable_and_look, most_tasks=ENABLE_TASKS_OF_A_SHARD)}
