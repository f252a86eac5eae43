"""A large run in shards: with helpers, without any, and with helpers that die; who helps decides nothing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest
from sqlmodel import col, select, update

from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import What
from flows.shards import shards
from greenlight.ats.shards import Shard, Shards
from greenlight.ats.tables import Run
from greenlight.domain.shards import Stage
from tasks.parts.chunks import enable_chunks
from tasks.sequences import shards as sequence
from tests.flows.fault_world import Case, import_file, world

ENABLED = ("enabled", "ENABLED", "ENABLED")
CASES = tuple(Case(f"c{number:02}", "an ordinary customer", ENABLED) for number in range(12))
ONCE = {"received": 1, "effective": 1}
IN_SHARDS = {"GREENLIGHT_SHARD_SIZE": "2"}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, helpers: list[asyncio.Task[Any]]) -> None:
    """The run itself does nothing before a helper has begun, so that there is something to see."""
    work, begun = sequence._work, asyncio.Event()

    async def later(taken: Any, *, helping: bool) -> Any:
        if not helping:
            await asyncio.wait_for(begun.wait(), 60)
        begun.set()
        return await work(taken, helping=helping)

    monkeypatch.setattr(sequence, "_work", later)


async def test_all_is_enabled_once_and_told_as_if_the_run_had_been_alone(
    town: Any, helpers: list[asyncio.Task[Any]], waits: None
) -> None:
    async with town(world(CASES), **IN_SHARDS) as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.APPLY, return_state=True)
        ends = await asyncio.gather(*helpers)
        assert sum(int(end.message.split()[0]) for end in ends if end.name == "Helped") > 0
        assert state.name == "Converged"
        report = there.report(state)
        assert {entry.condition.outcome.value for entry in report.items} == {"enabled"}
        assert len(report.items) == len(CASES)
        assert set(map(str, there.enables().values())) == {str(ONCE)}
        sent, counted = there.operations(), report.requests
        assert counted is not None
        assert (counted.token, counted.verify, counted.enable) == tuple(
            sent.count(kind) for kind in ("token", "verify", "enable")
        ), "what helpers sent is the run's"
        assert there.violations() == []
        with there.database.reading() as session:
            assert session.exec(select(Shard)).all() == []
            assert set(session.exec(select(Run.shards_until))) == {None}


async def test_without_any_helper_the_run_does_it_all_and_says_so(
    town: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such deployment is known to this Prefect server, which is as good as a pool without a worker."""
    tasks: set[int] = set()

    def chunks(wanted: Any, most: int) -> Any:
        tasks.add(most)
        return enable_chunks(wanted, most)

    monkeypatch.setattr("tasks.enable.enable_chunks", chunks)
    async with town(world(CASES), **IN_SHARDS) as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.APPLY, return_state=True)
        assert state.name == "Converged"
        assert set(map(str, there.enables().values())) == {str(ONCE)}
    assert tasks == {1}, "many shards are not many times the task runs of one"
    said = [record.message for record in caplog.records if "no helper ended a shard" in record.message]
    assert [line.split(":")[0] for line in said] == ["look", "enable"]


async def test_the_cap_is_the_runs_and_no_shards(town: Any, helpers: list[asyncio.Task[Any]]) -> None:
    async with town(world(CASES), **IN_SHARDS) as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.APPLY, max_changes=5, return_state=True)
        await asyncio.gather(*helpers)
        assert there.operations().count("enable") == 5
        assert sum(entry.condition.reason.value == "HELD_BY_CAP" for entry in there.report(state).items) == 7


async def test_who_helps_a_run_that_only_plans_has_nothing_that_could_enable(
    town: Any, helpers: list[asyncio.Task[Any]], waits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    could: list[bool] = []
    work = sequence._work

    async def seen(taken: Any, *, helping: bool) -> Any:
        if helping:
            could.append(sequence.current_resources().enabling is not None)
        return await work(taken, helping=helping)

    monkeypatch.setattr(sequence, "_work", seen)
    async with town(world(CASES), **IN_SHARDS) as there:
        await there.bring_in(import_file(CASES))
        state: Any = await plan(return_state=True)
        assert state.name == "Planned"
        await asyncio.gather(*helpers)
        assert set(could) == {False}
        assert "enable" not in there.operations()


async def test_a_shard_whose_helper_died_is_taken_over(
    town: Any, helpers: list[asyncio.Task[Any]], waits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever helps dies in the middle of a shard of enables, and gives nothing back."""
    monkeypatch.setattr("greenlight.ats.shards.LEASE", timedelta(seconds=2))
    # A process that is killed closes nothing; here the other half of it would have to.
    monkeypatch.setattr(sequence, "AT_ONCE", 1)
    give_back = Shards.give_back

    async def dies(
        run_id: str, ids: Any, *, whole: Callable[..., Any] = sequence.SHARE[Stage.ENABLE], **_: Any
    ) -> None:
        this = asyncio.current_task()
        assert this is not None
        if sequence.current_resources().shards.owner in killed:
            await whole(run_id, ids[:1])
            raise asyncio.CancelledError
        await whole(run_id, ids)

    killed: set[str] = set()
    work = sequence._work

    async def marked(taken: Any, *, helping: bool) -> Any:
        if helping:
            killed.add(sequence.current_resources().shards.owner)
        return await work(taken, helping=helping)

    monkeypatch.setattr(sequence, "_work", marked)
    monkeypatch.setitem(sequence.SHARE, Stage.ENABLE, dies)
    monkeypatch.setattr(
        Shards, "give_back", lambda self, *given: None if self.owner in killed else give_back(self, *given)
    )
    async with town(world(CASES), **IN_SHARDS) as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.APPLY, return_state=True)
        await asyncio.gather(*helpers, return_exceptions=True)
        assert killed
        assert state.name == "Converged"
        assert {entry.condition.outcome.value for entry in there.report(state).items} == {"enabled"}
        assert set(map(str, there.enables().values())) == {str(ONCE)}


async def test_a_shard_that_is_done_by_two_at_once_is_enabled_once(
    town: Any, helpers: list[asyncio.Task[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody takes every shard, as if each had lost it to the other: leases and intents keep them apart."""
    taken_by: set[tuple[str, str, int]] = set()
    begun: dict[tuple[str, int], asyncio.Event] = {}
    work, take, turns = sequence._work, Shards.take, Lock()

    def takes(self: Shards, run_id: str, now: Any, **_: Any) -> Any:
        with turns:
            with self._database.reading() as session:
                open = select(Shard).where(Shard.run_id == run_id, col(Shard.done_at).is_(None))
                there = [(row.stage, row.number) for row in session.exec(open.order_by(col(Shard.number)))]
            for stage, number in there:
                if (self.owner, stage, number) in taken_by:
                    continue
                this = (Shard.run_id == run_id, Shard.stage == stage, Shard.number == number)
                with self._database.writing() as session:
                    session.execute(update(Shard).where(*this).values(taken_until=None))
                taken = take(self, run_id, now)
                if taken is not None:
                    taken_by.add((self.owner, taken.stage, taken.number))
                return taken
        return None

    async def together(taken: Any, *, helping: bool) -> Any:
        event = begun.setdefault((taken.stage, taken.number), asyncio.Event())
        if helping:
            event.set()
        await asyncio.wait_for(event.wait(), 60)
        return await work(taken, helping=helping)

    monkeypatch.setattr(Shards, "take", takes)
    monkeypatch.setattr(sequence, "_work", together)
    async with town(world(CASES), GREENLIGHT_SHARD_SIZE="6") as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.APPLY, return_state=True)
        await asyncio.gather(*helpers)
        assert len({owner for owner, stage, _ in taken_by if stage == "enable"}) > 1
        assert {entry.condition.outcome.value for entry in there.report(state).items} == {"enabled"}
        assert set(map(str, there.enables().values())) == {str(ONCE)}


async def test_nobody_helps_a_run_that_is_over_or_was_never_there(town: Any) -> None:
    async with town(world(CASES)) as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.PLAN, return_state=True)
        before = len(there.operations())
        for run_id in (str(state.state_details.flow_run_id), "01998f6e-0000-7000-8000-000000000000"):
            end: Any = await shards(run_id, return_state=True)
            assert end.name == "NothingLeft"
        refused: Any = await shards("acme", return_state=True)
        assert refused.name == "Refused"
        assert len(there.operations()) == before
