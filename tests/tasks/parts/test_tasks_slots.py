"""What waits holds no slot: others get on meanwhile."""

import asyncio
from collections.abc import Sequence
from typing import Any

from prefect import flow, task
from prefect.client.schemas.objects import State

from greenlight.reconcile.observe import WorkLeft
from greenlight.settings import Settings
from tasks.parts.chunks import Chunk, run_chunks
from tasks.parts.retries import RECORDING, end_of_try

SETTINGS = Settings(retry_delays_seconds=(0.01,))


async def test_a_chunk_that_linkedin_asked_to_wait_lets_another_in(prefect_server: str) -> None:
    """One place: the first chunk waits until the second is done, which could not begin if the first had kept it."""
    order: list[str] = []
    done = asyncio.Event()

    @task(**RECORDING)
    async def work(ids: Sequence[int], label: str) -> State[None]:
        order.append(label)
        if label == "second":
            done.set()
        first_try = order.count(label) == 1
        return await end_of_try(1, WorkLeft(1, 1.5 if label == "first" else 0) if first_try else WorkLeft(), SETTINGS)

    @flow
    async def around() -> list[str]:
        chunks = [Chunk((1,), "first"), Chunk((2,), "second"), Chunk((3,), "third")]
        return await run_chunks(work, (), chunks, "look", 1, SETTINGS)

    assert await around() == []
    assert done.is_set()
    assert order[:2] == ["first", "second"]
    assert sorted(order) == ["first", "first", "second", "second", "third", "third"]


async def test_never_more_than_so_many_are_at_it(prefect_server: str) -> None:
    at_it, most = 0, 0

    @task(**RECORDING)
    async def work(ids: Sequence[int], label: str) -> Any:
        nonlocal at_it, most
        at_it += 1
        most = max(most, at_it)
        await asyncio.sleep(0.02)
        at_it -= 1
        return await end_of_try(1, WorkLeft(1), SETTINGS)

    @flow
    async def around() -> None:
        await run_chunks(work, (), [Chunk((n,), str(n)) for n in range(9)], "look", 2, SETTINGS)

    await around()
    assert most == 2
