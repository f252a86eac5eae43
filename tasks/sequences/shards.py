"""A run that is large is done in shards: by itself, and by helpers on other machines that take some from it.

The run decides, and cuts; whoever takes a shard does a stage of it and nothing else. Who has which, and what is done,
is in the ATS database alone: a shard whose helper died is taken by another, or by the run itself.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from greenlight.ats.shards import Helped, Taken
from greenlight.ats.waiting import DatabaseUnavailable
from greenlight.domain.plan import RequestTotals
from greenlight.domain.shards import Stage, shards
from greenlight.reconcile.customer_leases import RENEW_EVERY, to_its_end
from tasks.parts.resources import RunResources, current_resources, now, set_apart
from tasks.sequences.helpers import Helpers
from tasks.sequences.stages import SHARE, WHOLE

#: Shards that one process is at: while one ends, with few requests under way, another keeps the connections busy.
AT_ONCE = 2
#: Seconds between two looks for a shard that somebody has given back or cut.
PAUSE = 0.5
#: Seconds after which a helper that found none goes: its place at the worker is somebody else's.
IDLE = 60.0

_log = logging.getLogger("greenlight.run")


class ShardLost(Exception):
    """Somebody else has this shard, or its run has ended, or nobody has heard of that for too long."""


class Cutting:
    """How one run is helped."""

    def __init__(self, resources: RunResources, run_id: str) -> None:
        self._resources = resources
        self._run_id = run_id
        self._helpers = Helpers(run_id, resources.shards.owner)
        self._lasting: asyncio.Task[None] | None = None
        #: What others sent, as far as it is among this run's requests.
        self._counted = RequestTotals()

    async def cut(self, ids: Sequence[int]) -> list[list[int]]:
        wanted = await to_its_end(self._resources.store.wanted, ids)
        return shards({entry.id: entry.item.customer_id for entry in wanted}, self._resources.settings.shard_size)

    async def do(self, stage: Stage, parts: Sequence[Sequence[int]]) -> None:
        """Do all of these shards, with whoever helps."""
        ours, enabling = self._resources.shards, self._resources.enabling
        insisted = enabling.insisted if enabling is not None else frozenset[str]()
        first = self._lasting is None
        await to_its_end(ours.cut, self._run_id, stage, parts, insisted, now(), first=first)
        if self._lasting is None:
            self._lasting = asyncio.create_task(self._last())
        # Small ones are for whoever is there by then.
        large = math.ceil(sum(map(len, parts)) / max(map(len, parts)))
        asking = asyncio.create_task(self._helpers.ask(large - 1))
        try:
            await _side_by_side(lambda: self._until_all_are_done(len(parts)))
            await asking
        finally:
            asking.cancel()
        helped = await self._helped()
        self._resources.crashes.extend(helped.crashes)
        if helped.shards:
            _log.info("%s: helpers did %s of %s shards", stage, helped.shards, len(parts))
        else:
            _log.warning("%s: no helper ended a shard, so this run did all %s itself", stage, len(parts))

    async def _until_all_are_done(self, cut: int) -> None:
        ours = self._resources.shards
        while True:
            while taken := await to_its_end(ours.take, self._run_id, now(), cut_by=ours.owner):
                with suppress(ShardLost):
                    self._resources.crashes.extend((await _work(taken, helping=False)).crashes)
            if not await to_its_end(ours.left, self._run_id, cut):
                return
            # Its helper may die, and then it is ours.
            await asyncio.sleep(PAUSE)

    async def end(self) -> None:
        """Nobody is to help any more."""
        if self._lasting is None:
            return
        self._lasting.cancel()
        with suppress(asyncio.CancelledError):
            await self._lasting
        # Who had lost a shard may have said later what it had sent.
        await self._helped()
        await to_its_end(self._resources.shards.over, self._run_id)
        await self._helpers.dismiss()

    async def _last(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            with suppress(SQLAlchemyError, DatabaseUnavailable):
                await to_its_end(self._resources.shards.lasts, self._run_id, now())

    async def _helped(self) -> Helped:
        helped = await to_its_end(self._resources.shards.helped, self._run_id)
        counts, sent, before = self._resources.counts, helped.sent, self._counted
        counts.token += sent.token - before.token
        counts.verify += sent.verify - before.verify
        counts.enable += sent.enable - before.enable
        self._counted = sent
        return helped


_CUTTING: ContextVar[Cutting | None] = ContextVar("cutting", default=None)


@asynccontextmanager
async def helped(run_id: str) -> AsyncIterator[None]:
    """Within this the stages of this run are done in shards, each that has more customers than one shard."""
    resources = current_resources()
    cutting = Cutting(resources, run_id) if resources.settings.shard_size else None
    mark = _CUTTING.set(cutting)
    try:
        yield
    finally:
        _CUTTING.reset(mark)
        if cutting is not None:
            await cutting.end()


async def in_shards(stage: Stage, run_id: str, ids: Sequence[int]) -> None:
    """Do a stage of a run for these integrations, in shards where it is large enough for that."""
    cutting = _CUTTING.get()
    parts = [] if cutting is None else await cutting.cut(ids)
    if cutting is None or len(parts) < 2:
        await WHOLE[stage](run_id, ids)
    else:
        await cutting.do(stage, parts)


async def help_with(run_id: str) -> list[Taken]:
    """Take shards of another flow run as long as it lasts and has some; those that were done."""
    done: list[Taken] = []
    await _side_by_side(lambda: _help_with(run_id, done))
    return done


async def _side_by_side(take_some: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """As often as one process is at shards at once. Raises the first error as it is, once all have ended."""
    tasks = [asyncio.create_task(take_some()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _help_with(run_id: str, done: list[Taken]) -> None:
    ours, idle_since = current_resources().shards, now()
    while (now() - idle_since).total_seconds() < IDLE:
        taken = await to_its_end(ours.take, run_id, now())
        if taken is None:
            if await to_its_end(ours.helps, run_id, now()) is None:
                return
            await asyncio.sleep(PAUSE)
            continue
        with suppress(ShardLost):
            await _work(taken, helping=True)
            done.append(taken)
        idle_since = now()


async def _work(taken: Taken, *, helping: bool) -> RunResources:
    """Do one shard; with which means, that tell what of it was sent. Raises ShardLost."""
    if (enabling := current_resources().enabling) is not None:
        enabling.insisted = taken.insisted
    # In a task of its own, whose context is its own.
    return await asyncio.create_task(_apart(taken, helping=helping))


async def _apart(taken: Taken, *, helping: bool) -> RunResources:
    apart = set_apart()
    shards = apart.shards

    def sent() -> RequestTotals | None:
        # The run counts what it sends and what it crashes of itself.
        return apart.sent() if helping else None

    work = asyncio.ensure_future(SHARE[taken.stage](taken.run_id, taken.integrations))
    try:
        while not (await asyncio.wait([work], timeout=RENEW_EVERY))[0]:
            with suppress(SQLAlchemyError, DatabaseUnavailable):
                if not await to_its_end(shards.keep, taken, now(), sent()):
                    raise ShardLost
        await work
    except BaseException:
        work.cancel()
        await asyncio.wait([work])
        await to_its_end(shards.give_back, taken, sent())
        raise
    if not await to_its_end(shards.done, taken, now(), sent(), apart.crashes if helping else []):
        raise ShardLost
    return apart
