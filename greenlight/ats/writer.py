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
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from greenlight.ats.waiting import only_reads, patiently, turn_of

if TYPE_CHECKING:
    from greenlight.ats.database import Database

#: Units that come within so many seconds and after which more of them are waited for, so long: a commit costs more.
BUSY_UNITS, BUSY_SECONDS = 16, 0.05
GATHER_SECONDS = 0.004

_P = ParamSpec("_P")
_Asked = TypeVar("_Asked")
_Done = TypeVar("_Done")


class Part(NamedTuple):
    """One thing to be done. What is asked of the same `act` is done in one go, and answered in that order.

    `act` is a unit of work as well. After an outcome with which it does not `go_on`, what comes after it in the same
    unit is left out.
    """

    act: Callable[[Sequence[Any]], Sequence[Any]]
    asked: Any
    goes_on: Callable[[Any], bool] = lambda _: True


@dataclass(slots=True, eq=False)
class _Unit:
    """What is to be done in one transaction for somebody who waits for it.

    `stays` is what is done even where nobody waits for it any more.
    """

    parts: tuple[Part, ...]
    stays: bool
    #: Whether it writes nothing.
    reads: bool
    waiting: asyncio.Future[Any]
    outcome: list[Any] | Exception | None = None


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

        @wraps(act)
        def alone(_: Sequence[None]) -> list[_Done]:
            return [act(*args, **kwargs)]

        return _of_one(await self._ask((Part(alone, None),), True, only_reads(act)))

    async def join(
        self, act: Callable[[Sequence[_Asked]], Sequence[_Done | Exception]], asked: _Asked, *, stays: bool = False
    ) -> _Done:
        """Have this done with whatever else is asked of `act` meanwhile; `act` answers in the order of what is asked.

        `act` is one unit of work as well. It is not begun for who is cancelled before, unless it `stays` to be done.
        """
        return _of_one(await self._ask((Part(act, asked),), stays, only_reads(act)))

    async def join_all(self, *parts: Part, stays: bool = False) -> list[Any]:
        """Have all of these done in one transaction, each as `join` does. They are given in the order of their turns.

        Returns what came of each, also where that is an exception, up to the first that did not go on.
        """
        return await self._ask(parts, stays, reads=False)

    async def settled(self) -> None:
        """Wait until nothing is under way any more: a database is not closed beneath it."""
        while under_way := [task for task in (self._work, *self._alone) if task is not None and not task.done()]:
            await asyncio.wait(under_way)

    async def _ask(self, parts: tuple[Part, ...], stays: bool, reads: bool) -> list[Any]:
        loop = asyncio.get_running_loop()
        unit = _Unit(parts, stays, reads, loop.create_future())
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
        outcomes: dict[_Unit, list[Any]] = {unit: [] for unit in units}
        ended = set[_Unit]()
        with self._database.together(write=not reads) as done:
            # In one order, as everybody takes rows.
            for act, asked in _by_act(units):
                still = [(unit, part) for unit, part in asked if unit not in ended]
                answers = act([part.asked for _, part in still]) if still else ()
                for (unit, part), answer in zip(still, answers, strict=True):
                    outcomes[unit].append(answer)
                    if not part.goes_on(answer):
                        ended.add(unit)
                done()
        for unit in units:
            unit.outcome = outcomes[unit]

    async def _by_itself(self, unit: _Unit) -> None:
        if not _wanted([unit]):
            return
        several = len(unit.parts) > 1

        def whole() -> None:
            # Whoever is cancelled meanwhile gives back what it would take.
            self._in_one(_wanted([unit]), unit.reads)

        try:
            if unit.reads or several:
                await asyncio.to_thread(partial(patiently, whole, added_meanwhile=not unit.reads))
            else:
                part = unit.parts[0]
                unit.outcome = [*await asyncio.to_thread(part.act, [part.asked])]
        except Exception as error:
            unit.outcome = error
        _tell(unit)


def _wanted(units: Sequence[_Unit]) -> list[_Unit]:
    return [unit for unit in units if unit.stays or not unit.waiting.done()]


def _by_act(units: Sequence[_Unit]) -> list[tuple[Callable[[Sequence[Any]], Sequence[Any]], list[tuple[_Unit, Part]]]]:
    """What is asked of each act, in the order of their turns and names."""
    found: dict[Callable[[Sequence[Any]], Sequence[Any]], list[tuple[_Unit, Part]]] = {}
    for unit in units:
        for part in unit.parts:
            found.setdefault(part.act, []).append((unit, part))
    return sorted(found.items(), key=lambda each: (turn_of(each[0]), each[0].__qualname__))


def _of_one(outcomes: list[Any]) -> Any:
    """What came of a unit of one part. Raises it where it is an exception."""
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _tell(unit: _Unit) -> None:
    if unit.waiting.done():
        return
    if isinstance(unit.outcome, Exception):
        unit.waiting.set_exception(unit.outcome)
    else:
        unit.waiting.set_result(unit.outcome)
