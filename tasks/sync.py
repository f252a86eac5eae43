"""Have what is wanted be what the ATS's own source has, before a run looks."""

import asyncio
from threading import Event

from prefect import task
from prefect.logging import get_run_logger

from greenlight.desired.sources import source_of
from greenlight.desired.syncing import sync
from greenlight.domain.desired import DesiredFrom
from tasks.parts.resources import current_resources, now
from tasks.parts.retries import RECORDING


async def sync_with_source(run_id: str) -> None:
    """Sync with the source that the settings name, if they name one; its report is on record with the run's."""
    if current_resources().settings.desired_source is not DesiredFrom.OWN:
        await _sync(run_id)


@task(name="sync", task_run_name="sync with the source", **RECORDING)
async def _sync(run_id: str) -> None:
    resources = current_resources()
    # Made here, since a task's parameters are recorded, and it holds secrets.
    source = source_of(resources.settings)
    if source is None:
        return
    stop = Event()
    work = asyncio.create_task(asyncio.to_thread(sync, source, resources.database, now, run_id, stop.is_set))
    try:
        report = await asyncio.shield(work)
    except asyncio.CancelledError:
        # The database is closed next, and not beneath one that works there.
        stop.set()
        await asyncio.gather(work, return_exceptions=True)
        raise
    say = get_run_logger().warning if report.is_troubled else get_run_logger().info
    say("%s", report.in_words())
