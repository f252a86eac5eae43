"""How many blocks are written at once: several where Prefect's server can take them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: Writers at once, until one of them shows that they are too many.
MOST = 4
#: Seconds of a write that was refused and repeated by Prefect's client, which waits two before it does that.
_REPEATED = 1.5


class Writers:
    """So many at once; one alone once two writes took that long: one may be anybody's hiccup.

    Prefect's server on SQLite answers several writers with lock errors, and each of those costs its writer seconds.
    What a server keeps its data in, it does not say.
    """

    def __init__(self, most: int = MOST) -> None:
        self._gate, self._places, self._repeated = asyncio.Semaphore(most), most, 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Within this, one block is written."""
        await self._gate.acquire()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            yield
        finally:
            self._repeated += loop.time() - began > _REPEATED
            if self._repeated > 1 and self._places > 1:
                # Whoever leaves takes its place along, until there is one.
                self._places -= 1
            else:
                self._gate.release()
