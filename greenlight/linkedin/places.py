"""Places for what may be under way at once, where some of those that wait go before others."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """So many at once. Of those that wait, the urgent ones come first, each kind in the order in which they came."""

    def __init__(self, many: int) -> None:
        self._free = many
        self._urgent, self._others = deque[asyncio.Future[None]](), deque[asyncio.Future[None]]()

    @asynccontextmanager
    async def one(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Within this, a place is ours."""
        if self._free:
            self._free -= 1
        else:
            await self._wait_in(self._urgent if urgent else self._others)
        try:
            yield
        finally:
            self._hand_on()

    async def _wait_in(self, queue: deque[asyncio.Future[None]]) -> None:
        handed = asyncio.get_running_loop().create_future()
        queue.append(handed)
        try:
            await handed
        except asyncio.CancelledError:
            # It may have been handed to us at the same moment.
            if not handed.cancelled():
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        for queue in (self._urgent, self._others):
            while queue:
                handed = queue.popleft()
                # Whoever was cancelled waits no more.
                if not handed.done():
                    handed.set_result(None)
                    return
        self._free += 1
