"""An enable waits for no connection behind looks: its intent is on record, and ages."""

import asyncio

import httpx
import pytest

from greenlight.domain.way import Way
from tests.linkedin.stage import AWLI, Stage, body_of

OTHERS = 5


@pytest.mark.parametrize("connections", [1, 4])
async def test_an_enable_goes_before_looks_that_wait(connections: int) -> None:
    stage, arrived = Stage(Way(connections=connections)), list[str]()
    all_in_use, answers = asyncio.Event(), asyncio.Event()
    stage.look.respond(200, content=body_of())
    await stage.verify(AWLI)

    async def looked_at(_: httpx.Request) -> httpx.Response:
        arrived.append("look")
        if len(arrived) == connections:
            all_in_use.set()
        await answers.wait()
        return httpx.Response(200, content=body_of())

    def enabled(_: httpx.Request) -> httpx.Response:
        arrived.append("enable")
        return httpx.Response(400, json={"message": "no"})

    stage.look.mock(side_effect=looked_at)
    stage.change.mock(side_effect=enabled)
    looks = [asyncio.create_task(stage.verify(AWLI)) for _ in range(3 * connections)]
    await all_in_use.wait()
    enable = asyncio.create_task(stage.enable())
    for _ in range(OTHERS):
        await asyncio.sleep(0)
    answers.set()
    await asyncio.gather(enable, *looks)
    # Who waits is chosen when a connection is free; some have got ready for one by then.
    assert arrived.index("enable") <= connections + connections // 2
