"""What stands in for Prefect under the product's own steps: retries, the end of a try, a logger; and their clock."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import tasks.enable
import tasks.observe
import tasks.parts.resources
import tasks.plan
import tasks.realtime.requested
import tasks.sequences.look_plan_enable
from greenlight.ats.waiting import turn_of
from greenlight.ats.writer import Part, Writer
from greenlight.linkedin.oauth import Tokens
from greenlight.linkedin.transport import Wire
from greenlight.settings import Settings
from tasks.parts.chunks import Chunk
from tests.model.process import PROCESS, SENDING, Here, in_thread
from tests.model.world import World


async def _run_chunks(
    task: Any,
    arguments: Sequence[Any],
    chunks: Sequence[Chunk],
    _stage: str,
    width: int,
    settings: Settings,
    ended: Callable[[Chunk], None] = lambda _: None,
) -> list[str]:
    gate = asyncio.Semaphore(width)

    async def one(chunk: Chunk) -> None:
        async with gate:
            for delay in (*settings.retry_delays_seconds, None):
                try:
                    remaining = await task.fn(*arguments, chunk.ids, chunk.label)
                except Exception as error:
                    PROCESS.get().world.defects.append(repr(error))
                    break
                if not remaining.items or delay is None:
                    break
                await asyncio.sleep(remaining.wait + delay)
        ended(chunk)

    await asyncio.gather(*(one(chunk) for chunk in chunks))
    return []


async def _end_of_try(_total: int, remaining: Any, _settings: Settings) -> Any:
    return remaining


async def _alone(_writer: Writer, act: Any, *args: Any, **kwargs: Any) -> Any:
    return await in_thread(act, *args, **kwargs)


async def _joined(_writer: Writer, act: Any, asked: Any, **_: Any) -> Any:
    (outcome,) = await in_thread(act, [asked])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _joined_all(writer: Writer, *parts: Part, **_: Any) -> list[Any]:
    return await in_thread(partial(_in_one, writer), parts)


def _in_one(writer: Writer, parts: Sequence[Part]) -> list[Any]:
    outcomes, begun = list[Any](), False
    with writer._database.together() as done:
        for part in sorted(parts, key=lambda part: turn_of(part.act)):
            (outcome,) = part.act([part.asked])
            outcomes.append(outcome)
            begun = begun or (part.act.__name__ == "begin_all" and isinstance(outcome, int))
            done()
            if not part.goes_on(outcome):
                break
    SENDING.set(begun)
    return outcomes


async def _unannounced(*_: Any) -> None:
    pass


@contextmanager
def without_prefect() -> Iterator[None]:
    """Within this, the product's steps run on their world's clock, database and LinkedIn."""
    logger = logging.getLogger("tests.model")
    logger.disabled = True

    def world() -> World:
        return PROCESS.get().world

    replaced: list[tuple[object, str, Any]] = [
        (asyncio, "to_thread", in_thread),
        (Writer, "do", _alone),
        (Writer, "join", _joined),
        (Writer, "join_all", _joined_all),
        (tasks.sequences.look_plan_enable, "get_run_logger", lambda: logger),
        (tasks.sequences.look_plan_enable, "as_it_is", lambda given: given),
        (tasks.sequences.look_plan_enable, "make_plan", tasks.sequences.look_plan_enable.make_plan.fn),
        (tasks.parts.resources, "open_database", lambda _url, **_: world().database),
        (tasks.parts.resources, "Wire", lambda timeout, **_: Wire(timeout, Here())),
        (tasks.parts.resources, "Tokens", lambda *given: Tokens(*given, monotonic=world().loop.time)),
        (tasks.parts.resources, "ChildAppBlocks", world),
        (tasks.realtime.requested, "load_settings", lambda: world().settings),
        (tasks.realtime.requested, "announce", _unannounced),
        (tasks.sequences.look_plan_enable, "announce_owed", _unannounced),
    ]
    modules = (tasks.parts.resources, tasks.sequences.look_plan_enable, tasks.plan, tasks.realtime.requested)
    replaced += [(module, "now", lambda: world().clock()) for module in modules]
    replaced += [(module, "run_chunks", _run_chunks) for module in (tasks.observe, tasks.enable)]
    replaced += [(module, "end_of_try", _end_of_try) for module in (tasks.observe, tasks.enable)]
    patches = [patch.object(where, name, with_this) for where, name, with_this in replaced]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in reversed(patches):
            each.stop()
