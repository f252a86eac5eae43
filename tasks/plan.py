"""Compare what is wanted with what was seen, and write down what is to be done."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from prefect import task

from greenlight.domain.conditions import CHANGED_SINCE_PLAN
from greenlight.domain.plan import Policy, plan
from greenlight.domain.selection import Selection
from greenlight.domain.tripwires import Facts, tripped
from tasks.parts.plan_made import PlanMade
from tasks.parts.resources import current_resources, now
from tasks.parts.retries import RECORDING


@task(name="plan", task_run_name="plan", **RECORDING)
async def make_plan(
    ids: Sequence[int],
    since: datetime,
    max_changes: int,
    facts: Facts,
    approved: str | None,
    insisted: frozenset[str] = frozenset(),
) -> PlanMade:
    """Plan for these integrations from what was seen since then, and record each one's action and condition.

    What trips a wire is held. With the id of an approved plan, what was approved under another child application is
    left out. What LinkedIn confirmed and does not show is planned again for the customers in `insisted` alone.
    """
    resources = current_resources()
    wanted = await asyncio.to_thread(resources.store.wanted, ids)
    observed = await asyncio.to_thread(resources.store.observed, ids, since, insisted, now())
    observed |= tripped(observed, facts)
    if approved is not None:
        others = await asyncio.to_thread(resources.plans.of_another_application, approved)
        observed |= dict.fromkeys(others, CHANGED_SINCE_PLAN)
    planned = plan([entry.item for entry in wanted], observed, Policy(max_changes))
    entries = tuple(zip((entry.id for entry in wanted), planned, strict=True))
    await asyncio.to_thread(resources.store.record_plan, entries, now(), wanted, since=since)
    return PlanMade(entries)


@task(name="store plan", task_run_name="store plan", **RECORDING)
async def store_plan(made: PlanMade, selection: Selection, named: Sequence[str]) -> str:
    """Store a plan so that it can be applied by its id."""
    resources = current_resources()
    return await asyncio.to_thread(resources.plans.save, made.entries, selection, made.price, now(), named)
