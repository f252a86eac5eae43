"""Retries are Prefect's: seen in its UI, with the waits of GREENLIGHT_RETRY_DELAYS_SECONDS.

A repeated task reads the database again and does only what is still open.
"""

import asyncio
from contextvars import ContextVar
from typing import Any, TypedDict

from prefect import Task
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run as this_task_run
from prefect.states import Completed, Failed

from greenlight.reconcile.observe import WorkLeft
from greenlight.settings import Settings

_WORTH_REPEATING = "WorthRepeating"
#: What lets a chunk of work run beside others of its stage.
SLOT: ContextVar[asyncio.Semaphore | None] = ContextVar("slot", default=None)


def is_worth_repeating(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """The retry condition: only a task that says so is repeated; a defect of ours, an exception, is not.

    The state's name says it. Asking for its exception in a plain function would give a coroutine that nobody awaits:
    no error would be seen, and nothing would ever be repeated (docs/prefect.md#retries).
    """
    return state.name == _WORTH_REPEATING


async def crash_of(state: State[Any]) -> str | None:
    """The type of the exception that ended a task; None for one that came to an end of its own, good or bad."""
    if state.is_completed() or state.name == _WORTH_REPEATING:
        return None
    error = await state.aresult(raise_on_failure=False)
    return type(error).__name__ if isinstance(error, BaseException) else str(state.name)


class Recording(TypedDict):
    """Task options: nothing of what a task is given or returns is written to disk."""

    cache_policy: CachePolicy
    persist_result: bool


RECORDING: Recording = {"cache_policy": NO_CACHE, "persist_result": False}


class Retrying(TypedDict):
    retries: int
    retry_delay_seconds: list[float]
    retry_condition_fn: Any


def retrying(settings: Settings) -> Retrying:
    """Task options for as many retries as the setting has waits."""
    delays = settings.retry_delays_seconds
    # The waits are in `end_of_try`: Prefect's own would keep the slot of the chunk.
    return {
        "retries": len(delays),
        "retry_delay_seconds": [0.0] * max(1, len(delays)),
        "retry_condition_fn": is_worth_repeating,
    }


def is_last_try(settings: Settings) -> bool:
    """Whether this try of the task is not followed by another."""
    return (this_task_run.run_count or 1) > len(settings.retry_delays_seconds)


async def wait_without_slot(seconds: float) -> None:
    """Sleep, and let another chunk have this one's slot meanwhile."""
    slot = SLOT.get()
    if slot is not None:
        slot.release()
    try:
        await asyncio.sleep(seconds)
    finally:
        if slot is not None:
            await slot.acquire()


async def end_of_try(total: int, remaining: WorkLeft, settings: Settings) -> State[None]:
    """The state that ends a try of a task over `total` integrations; failed if something is left that may pass."""
    if not remaining.items:
        return Completed(message=f"{total} done")
    if not is_last_try(settings):
        delay = settings.retry_delays_seconds[(this_task_run.run_count or 1) - 1]
        await wait_without_slot(max(remaining.wait, delay))
    message = f"{remaining.items} of {total} did not come through; the reason of each is in the ATS database"
    return Failed(name=_WORTH_REPEATING, message=message)
