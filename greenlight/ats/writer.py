"""Group commit: work that comes while a transaction is under way goes into the next one, together.

So a hundred items that are under way side by side cost few transactions and few hops into threads, while each waits
for its own line to be durable. The unit of failure stays the item: where anything of a transaction fails, nothing of
it is kept, and each of its units is done again alone.
"""

import asyncio
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from greenlight.ats.waiting import only_reads, patiently

if TYPE_CHECKING:
    from greenlight.ats.database import Database

#: Units that come within so many seconds and after which more of them are waited for, so long: a commit costs more.
BUSY_UNITS, BUSY_SECONDS = 16, 0.05
GATHER_SECONDS = 0.004

_P = ParamSpec("_P")
_Asked = TypeVar("_Asked")
_Done = TypeVar("_Done")


@dataclass(slots=True, eq=False)
class _Unit:
    """One thing to be done for somebody who waits for it. What has the same `act` is done in one go.

    `stays` is what is done even where nobody waits for it any more.
    """

    act: Callable[[Sequence[Any]], Sequence[Any]]
    asked: Any
    name: str
    stays: bool
    #: Whether it writes nothing.
    reads: bool
    waiting: asyncio.Future[Any]
    outcome: Any = None


class Writer:
    """Does the database work of one event loop's coroutines. An outcome that is an exception is raised to who asked."""

    def __init__(self, database: "Database") -> None:
        # Whoever asks has it; held in a circle, its connections would be left to the garbage collector.
        self._database: Database = weakref.proxy(database)
        self._units: list[_Unit] = []
        self._work: asyncio.Task[None] | None = None
        self._alone: set[asyncio.Task[None]] = set()
        #: When the newest units came, by the loop's clock.
        self._came: deque[float] = deque(maxlen=BUSY_UNITS)

    async def do(self, act: Callable[_P, _Done], *args: _P.args, **kwargs: _P.kwargs) -> _Done:
        """Run one unit of work of a store of this database, also where who asks is cancelled meanwhile."""
        return await self._ask(lambda _: [act(*args, **kwargs)], None, act.__qualname__, True, only_reads(act))

    async def join(
        self, act: Callable[[Sequence[_Asked]], Sequence[_Done | Exception]], asked: _Asked, *, stays: bool = False
    ) -> _Done:
        """Have this done with whatever else is asked of `act` meanwhile; `act` answers in the order of what is asked.

        `act` is one unit of work as well. It is not begun for who is cancelled before, unless it `stays` to be done.
        """
        return await self._ask(act, asked, act.__qualname__, stays, only_reads(act))

    async def settled(self) -> None:
        """Wait until nothing is under way any more: a database is not closed beneath it."""
        while under_way := [task for task in (self._work, *self._alone) if task is not None and not task.done()]:
            await asyncio.wait(under_way)

    async def _ask(
        self, act: Callable[[Sequence[Any]], Sequence[Any]], asked: Any, name: str, stays: bool, reads: bool
    ) -> Any:
        loop = asyncio.get_running_loop()
        unit = _Unit(act, asked, name, stays, reads, loop.create_future())
        self._units.append(unit)
        self._came.append(loop.time())
        if self._work is None or self._work.done():
            # A task of its own: whoever asked may be cancelled, and what others asked is in it as well.
            self._work = asyncio.create_task(self._until_done())
        return await unit.waiting

    async def _until_done(self) -> None:
        units: list[_Unit] = []
        try:
            while self._units:
                # Those that are ready in this round of the loop come along, and where many come, the next ones.
                await asyncio.sleep(GATHER_SECONDS if self._is_busy() else 0)
                units, self._units = _wanted(self._units), []
                if await asyncio.to_thread(self._together, units):
                    for unit in units:
                        _tell(unit)
                else:
                    # Side by side, so that one that has to wait for the database keeps no other.
                    for unit in units:
                        self._alone.add(task := asyncio.create_task(self._by_itself(unit)))
                        task.add_done_callback(self._alone.discard)
        except Exception as error:
            # No thread is to be had, say: nobody is to wait for ever.
            for unit in (*units, *self._units):
                unit.outcome = RuntimeError(f"{type(error).__name__}: {error}")
                _tell(unit)
            self._units = []
        except asyncio.CancelledError:
            left, self._units = _wanted(self._units), []
            for unit in (*units, *left):
                unit.waiting.cancel()
            if left := [unit for unit in left if unit.stays]:
                # The loop is ending and waits for its threads alone: what was known is still written.
                asyncio.get_running_loop().run_in_executor(None, self._together, left)
            raise

    def _is_busy(self) -> bool:
        many = len(self._came) == BUSY_UNITS
        return many and asyncio.get_running_loop().time() - self._came[0] < BUSY_SECONDS

    def _together(self, units: Sequence[_Unit]) -> bool:
        """Whether all of these are done, what writes in one transaction; else nothing is written."""
        try:
            for reads in (True, False):
                self._in_one([unit for unit in units if unit.reads is reads], reads)
        except Exception:
            # Whose it was shows when each is done alone.
            return False
        return True

    def _in_one(self, units: Sequence[_Unit], reads: bool) -> None:
        if not units:
            return
        with self._database.together(write=not reads) as done:
            # In one order, as everybody takes rows.
            for some in _alike(units):
                for unit, outcome in zip(some, some[0].act([unit.asked for unit in some]), strict=True):
                    unit.outcome = outcome
                done()

    async def _by_itself(self, unit: _Unit) -> None:
        try:
            if unit.reads:
                await asyncio.to_thread(patiently, partial(self._in_one, [unit], True))
            else:
                (unit.outcome,) = await asyncio.to_thread(unit.act, [unit.asked])
        except Exception as error:
            unit.outcome = error
        _tell(unit)


def _wanted(units: Sequence[_Unit]) -> list[_Unit]:
    return [unit for unit in units if unit.stays or not unit.waiting.done()]


def _alike(units: Sequence[_Unit]) -> list[list[_Unit]]:
    """Those with the same act together, in the order of their names."""
    found: dict[Any, list[_Unit]] = {}
    for unit in units:
        found.setdefault(unit.act, []).append(unit)
    return sorted(found.values(), key=lambda some: some[0].name)


def _tell(unit: _Unit) -> None:
    if unit.waiting.done():
        return
    if isinstance(unit.outcome, Exception):
        unit.waiting.set_exception(unit.outcome)
    else:
        unit.waiting.set_result(unit.outcome)
