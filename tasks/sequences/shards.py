"""A run that is large is done in shards: by itself, and by helpers on other machines that take some from it.

The run decides, and cuts; whoever takes a shard does a stage of it and nothing else. Who has which, and what is done,
is in the ATS database alone: a shard whose helper died is taken by another, or by the run itself.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar

from sqlalchemy.exc import SQLAlchemyError

from greenlight.ats.shards import Taken
from greenlight.ats.waiting import DatabaseUnavailable
from greenlight.domain.plan import RequestTotals
from greenlight.domain.shards import Stage, shards
from greenlight.reconcile.customer_leases import RENEW_EVERY
from tasks.parts.resources import RunResources, current_resources, now
from tasks.sequences.helpers import Helpers
from tasks.sequences.stages import SHARE, WHOLE

#: Seconds between two looks for a shard that somebody has given back or cut.
PAUSE = 0.5
#: Seconds after which a helper that found none goes: its place at the worker is somebody else's.
IDLE = 60.0

_log = logging.getLogger("greenlight.run")


class RunIsOver(Exception):
    """The run whose shard this is has ended, or nobody has heard of it for too long."""


class Cutting:
    """How one run is helped."""

    def __init__(self, resources: RunResources, run_id: str) -> None:
        self._resources = resources
        self._run_id = run_id
        self._helpers = Helpers(run_id, resources.shards.owner)
        self._lasting: asyncio.Task[None] | None = None

    async def cut(self, ids: Sequence[int]) -> list[list[int]]:
        wanted = await asyncio.to_thread(self._resources.store.wanted, ids)
        return shards({entry.id: entry.item.customer_id for entry in wanted}, self._resources.settings.shard_size)

    async def do(self, stage: Stage, parts: Sequence[Sequence[int]]) -> None:
        """Do all of these shards, with whoever helps."""
        ours, enabling = self._resources.shards, self._resources.enabling
        insisted = enabling.insisted if enabling is not None else frozenset[str]()
        await asyncio.to_thread(ours.cut, self._run_id, stage, parts, insisted, now())
        if self._lasting is None:
            self._lasting = asyncio.create_task(self._last())
        asking = asyncio.create_task(self._helpers.ask(len(parts) - 1))
        try:
            while True:
                while taken := await asyncio.to_thread(ours.take, self._run_id, now()):
                    await _work(taken, None)
                if not await asyncio.to_thread(ours.left, self._run_id):
                    break
                # Its helper may die, and then it is ours.
                await asyncio.sleep(PAUSE)
            await asking
        finally:
            asking.cancel()
        helped = await asyncio.to_thread(ours.helped, self._run_id)
        self._count(helped.sent)
        self._resources.crashes.extend(helped.crashes)
        if helped.shards:
            _log.info("%s: helpers did %s of %s shards", stage, helped.shards, len(parts))
        else:
            _log.warning("%s: no helper ended a shard, so this run did all %s itself", stage, len(parts))

    async def end(self) -> None:
        """Nobody is to help any more."""
        if self._lasting is None:
            return
        self._lasting.cancel()
        with suppress(asyncio.CancelledError):
            await self._lasting
        await asyncio.to_thread(self._resources.shards.over, self._run_id)
        await self._helpers.dismiss()

    async def _last(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            with suppress(SQLAlchemyError, DatabaseUnavailable):
                await asyncio.to_thread(self._resources.shards.lasts, self._run_id, now())

    def _count(self, sent: RequestTotals) -> None:
        counts = self._resources.counts
        counts.token += sent.token
        counts.verify += sent.verify
        counts.enable += sent.enable


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
    resources, done, idle_since = current_resources(), list[Taken](), now()
    while (now() - idle_since).total_seconds() < IDLE:
        taken = await asyncio.to_thread(resources.shards.take, run_id, now())
        if taken is None:
            if await asyncio.to_thread(resources.shards.helps, run_id, now()) is None:
                break
            await asyncio.sleep(PAUSE)
            continue
        try:
            await _work(taken, resources.sent())
        except RunIsOver:
            break
        done.append(taken)
        idle_since = now()
    return done


async def _work(taken: Taken, before: RequestTotals | None) -> None:
    """Do one shard. `before` is what a helper had sent before it took this one. Raises RunIsOver."""
    resources = current_resources()
    if resources.enabling is not None:
        resources.enabling.insisted = taken.insisted
    crashes = len(resources.crashes)

    def sent() -> RequestTotals | None:
        if before is None:
            return None
        all_of_it = resources.sent()
        return RequestTotals(
            all_of_it.token - before.token, all_of_it.verify - before.verify, all_of_it.enable - before.enable
        )

    work = asyncio.ensure_future(SHARE[taken.stage](taken.run_id, taken.integrations))
    try:
        while not (await asyncio.wait([work], timeout=RENEW_EVERY))[0]:
            with suppress(SQLAlchemyError, DatabaseUnavailable):
                lasts = await asyncio.to_thread(resources.shards.keep, taken, now(), sent())
                if before is not None and not lasts:
                    raise RunIsOver
        await work
    except BaseException:
        work.cancel()
        await asyncio.wait([work])
        await asyncio.to_thread(resources.shards.give_back, taken)
        raise
    # The run knows its own crashes.
    ended_by = resources.crashes[crashes:] if before is not None else []
    await asyncio.to_thread(resources.shards.done, taken, now(), sent(), ended_by)
