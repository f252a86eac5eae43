"""At most one run at a customer at a time: wait a moment for another run, then say who it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from greenlight.ats.leases import LEASE, Holder, Lease, Leases
from greenlight.ats.waiting import DatabaseUnavailable

_P = ParamSpec("_P")
_Done = TypeVar("_Done")

#: Waits for another run, which is at a customer for a request or two; 5 s in all.
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.75, 1.0, 1.0, 1.5)
#: Seconds between renewals: two may be lost.
RENEW_EVERY = LEASE.total_seconds() / 3


class Busy(Exception):
    """Another run kept the customer. `wait` is the seconds until it has gone, or has died."""

    def __init__(self, holder: Holder, now: datetime) -> None:
        super().__init__(f"{holder.words} is at it")
        self.wait = max(0.0, (holder.until - now + timedelta(seconds=0.1)).total_seconds())


class CustomerLeases:
    """One run's customers. Steps of the same run take turns in memory, those of other runs by lease."""

    def __init__(
        self,
        leases: Leases,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        sync: Callable[[], None] = lambda: None,
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._sleep = sleep
        #: Sets the clock by the database's.
        self._sync = sync
        self._turns: dict[str, asyncio.Lock] = {}
        #: Whom this run waited for, by customer.
        self.waited: dict[str, str] = {}

    @property
    def owner(self) -> str:
        return self._leases.owner

    @asynccontextmanager
    async def holding(self, customer_id: str, run_id: str) -> AsyncIterator[None]:
        """Have a customer to ourselves. Raises Busy."""
        async with self._turns.setdefault(customer_id, asyncio.Lock()):
            await self._take(customer_id, run_id)
            try:
                yield
            finally:
                await self._leases.writer.join(self._leases.release_all, customer_id, stays=True)

    async def _take(self, customer_id: str, run_id: str) -> None:
        for pause in (*PAUSES, None):
            now = self._clock()
            holder = await self._leases.writer.join(self._leases.take_all, Lease(customer_id, run_id, now))
            if holder is None:
                return
            self.waited[customer_id] = holder.words
            if pause is None:
                raise Busy(holder, now)
            await self._sleep(pause)

    async def renew(self) -> None:
        """Renew until cancelled what this run holds: a request may take longer than a lease."""
        while True:
            await self._sleep(RENEW_EVERY)
            # The next renewal may come through, and an enable asks for its lease before it is sent.
            with suppress(SQLAlchemyError, DatabaseUnavailable):
                await to_its_end(self._sync)
                await to_its_end(self._leases.renew, self._clock())


async def to_its_end(act: Callable[_P, _Done], *args: _P.args, **kwargs: _P.kwargs) -> _Done:
    """In a thread, also where this is cancelled: the database is closed next, and not beneath one that works there."""
    work = asyncio.create_task(asyncio.to_thread(act, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
