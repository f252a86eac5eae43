"""Retries are Prefect's: seen in its UI, with the waits of GREENLIGHT_RETRY_DELAYS_SECONDS.

A repeated task reads the database again and does only what is still open.
"""

import asyncio
from typing import Any, TypedDict

from prefect import Task
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run as this_task_run

from greenlight.reconcile.observe import Remaining
from greenlight.settings import Settings


class WorthRepeatingError(Exception):
    """Part of a chunk of work failed in a way that may pass. What failed is on record already."""


async def is_worth_repeating(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """The retry condition: all that is known not to pass by itself, and every defect of ours, is not repeated.

    It has to be a coroutine function: in a plain function on an async task `state.result()` gives a coroutine that
    nobody awaits, no error is seen, and nothing is ever repeated (fact sheet on Prefect, section 2).
    """
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, WorthRepeatingError)


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
    return {
        "retries": len(delays),
        "retry_delay_seconds": list(delays) or [0.0],
        "retry_condition_fn": is_worth_repeating,
    }


async def leave_for_retry(remaining: Remaining, settings: Settings) -> None:
    """End a task's try by raising WorthRepeatingError if something is left that may pass."""
    if not remaining.items:
        return
    if (this_task_run.run_count or 1) <= len(settings.retry_delays_seconds):
        await asyncio.sleep(remaining.wait)
    raise WorthRepeatingError(
        f"{remaining.items} of the integrations did not come through; each one's reason is on record"
    )
