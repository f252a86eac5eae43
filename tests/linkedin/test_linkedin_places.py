"""Places for what is under way at once: never more than there are, the urgent first, and none is ever lost."""

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from greenlight.linkedin.places import Places
from tests.model.virtual import VirtualLoop

#: When each comes, how long it stays, whether it is urgent, and after how long it is given up, if ever.
comers = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 5), st.booleans(), st.none() | st.integers(0, 8)), max_size=25
)


def in_virtual_time(act: Callable[[], Awaitable[None]]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(act())
    finally:
        loop.close()


@given(st.integers(1, 4), comers)
def test_no_place_is_given_twice_and_none_is_lost(many: int, coming: list[tuple[int, int, bool, int | None]]) -> None:
    async def all_of_them() -> None:
        places, there, most = Places(many), 0, 0

        async def one(comes: int, stays: int, urgent: bool, patience: int | None) -> None:
            nonlocal there, most
            await asyncio.sleep(comes)
            try:
                async with asyncio.timeout(patience), places.one(urgent=urgent):
                    there += 1
                    most = max(most, there)
                    try:
                        await asyncio.sleep(stays)
                    finally:
                        there -= 1
            except TimeoutError:
                return

        await asyncio.gather(*(one(*each) for each in coming))
        assert most <= many
        # All are free again: as many as there are come in at once, without waiting.
        async with asyncio.timeout(0.5):
            barrier = asyncio.Barrier(many)

            async def again() -> None:
                async with places.one():
                    await barrier.wait()

            await asyncio.gather(*(again() for _ in range(many)))

    in_virtual_time(all_of_them)


@given(st.lists(st.booleans(), max_size=20))
def test_the_urgent_come_first_and_each_kind_in_its_order(urgent: list[bool]) -> None:
    async def all_of_them() -> None:
        places, came = Places(1), list[int]()

        async def one(number: int) -> None:
            async with places.one(urgent=urgent[number]):
                came.append(number)
                await asyncio.sleep(1)

        async with places.one():
            waiting = [asyncio.create_task(one(number)) for number in range(len(urgent))]
            await asyncio.sleep(1)
        await asyncio.gather(*waiting)
        numbers = range(len(urgent))
        assert came == [n for n in numbers if urgent[n]] + [n for n in numbers if not urgent[n]]

    in_virtual_time(all_of_them)
