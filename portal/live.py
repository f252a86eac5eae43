"""The portal as it runs: with a bell that reaches the task worker."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from greenlight.ats.database import Database
from greenlight.settings import Settings
from portal.app import create_app
from tasks.bell import Bell


def create_portal(settings: Settings, database: Database, keys: Sequence[str]) -> FastAPI:
    """The portal's application. `keys` sign links, the newest last."""
    bell = Bell()

    @asynccontextmanager
    async def ringing(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(bell.run(), name="bell")
        # Requests may have been stored while nobody was there to ring.
        bell.ring()
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return create_app(settings, database, keys, ring=bell.ring, lifespan=ringing)
