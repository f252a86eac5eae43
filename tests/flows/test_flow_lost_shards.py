"""Who has lost a shard, or its run, stops; what was sent until then is told, and nothing of another's is touched."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
from sqlmodel import col, select, update

from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import What
from flows.shards import shards
from greenlight.ats.leases import Leases
from greenlight.ats.runs import RunTarget
from greenlight.ats.shards import Shard, Shards, ShardTake
from greenlight.ats.tables import Run
from greenlight.domain.budget import Lane
from greenlight.domain.reasons import Reason
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.shards import Stage
from greenlight.linkedin.integrations import Enabler
from tasks.sequences import shards as sequence
from tests.flows.fault_world import Case, import_file, world

CASES = tuple(Case(f"c{number:02}", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")) for number in range(12))
ONCE = {"received": 1, "effective": 1}
#: What waits for its turn is not sent late.
IN_SHARDS = {"GREENLIGHT_SHARD_SIZE": "2", "GREENLIGHT_HTTP_TIMEOUT_SECONDS": "6"}


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One enable after the other leaves, each a while after the last."""
    enable, turns = Enabler.enable, asyncio.Lock()

    async def later(self: Enabler, *given: Any, **named: Any) -> None:
        async with turns:
            await asyncio.sleep(0.3)
            await enable(self, *given, **named)

    monkeypatch.setattr(Enabler, "enable", later)


@pytest.fixture
def may_go_on(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Before that the run itself enables nothing, whatever shards it has taken."""
    work, may = sequence._work, asyncio.Event()

    async def later(taken: Any, *, helping: bool) -> Any:
        if not helping and taken.stage is Stage.ENABLE:
            await asyncio.wait_for(may.wait(), 60)
        return await work(taken, helping=helping)

    monkeypatch.setattr(sequence, "_work", later)
    return may


async def _until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not so():  # noqa: ASYNC110 - what is waited for is in another thread
            await asyncio.sleep(0.05)


async def test_a_helper_stops_when_its_run_is_cancelled(
    town: Any,
    helpers: list[asyncio.Task[Any]],
    slowly: None,
    may_go_on: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the middle of a shard: nothing more is sent for a run that nobody wants any more."""
    monkeypatch.setattr(sequence, "RENEW_EVERY", 0.2)
    async with town(world(CASES), **IN_SHARDS) as there:
        await there.bring_in(import_file(CASES))
        run = asyncio.create_task(reconcile(What.APPLY, return_state=True), context=Context())
        await _until(lambda: "enable" in there.operations())
        run.cancel()
        await asyncio.wait([run], timeout=30)
        await asyncio.sleep(0.2 + 0.6)
        sent = there.operations().count("enable")
        await asyncio.sleep(1.5)
        assert there.operations().count("enable") == sent < 6, "there was time for five more"
        ends = await asyncio.wait_for(asyncio.gather(*helpers), 30)
        assert "Helped" in {end.name for end in ends} <= {"Helped", "NothingLeft"}


@pytest.mark.long
async def test_what_was_sent_for_a_shard_that_was_lost_is_in_the_report(
    town: Any,
    helpers: list[asyncio.Task[Any]],
    slowly: None,
    may_go_on: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A helper could not say for a while that it is there: somebody else has its shard, and it stops."""
    monkeypatch.setattr(sequence, "RENEW_EVERY", 0.2)
    work, lost = sequence._work, list[int]()

    async def seen(taken: Any, *, helping: bool) -> Any:
        try:
            return await work(taken, helping=helping)
        except sequence.ShardLost:
            lost.append(taken.number)
            raise

    monkeypatch.setattr(sequence, "_work", seen)
    async with town(world(CASES), **IN_SHARDS) as there:
        await there.bring_in(import_file(CASES))
        run = asyncio.create_task(reconcile(What.APPLY, return_state=True), context=Context())
        await _until(lambda: there.operations().count("enable") > 0)
        theirs = (col(Shard.stage) == Stage.ENABLE, col(Shard.done_at).is_(None), col(Shard.taken_by) != Shard.cut_by)
        with there.database.writing() as session:
            session.execute(update(Shard).where(*theirs).values(take="somebody else's", taken_until=None))
        may_go_on.set()
        state: Any = await run
        await asyncio.gather(*helpers)
        assert lost
        assert state.name == "Converged"
        sent, counted = there.operations(), there.report(state).requests
        assert counted is not None
        assert (counted.token, counted.verify, counted.enable) == tuple(
            sent.count(kind) for kind in ("token", "verify", "enable")
        )
        assert set(map(str, there.enables().values())) == {str(ONCE)}
        with there.database.reading() as session:
            assert session.exec(select(ShardTake)).all() == []


async def test_a_run_whose_shards_another_execution_of_it_has_cut_anew_stops(
    town: Any, helpers: list[asyncio.Task[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect took the first for dead. What is gone from the table is not done."""
    work, again = sequence._work, list[tuple[Shards, str]]()

    async def replaced(taken: Any, *, helping: bool) -> Any:
        if not again and taken.stage is Stage.ENABLE:
            another = Shards(sequence.current_resources().database, "another")
            another.cut(taken.run_id, Stage.LOOK, [[1], [2]], frozenset(), sequence.now())
            assert another.take(taken.run_id, sequence.now())
            assert another.take(taken.run_id, sequence.now())
            again.append((another, taken.run_id))
        return await work(taken, helping=helping)

    monkeypatch.setattr(sequence, "_work", replaced)
    monkeypatch.setattr(sequence, "IDLE", 1.0)
    async with town(world(CASES), **IN_SHARDS) as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.APPLY, return_state=True)
        await asyncio.gather(*helpers)
        assert (state.name, state.type) == ("Refused", "FAILED")
        assert "another execution of this run" in state.message
        another, run_id = again[0]
        another = Shards(there.database, another.owner)
        assert another.left(run_id, 2) == 2
        assert another.helps(run_id, there.now()) is not None
        with there.database.reading() as session:
            assert session.get_one(Run, run_id).finished_at is None, "the report is the other one's"


async def test_who_helps_late_says_nothing_over_what_another_run_has_found(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a customer was busy is no news of one that was looked at since the run began."""
    monkeypatch.setattr("greenlight.reconcile.customer_leases.PAUSES", (0.05,))
    monkeypatch.setattr(sequence, "IDLE", 1.0)
    case = CASES[:1]
    async with town(world(case), GREENLIGHT_RETRY_DELAYS_SECONDS="") as there:
        await there.bring_in(import_file(case))
        run_id, database = "01998f6e-0000-7000-8000-000000000001", there.database
        there.runs.start(run_id, Command.PLAN, RunTarget(Selection()), there.now(), Lane.OPERATOR)
        Shards(database, "the run").cut(run_id, Stage.LOOK, [[1]], frozenset(), there.now())
        looked: Any = await plan(return_state=True)
        found = there.report(looked).items[0].condition
        assert found.reason is not Reason.CUSTOMER_BUSY
        assert Leases(database).take(case[0].id, "another run", there.now()) is None
        await shards(run_id, return_state=True)
        assert there.report(looked).items[0].condition == found
