"""The portal's side of the task worker: rings for it once a request is stored."""

import asyncio
import logging

from tasks.realtime.requested import enable_requested

#: The wait before a ring that did not reach Prefect is repeated.
RING_AGAIN_AFTER_SECONDS = 5.0

_log = logging.getLogger("greenlight.bell")


class WorkerNotifier:
    """Rings for the task worker. However often `ring` is called, at most one ring is on its way."""

    def __init__(self) -> None:
        self._wanted = asyncio.Event()

    def ring(self) -> None:
        """Never waits and never fails: what is to be done is on record already. Call it on its event loop."""
        self._wanted.set()

    async def run(self) -> None:
        """Pass rings on to Prefect until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                # Prefect submits from a loop of its own, which must not be waited for on this one.
                await asyncio.to_thread(enable_requested.delay)
            except Exception as error:
                _log.warning("the task worker could not be rung (%s); trying again", type(error).__name__)
                self._wanted.set()
                await asyncio.sleep(RING_AGAIN_AFTER_SECONDS)
