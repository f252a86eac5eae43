"""The portal as it runs: with what rings for the task worker."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from greenlight.ats.clock import DatabaseClock
from greenlight.ats.database import Database, DatabaseUnavailable
from greenlight.settings import Settings
from portal.app import create_app
from tasks.realtime.notifier import WorkerNotifier

#: How often the time is set by the database's.
SYNC_SECONDS = 60.0


def create_portal(settings: Settings, database: Database, keys: Sequence[str]) -> FastAPI:
    """The portal's application, which goes by the database's time. `keys` sign links, the newest last.

    Raises DatabaseUnavailable. Not for the event loop.
    """
    notifier, clock = WorkerNotifier(), DatabaseClock(database)
    clock.sync()

    async def keep_time() -> None:
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            with suppress(SQLAlchemyError, DatabaseUnavailable):
                await asyncio.to_thread(clock.sync)

    @asynccontextmanager
    async def ringing(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(notifier.run(), name="notifier"), asyncio.create_task(keep_time(), name="clock")]
        # Requests may have been stored while nobody was there to ring.
        notifier.ring()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return create_app(settings, database, keys, ring=notifier.ring, clock=clock, lifespan=ringing)
