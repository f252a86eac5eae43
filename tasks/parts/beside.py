"""Work that goes on beside a block, and no longer than it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def beside(work: Coroutine[object, object, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Within this the work goes on; what is left when the block ends is cancelled. Raises what the work raises."""
    task = asyncio.create_task(work)
    try:
        yield task
    except BaseException:
        # What ended the block is what is told.
        task.cancel()
        await asyncio.wait([task])
        raise
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
