"""What Prefect only shows decides nothing: it is told with best effort, and a run goes on where it takes nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: The longest that a run stays for one thing that Prefect is to show.
SHOWING_SECONDS = 30.0

_log = logging.getLogger("greenlight.window")


@asynccontextmanager
async def best_effort(what: str) -> AsyncIterator[None]:
    """Within this Prefect is told only what it shows; where it does not answer, that is said, and no more."""
    try:
        async with asyncio.timeout(SHOWING_SECONDS):
            yield
    except Exception as error:
        _log.warning("Prefect does not take %s (%s); all of it is in the ATS database", what, type(error).__name__)
