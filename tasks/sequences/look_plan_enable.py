"""What every run that enables has in common, by whatever it was started: look, plan, enable, look again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from prefect.logging import get_run_logger

from greenlight.domain.budget import Lane
from greenlight.domain.report import first_ten
from greenlight.domain.shards import Stage
from greenlight.domain.tripwires import scheduled_cap
from greenlight.reconcile.observe import Pace, Purpose
from tasks.observe import look_at_all
from tasks.parts.arguments import as_it_is
from tasks.parts.plan_made import PlanMade
from tasks.parts.resources import current_resources, now
from tasks.plan import make_plan
from tasks.sequences.shards import in_shards
from tasks.sequences.stages import confirm, enable_and_look
from tasks.telling.outbox import announce_owed

#: Requests that an integration may take: a look, an enable, and a look after it.
SCARCE = 3


async def look(run_id: str, ids: Sequence[int]) -> None:
    """Look at these integrations."""
    resources = current_resources()
    left = await resources.budget.left()
    if left is not None and left < len(await asyncio.to_thread(resources.facts.customers, ids)):
        get_run_logger().warning("At most %s requests are left today, so not every customer is looked at", left)
    if left is not None and left < SCARCE * len(ids):
        # Chunks side by side, or shards, would spend what is scarce out of order.
        await look_at_all(run_id, Purpose.OBSERVE, ids, pace=Pace.IN_ORDER)
    else:
        await in_shards(Stage.LOOK, run_id, ids)


async def look_and_plan(
    run_id: str,
    ids: Sequence[int],
    since: datetime,
    max_changes: int,
    *,
    named: Sequence[str] = (),
    approved: str | None = None,
    wanted: int | None = None,
) -> PlanMade:
    """Look at these integrations and plan what to enable. `named` are the customers that a person named.

    With the id of an approved plan, what no longer is what was approved is left out. `wanted` counts what the run is
    about besides these as well: a scheduled run looks at a share of it.
    """
    resources = current_resources()
    scheduled = resources.lane is Lane.NIGHTLY
    # What turned empty on one day is seen to be so over as many days as it takes to look at all.
    within = timedelta(days=resources.settings.recheck_days)
    # A schedule's parameters are no person's word.
    by_a_person = frozenset(named) if not scheduled else frozenset[str]()
    # Naming a customer by hand is a person's word, also for what LinkedIn confirmed long ago and still does not show.
    insisted = by_a_person if resources.lane is Lane.OPERATOR else frozenset[str]()
    if resources.enabling is not None:
        resources.enabling.insisted = insisted
        if by_a_person:
            await asyncio.to_thread(resources.warrants.person_names, sorted(by_a_person), run_id, now())
    await look(run_id, ids)
    began = since if scheduled else None
    if await asyncio.to_thread(resources.holds.review, ids, resources.lane, now(), night_since=began, within=within):
        # A night may last hours, and may not come to its end.
        await announce_owed(resources.announcements)
    facts = await asyncio.to_thread(resources.facts.facts, ids, run_id, now(), named=by_a_person)
    cap = scheduled_cap(max_changes, len(ids) if wanted is None else wanted) if scheduled else max_changes
    return await make_plan(as_it_is(ids), since, cap, as_it_is(facts), approved, insisted)


async def enable_and_confirm(
    run_id: str, ids: Sequence[int], not_shown: Sequence[int] = (), *, settle: bool = True
) -> None:
    """Enable these integrations, then look again at what LinkedIn confirmed and at what is in doubt.

    Of `not_shown`, which it confirmed before, what it confirmed to another run a moment ago is looked at as well.

    What is in doubt is waited for together, once, until all that may still land has landed; what had no effect then is
    tried once more. Unless it is to `settle`: then that is left to who comes after it.
    """
    await in_shards(Stage.ENABLE, run_id, ids)
    if not_shown:
        await confirm(run_id, not_shown)
    if settle and await _settle(run_id, ids):
        await enable_and_look(run_id, ids)


async def _settle(run_id: str, ids: Sequence[int]) -> bool:
    """Wait for what is in doubt and look at it; whether anything was."""
    resources = current_resources()
    doubtful = await asyncio.to_thread(resources.attempts.in_doubt, ids)
    if not doubtful:
        return False
    wait = max(0.0, (max(doubtful.values()) - now()).total_seconds())
    get_run_logger().info("%s enables are in doubt: they are looked at in %.0f s", len(doubtful), wait)
    await asyncio.sleep(wait)
    await look_at_all(run_id, Purpose.SETTLE, [id for id in ids if id in doubtful])
    return True


def say_waits() -> None:
    """Log which other runs this one waited for, at whose customers."""
    waited = current_resources().leases.waited
    if waited:
        named = first_ten([f"{customer} ({holder})" for customer, holder in waited.items()])
        get_run_logger().info("Waited for other runs at %s", named)
