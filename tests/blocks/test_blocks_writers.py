"""How many blocks are written at once: several, until one shows that the server cannot take them."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from blocks.writers import MOST, Writers
from tests.model.virtual import VirtualLoop

#: One whose write was refused, and repeated by Prefect's client.
SLOW = 3.0


def under_way(seconds: Sequence[float], most: int = MOST) -> list[int]:
    """How many were under way when each of these writes began, itself among them."""
    found, now = list[int](), 0

    async def write(writers: Writers, takes: float) -> None:
        nonlocal now
        async with writers.one():
            now += 1
            found.append(now)
            await asyncio.sleep(takes)
            now -= 1

    async def all_of_them() -> None:
        writers = Writers(most)
        await asyncio.gather(*(write(writers, takes) for takes in seconds))

    loop = VirtualLoop()
    try:
        loop.run_until_complete(all_of_them())
    finally:
        loop.close()
    return found


QUICK = 0.1
several = st.lists(st.sampled_from([QUICK, SLOW]), max_size=40)


def test_several_are_written_at_once_while_each_is_taken() -> None:
    assert max(under_way([QUICK] * 20)) == MOST


def test_after_two_that_were_repeated_one_is_written_at_a_time() -> None:
    found = under_way([SLOW, SLOW] + [QUICK] * 100)
    assert max(found) == MOST
    assert found[-10:] == [1] * 10


def test_one_hiccup_changes_nothing() -> None:
    assert max(under_way([SLOW] + [QUICK] * 100)[-10:]) == MOST


@given(several, st.integers(1, MOST))
def test_all_are_written_however_long_each_takes(seconds: list[float], most: int) -> None:
    found = under_way(seconds, most)
    assert len(found) == len(seconds)
    assert max(found, default=1) <= most
