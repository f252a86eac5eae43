"""Delete what is over for longer than the retention, so that the database levels off."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.verdict import refusing
from greenlight.ats import retention
from greenlight.ats.database import open_database
from greenlight.settings import Settings, load_settings


@flow(name="prune", flow_run_name="prune: old rows", persist_result=False)
@refusing
async def prune() -> State[None]:
    """Delete what is over for GREENLIGHT_RETENTION_DAYS; never what is open, owed, or evidence of an enable."""
    deleted = await asyncio.to_thread(_prune, load_settings())
    counts = ", ".join(f"{count} {table}" for table, count in deleted.items() if count)
    return Completed(name="Pruned", message=f"deleted: {counts or 'nothing'}")


def _prune(settings: Settings) -> dict[str, int]:
    database = open_database(settings.database_url.get_secret_value(), patient=True)
    try:
        return retention.prune(database, settings.retention_days)[1]
    finally:
        database.close()
