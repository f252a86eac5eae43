"""Enable what the plan says, one request per integration."""

import asyncio
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_

from prefect import task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger

from greenlight.ats.wanted import Wanted
from greenlight.domain.budget import Lane
from greenlight.linkedin.errors import clean
from greenlight.reconcile.observe import WorkLeft
from tasks.parts.chunks import (
    ENABLE_TASKS_OF_A_TURN,
    MAX_ENABLE_TASKS,
    Chunk,
    enable_chunks,
    enabled_at_once,
    run_chunks,
)
from tasks.parts.resources import current_resources
from tasks.parts.retries import RECORDING, end_of_try, is_last_try


@task(name="enable", task_run_name="enable: {label}", **RECORDING)
async def enable(run_id: str, ids: Sequence[int], label: str) -> State[None]:
    """Enable those of these integrations that this run is not done with. Enabling cannot be undone."""
    resources = current_resources()
    if resources.enabling is None:
        raise RuntimeError("a planning resources cannot enable")
    still = await asyncio.to_thread(resources.attempts.still_to_enable, ids, run_id)
    ends: list[WorkLeft] = []
    accidents: list[Exception] = []
    enabling = resources.enabling

    async def one(wanted: Wanted) -> None:
        try:
            ends.append(await enabling.enable(run_id, wanted))
        except Exception as error:
            # One integration's accident stays its own; what was sent is on record, and the next try looks first.
            accidents.append(error)
            ends.append(WorkLeft(1))
            who = clean(wanted.item.customer_id)
            get_run_logger().warning("%s: an enable ended in %s", who, type(error).__name__)

    async with asyncio.TaskGroup() as group:
        for wanted in still:
            group.create_task(one(wanted))
    if accidents and is_last_try(resources.settings):
        raise accidents[0]
    return await end_of_try(len(ids), reduce(or_, ends, WorkLeft()), resources.settings)


async def enable_all(
    run_id: str, ids: Sequence[int], most_tasks: int = MAX_ENABLE_TASKS, ended: Callable[[Chunk], None] = lambda _: None
) -> None:
    """Enable all of these; what does not come through after all retries is on record as such.

    Of many, a chunk is of whole customers; whoever wants to is told of each that has `ended`.
    """
    resources = current_resources()
    wanted = await asyncio.to_thread(resources.store.wanted, ids)
    in_a_hurry = resources.lane is Lane.REALTIME
    chunks = enable_chunks(wanted, ENABLE_TASKS_OF_A_TURN if in_a_hurry else most_tasks)
    resources.crashes.extend(
        await run_chunks(
            enable,
            (run_id,),
            chunks,
            "enable",
            enabled_at_once(resources.settings.connections, chunks),
            resources.settings,
            ended,
        )
    )
