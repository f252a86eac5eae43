"""The portal's side of the task worker: rings for it once a request is stored."""

import asyncio
import logging

from tasks.realtime.requested import enable_requested

#: The wait before a ring that did not reach Prefect is repeated.
RING_AGAIN_AFTER_SECONDS = 5.0
#: A ring takes a twentieth of that. Of one that takes longer Prefect's server has said that it is busy, and its client
#: waits for two seconds, then four, before it asks again: another ring is faster.
RING_SECONDS = 0.5
#: Rings on their way at once, each of which takes a thread.
MOST_RINGS = 3

_log = logging.getLogger("greenlight.bell")


class WorkerNotifier:
    """Rings for the task worker. However often `ring` is called, few rings are on their way."""

    def __init__(self) -> None:
        self._wanted = asyncio.Event()
        self._under_way = set[asyncio.Task[object]]()

    def ring(self) -> None:
        """Never waits and never fails: what is to be done is on record already. Call it on its event loop."""
        self._wanted.set()

    async def run(self) -> None:
        """Pass rings on to Prefect until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._pass_on()
            except Exception as error:
                _log.warning("the task worker could not be rung (%s); trying again", type(error).__name__)
                self._wanted.set()
                await asyncio.sleep(RING_AGAIN_AFTER_SECONDS)

    async def _pass_on(self) -> None:
        """Return once a ring that was begun here has reached Prefect; one of before may have come too early."""
        ours = set[asyncio.Task[object]]()
        while True:
            if may_ring := len(self._under_way) < MOST_RINGS:
                # Prefect submits from a loop of its own, which must not be waited for on this one.
                ring = asyncio.create_task(asyncio.to_thread(enable_requested.delay))
                ours.add(ring)
                self._under_way.add(ring)
                ring.add_done_callback(self._end)
            limit = RING_SECONDS if may_ring else None
            ended, _ = await asyncio.wait(self._under_way, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            for ring in ended & ours:
                ring.result()
                return

    def _end(self, ring: "asyncio.Task[object]") -> None:
        self._under_way.discard(ring)
        if not ring.cancelled():
            # Also of one that nobody waits for any more, so that asyncio does not tell of it.
            ring.exception()
