"""Who has a turn with whom: clicks of one moment together, whoever is slow alone, and nobody twice at once."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from greenlight.ats.ledger import Attempt
from greenlight.ats.requests import Requests
from greenlight.ats.tables import Run
from sandbox.world import Fault, World
from tasks.realtime.requested import CUSTOMERS_TOGETHER, TURNS_TOGETHER_AT_ONCE, _CustomerTurns, enable_requested
from tests.tasks.realtime.test_tasks_requested import ENABLED, TYPE, Customer


class Turns:
    """Turns that take a moment each, and what was seen of them."""

    def __init__(self) -> None:
        self.turns, self.taken = _CustomerTurns(), list[list[str]]()
        self.now, self.together = Counter[str](), 0
        self.broken: list[str] = []
        self.patient: list[str] = []

    async def turn(self, customers: Sequence[str], *, alone: bool) -> None:
        self.now.update(customers)
        self.together += len(customers) > 1
        self.broken += [customer for customer in customers if self.now[customer] > 1]
        if self.together > TURNS_TOGETHER_AT_ONCE:
            self.broken.append("too many side by side")
        self.taken.append(list(customers))
        self.patient += customers if alone else []
        if alone and len(customers) > 1:
            self.broken.append("several alone")
        for _ in range(3):
            await asyncio.sleep(0)
        self.together -= len(customers) > 1
        self.now.subtract(customers)

    async def ring(self, customers: Sequence[str], slow: Sequence[str] = ()) -> None:
        await self.turns.serve(customers, slow, self.turn)


def names(count: int) -> list[str]:
    return [f"c{number}" for number in range(count)]


async def test_who_clicks_at_the_same_moment_has_one_turn_together() -> None:
    there = Turns()
    await there.ring(names(70))
    assert list(map(len, there.taken)) == [CUSTOMERS_TOGETHER, CUSTOMERS_TOGETHER, 70 - 2 * CUSTOMERS_TOGETHER]


async def test_who_is_slow_is_alone() -> None:
    there = Turns()
    await there.ring(names(4), ["c1", "c3"])
    assert sorted(map(sorted, there.taken)) == [["c0", "c2"], ["c1"], ["c3"]]
    await there.ring(["c4"])
    assert sorted(there.patient) == ["c1", "c3"], "a first turn is quick, also of one: few of them are side by side"


async def test_who_rings_during_its_turn_has_another_though_it_is_slow_by_then() -> None:
    there = Turns()
    first = asyncio.create_task(there.ring(["c0", "c1"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert there.taken == [["c0", "c1"]]
    await there.ring(["c0"], ["c0"])
    await there.ring(["c1"])
    await first
    assert sorted(map(sorted, there.taken[1:])) == [["c0"], ["c1"]]


async def test_a_turn_that_fails_is_in_nobodys_way() -> None:
    there = Turns()

    async def fails(customers: Sequence[str], *, alone: bool) -> None:
        if "c0" in customers:
            raise ValueError
        await there.turn(customers, alone=alone)

    await there.turns.serve(["c0", "c1"], ["c0"], fails)
    await there.ring(["c0"])
    assert there.taken == [["c1"], ["c0"]]


rings = st.lists(
    st.tuples(st.lists(st.sampled_from(names(6)), unique=True), st.sets(st.sampled_from(names(6))), st.integers(0, 5)),
    max_size=8,
)


@given(rings=rings)
@settings(deadline=None)
def test_each_ring_is_answered_and_nobody_is_served_twice_at_once(rings: list[tuple[list[str], set[str], int]]) -> None:
    async def run() -> Turns:
        there = Turns()
        async with asyncio.TaskGroup() as group:
            for customers, slow, pause in rings:
                before = Counter(each for turn in there.taken for each in turn)
                group.create_task(there.ring(customers, sorted(slow)))
                asked.append((customers, before))
                for _ in range(pause):
                    await asyncio.sleep(0)
        return there

    asked: list[tuple[list[str], Counter[str]]] = []
    there = asyncio.run(run())
    assert there.broken == []
    served = Counter(each for turn in there.taken for each in turn)
    for customers, before in asked:
        # A turn that had begun before the ring may have read the database too early.
        assert all(served[customer] > before[customer] for customer in customers)


async def test_a_burst_is_one_run_and_each_is_enabled_once(town: Any) -> None:
    everybody = [Customer(f"c{number}") for number in range(9)]
    async with town(World(applications=[each.application for each in everybody])) as there:
        for customer in everybody:
            await customer.move_in(there)
        other = everybody[0].key("APPLY_CONNECT")
        everybody[0].says(there, other)
        await enable_requested()
        for customer in everybody:
            customer.clicks(there)
        await enable_requested()
        assert [each.shown(there)[TYPE] for each in everybody] == [ENABLED[TYPE]] * 9
        assert {effects["effective"] for effects in there.enables().values()} == {1}
        assert there.violations() == []
        with there.database.reading() as session:
            runs = session.exec(select(Run).order_by(col(Run.started_at))).all()
        # The first one's other request is still open, so it is slow and alone.
        assert sorted(len(run.scope["customers"]) for run in runs) == [1, 1, 8]
        together = max(runs, key=lambda run: len(run.scope["customers"]))
        report = there.runs.report(together.run_id)
        assert (len(report.items), report.exit_code, together.verdict) == (8, 0, "ok")


async def test_of_a_burst_nobody_waits_for_anothers_doubts_or_retries(town: Any) -> None:
    """One look fails for a moment, one enable is answered with a page; the others' turn is over before both are."""
    lost = Customer("lost", Fault(on="enable", fault="html"))
    down = Customer("down", Fault(on="verify", fault="status", status=503, times=2))
    well = [Customer(f"well{number}") for number in range(3)]
    everybody = [lost, down, *well]
    async with town(
        World(applications=[each.application for each in everybody]),
        GREENLIGHT_RETRY_DELAYS_SECONDS="30",
        GREENLIGHT_SETTLE_SECONDS="60",
    ) as there:
        for customer in everybody:
            await customer.move_in(there)
            customer.clicks(there)
        begun = time.monotonic()
        await enable_requested()
        assert time.monotonic() - begun < 25
        assert [each.shown(there) for each in well] == [ENABLED] * 3
        assert down.shown(there)[TYPE][2] == "LINKEDIN_UNAVAILABLE"
        assert set(Requests(there.database).open_customers()) <= {lost.id, down.id}
        assert Requests(there.database).slow_customers(10) == set(Requests(there.database).open_customers())
        assert there.enables()[lost.id]["received"] == 1
        with there.database.reading() as session:
            sent = session.exec(select(Attempt)).all()
        assert len(sent) == 4
