"""A migration's own steps: existing keys from a file on the worker, and enables in waves that stop at a surprise."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from blocks.child_app import ChildAppBlocks
from greenlight.ats.database import open_database
from greenlight.ats.store import Store
from greenlight.ats.wanted import Wanted, by_customer
from greenlight.domain.conditions import HELD_BY_CAP
from greenlight.domain.plan import Action, Planned
from greenlight.domain.reasons import Outcome
from greenlight.domain.report import first_ten
from greenlight.intake import read_import
from greenlight.settings import Settings
from tasks.parts.plan_made import PlanMade
from tasks.parts.resources import current_resources, now
from tasks.sequences.adopt import adopt
from tasks.sequences.look_plan_enable import enable_and_confirm
from tasks.telling.best_effort import best_effort

#: What an enable must not come to; a customer whose own move it is, is none.
_SURPRISES = frozenset({Outcome.FAILED, Outcome.UNKNOWN, Outcome.HELD, Outcome.NOT_LOOKED_AT})


async def adopt_file(settings: Settings, file: str) -> list[str]:
    """Bring the customers of an import file on this worker in, keys and all; their ids. Raises ImportRefused.

    Not a Prefect task and no flow parameter: only the file's name is one.
    """
    customers = await asyncio.to_thread(read_import, file)
    database = await asyncio.to_thread(open_database, settings.database_url.get_secret_value(), patient=True)
    try:
        await adopt(customers, database, ChildAppBlocks(), now())
    finally:
        database.close()
    return [customer.customer_id for customer in customers]


async def migrated_since(settings: Settings, day: date) -> list[str]:
    """Customers that came with an application of their own on this UTC day or later."""
    database = await asyncio.to_thread(open_database, settings.database_url.get_secret_value(), patient=True)
    try:
        return await asyncio.to_thread(Store(database).imported_since, day)
    finally:
        database.close()


async def enable_in_waves(run_id: str, made: PlanMade, sizes: Sequence[int]) -> str | None:
    """Enable what is planned, a wave of customers at a time, with a look after each.

    Returns why it stopped before the end, if it did; what was not reached is held.
    """
    resources = current_resources()
    wanted = await asyncio.to_thread(resources.store.wanted, made.to_enable)
    waves = list(_waves(wanted, sizes))
    progress, done = None, 0
    async with best_effort("the progress"):
        progress = await acreate_progress_artifact(
            0.0, key="backfill-progress", description=f"{len(wanted)} integrations in {len(waves)} waves."
        )
    for number, wave in enumerate(waves, 1):
        ids = [entry.id for entry in wave]
        await enable_and_confirm(run_id, ids)
        done += len(ids)
        if progress is not None:
            async with best_effort("the progress"):
                await aupdate_progress_artifact(progress, 100 * done / len(wanted))
        ended = await asyncio.to_thread(resources.store.wanted, ids)
        if surprises := [entry for entry in ended if entry.condition.outcome in _SURPRISES]:
            rest = [entry for later in waves[number:] for entry in later]
            held = [(entry.id, Planned(entry.item, Action.NONE, HELD_BY_CAP)) for entry in rest]
            await asyncio.to_thread(resources.store.record_plan, held, now(), rest)
            named = first_ten([f"{entry.item.customer_id} ({entry.condition.reason})" for entry in surprises])
            return f"Stopped after wave {number} of {len(waves)}, {len(rest)} integrations held: {named}"
    return None


def _waves(wanted: Sequence[Wanted], sizes: Sequence[int]) -> Iterator[list[Wanted]]:
    """Whole customers; after the sizes, all the rest."""
    theirs = by_customer(wanted)
    customers = list(theirs)
    for size in [*sizes, len(customers)]:
        some, customers = customers[:size], customers[size:]
        if some:
            yield [entry for customer in some for entry in theirs[customer]]
