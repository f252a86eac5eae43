"""The retry condition and the chunks, on Prefect itself where it matters."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from greenlight.ats.wanted import Wanted
from greenlight.domain.conditions import NOT_LOOKED_AT
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Item
from greenlight.domain.status import Status
from greenlight.reconcile.observe import WorkLeft
from greenlight.settings import Settings
from tasks.parts.chunks import (
    LOOK_CHUNKS_AT_ONCE,
    MANY_CUSTOMERS_PER_LOOK,
    MANY_ENABLE_TASKS,
    MAX_ENABLE_TASKS,
    MAX_LOOK_TASKS,
    Chunk,
    enable_chunks,
    enabled_at_once,
    items_at_once,
    look_chunks,
)
from tasks.parts.retries import RECORDING, end_of_try, retrying

SETTINGS = Settings(retry_delays_seconds=(0.01, 0.01))


async def _runs_of(ends: list[Any]) -> int:
    """How often Prefect runs a task whose tries end like this."""
    runs = 0

    @task(**RECORDING)
    async def work() -> State[None]:
        nonlocal runs
        runs += 1
        end = ends[min(runs, len(ends)) - 1]
        if isinstance(end, Exception):
            raise end
        return await end_of_try(3, end, SETTINGS) if isinstance(end, WorkLeft) else end

    @flow
    async def around() -> None:
        await cast(Any, work.with_options(**retrying(SETTINGS)))(return_state=True)

    await around()
    return runs


LEFT, NOTHING_LEFT = WorkLeft(1), WorkLeft()


@pytest.mark.parametrize(
    ("ends", "runs", "why"),
    [
        ([LEFT, NOTHING_LEFT], 2, "what may pass is repeated: the condition does fire"),
        ([LEFT], 3, "as often as there are waits, and then no more"),
        ([NOTHING_LEFT], 1, "success is not repeated"),
        ([ZeroDivisionError()], 1, "a defect of ours is not repeated"),
        ([Failed(message="no")], 1, "a failure that does not say so is not repeated"),
        ([Completed(name="WorthRepeating")], 1, "nothing but a failure is repeated"),
    ],
)
async def test_the_retry_condition(prefect_server: str, ends: list[Any], runs: int, why: str) -> None:
    assert await _runs_of(ends) == runs, why


def _wanted(count: int, customers: int) -> list[Wanted]:
    return [
        Wanted(
            n,
            Item(f"c{n % customers}", IntegrationKey(f"urn:li:organization:{n}", "APPLY_WITH_LINKEDIN", "JOBS")),
            "name",
            None,
            None,
            Status.UNKNOWN,
            None,
            NOT_LOOKED_AT,
        )
        for n in range(count)
    ]


@given(st.integers(0, 30_000), st.integers(1, 15_000))
@pytest.mark.timeout(120)
def test_a_run_stays_under_a_thousand_task_runs(count: int, customers: int) -> None:
    wanted = _wanted(count, customers)
    looks, enables = look_chunks(wanted), enable_chunks(wanted)
    assert len(looks) <= MAX_LOOK_TASKS
    assert len(enables) <= MAX_ENABLE_TASKS
    assert 2 * MAX_LOOK_TASKS + MAX_ENABLE_TASKS < 1000
    for chunks in (looks, enables):
        assert sorted(id for chunk in chunks for id in chunk.ids) == list(range(count)), "all of them, once"


def test_a_customer_is_never_split_over_two_looks() -> None:
    wanted = _wanted(1000, 130)
    customer_of = {w.id: w.item.customer_id for w in wanted}
    places: dict[str, set[int]] = {}
    for number, chunk in enumerate(look_chunks(wanted)):
        for id in chunk.ids:
            places.setdefault(customer_of[id], set()).add(number)
    assert all(len(chunks) == 1 for chunks in places.values())


def test_a_customer_is_never_split_over_two_enables_of_many() -> None:
    """Once a chunk has ended, its customers are looked at again, each with one request."""
    wanted = _wanted(1000, 130)
    customer_of = {w.id: w.item.customer_id for w in wanted}
    chunks = enable_chunks(wanted)
    customers = [{customer_of[int(id)] for id in chunk.ids} for chunk in chunks]
    assert 10 < len(chunks) <= MANY_ENABLE_TASKS
    assert sum(map(len, customers)) == 130


def test_each_enable_is_a_task_of_its_own_while_there_are_a_few() -> None:
    assert [len(c.ids) for c in enable_chunks(_wanted(50, 50))] == [1] * 50
    assert [len(c.ids) for c in enable_chunks(_wanted(51, 51))] == [3] * 17


def test_of_many_customers_a_look_takes_more_and_prefect_has_fewer_task_runs() -> None:
    assert [len(c.ids) for c in look_chunks(_wanted(300, 300))] == [50] * 6
    assert [len(c.ids) for c in look_chunks(_wanted(2000, 2000))] == [MANY_CUSTOMERS_PER_LOOK] * 20
    assert len(enable_chunks(_wanted(2000, 2000))) == MANY_ENABLE_TASKS
    assert len(enable_chunks(_wanted(2000, 2000), most=5)) == 5, "a shard's share of them"


@given(st.integers(1, 30_000), st.integers(1, 64))
def test_few_chunks_keep_all_connections_busy_as_well(count: int, connections: int) -> None:
    """Of looks only from 300 on: one of them is a request for its credentials, too."""

    def under_way(chunks: list[Chunk], at_once: int) -> int:
        largest = sorted((len(chunk.ids) for chunk in chunks), reverse=True)[:at_once]
        return min(sum(largest), items_at_once(connections))

    wanted = _wanted(count, count)
    enables = enable_chunks(wanted)
    assert under_way(enables, enabled_at_once(connections, enables)) >= min(count, connections)
    if count >= 300:
        looked_at = under_way(look_chunks(wanted), LOOK_CHUNKS_AT_ONCE)
        assert looked_at >= min(count, connections)
