"""At most one run at a customer at a time: wait a moment for another run, then say who it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from greenlight.ats.leases import LEASE, Holder, Lease, Leases
from greenlight.ats.waiting import DatabaseUnavailable
from greenlight.ats.writer import Part

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
        #: The customers at whom a step is that has their lease, or asks for it.
        self.at = set[str]()
        #: Whom this run waited for, by customer.
        self.waited: dict[str, str] = {}

    @property
    def owner(self) -> str:
        return self._leases.owner

    @asynccontextmanager
    async def holding(self, customer_id: str, run_id: str) -> AsyncIterator[None]:
        """Have a customer to ourselves. Raises Busy."""
        async with self.leasing(customer_id, run_id) as lease:
            await lease.begin()
            yield

    @asynccontextmanager
    async def leasing(self, customer_id: str, run_id: str) -> AsyncIterator["CustomerLease"]:
        """It is our step's turn at a customer in this run. The lease that it takes is given back on leaving."""
        async with self._turns.setdefault(customer_id, asyncio.Lock()):
            lease = CustomerLease(self, customer_id, run_id)
            try:
                yield lease
            finally:
                await lease.end()

    async def try_to_take(self, customer_id: str, run_id: str, parts: tuple[Part, ...]) -> list[Any]:
        """Take a customer, and do these in the same transaction. Returns what came of them. Raises Busy."""
        now = self._clock()
        take = Part(self._leases.take_all, Lease(customer_id, run_id, now), _is_none)
        holder, *came = await self._leases.writer.join_all(take, *parts)
        if holder is None:
            return came
        self.waited[customer_id] = holder.words
        raise Busy(holder, now)

    async def take(self, customer_id: str, run_id: str, parts: tuple[Part, ...]) -> list[Any]:
        """As `try_to_take`, and wait for who else is at it."""
        for pause in PAUSES:
            try:
                return await self.try_to_take(customer_id, run_id, parts)
            except Busy:
                await self._sleep(pause)
        return await self.try_to_take(customer_id, run_id, parts)

    async def give_back(self, customer_id: str, last: tuple[Part, ...]) -> None:
        """Give a customer back, and do these in the same transaction; the first also where they fail."""
        back = Part(self._leases.release_all, customer_id)
        try:
            _, *came = await self._leases.writer.join_all(back, *last, stays=True)
        except Exception:
            if last:
                await self._leases.writer.join_all(back, stays=True)
            raise
        for each in came:
            if isinstance(each, Exception):
                raise each

    async def do(self, parts: tuple[Part, ...]) -> list[Any]:
        return await self._leases.writer.join_all(*parts)

    async def renew(self) -> None:
        """Renew until cancelled what this run holds: a request may take longer than a lease."""
        while True:
            await self._sleep(RENEW_EVERY)
            # The next renewal may come through, and an enable asks for its lease before it is sent.
            with suppress(SQLAlchemyError, DatabaseUnavailable):
                await to_its_end(self._sync)
                # Not what could not be given back: it ends by itself.
                await to_its_end(self._leases.renew, [*self.at], self._clock())


class CustomerLease:
    """One step's lease at a customer: each transaction at its begin and at its end carries what else is known then."""

    def __init__(self, leases: CustomerLeases, customer_id: str, run_id: str) -> None:
        self._leases = leases
        self._whom = customer_id, run_id
        self._ours = self._asked = False
        self._last: tuple[Part, ...] = ()

    async def begin(self, *parts: Part, patient: bool = True) -> list[Any]:
        """Have the customer to ourselves, and do these in the same transaction. Returns what came of them.

        Raises Busy where another run has it: at once, or if `patient` after some seconds.
        """
        if self._ours:
            return await self._leases.do(parts) if parts else []
        self._leases.at.add(self._whom[0])
        # Also where this is cancelled: it may have been taken by then.
        self._asked = True
        take = self._leases.take if patient else self._leases.try_to_take
        try:
            came = await take(*self._whom, parts)
        except (Busy, DatabaseUnavailable):
            # What a database took that went away meanwhile ends by itself.
            self._asked = False
            raise
        self._ours = True
        return came

    def end_with(self, *parts: Part) -> None:
        """Do these in the transaction in which the customer is given back."""
        self._last += parts

    async def end(self) -> None:
        self._leases.at.discard(self._whom[0])
        if self._asked or self._last:
            await self._leases.give_back(self._whom[0], self._last)


def _is_none(holder: Holder | None) -> bool:
    return holder is None


async def to_its_end(act: Callable[_P, _Done], *args: _P.args, **kwargs: _P.kwargs) -> _Done:
    """In a thread, also where this is cancelled: the database is closed next, and not beneath one that works there."""
    work = asyncio.create_task(asyncio.to_thread(act, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
