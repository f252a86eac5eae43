"""Shards on record: each is at one process at a time, until it says nothing more, and only while its run lasts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlmodel import func, select

from greenlight.ats.database import Database
from greenlight.ats.leases import LEASE
from greenlight.ats.retention import Retention
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.shards import LASTS, Helped, Shard, Shards, ShardsReplaced, Taken
from greenlight.domain.budget import Lane
from greenlight.domain.plan import RequestTotals
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.shards import Stage
from tests.ats.world import NOON, at

RUN = "run-1"
PARTS = [[1, 2], [3], [4, 5]]
TICK = timedelta(milliseconds=1)


@pytest.fixture
def run(database: Database) -> Shards:
    """The run itself, which has cut three shards at noon."""
    Runs(database).start(RUN, Command.APPLY, RunTarget(Selection()), NOON, Lane.NIGHTLY)
    run = Shards(database, "run")
    run.cut(RUN, Stage.LOOK, PARTS, frozenset({"acme"}), NOON)
    return run


@pytest.fixture
def one(database: Database) -> Shards:
    return Shards(database, "one")


@pytest.fixture
def two(database: Database) -> Shards:
    return Shards(database, "two")


def test_each_gets_a_shard_of_its_own_and_then_there_is_none(
    database: Database, run: Shards, one: Shards, two: Shards
) -> None:
    taken = [shards.take(RUN, NOON) for shards in (run, one, two)]
    assert [shard and shard[:-1] for shard in taken] == [
        (RUN, number, Stage.LOOK, tuple(part), frozenset({"acme"})) for number, part in enumerate(PARTS)
    ]
    assert Shards(database, "another").take(RUN, NOON) is None
    assert run.left(RUN, 3) == 3


def test_who_has_one_gets_another_and_not_the_same(run: Shards, one: Shards) -> None:
    """A process is at several at once."""
    assert [_taken(one, NOON).number for _ in PARTS] == [0, 1, 2]


def test_many_at_the_same_moment_get_each_one_once(run: Shards, database: Database) -> None:
    run.cut(RUN, Stage.LOOK, [[id] for id in range(40)], frozenset(), NOON)

    def work(name: str) -> list[int]:
        mine, shards = list[int](), Shards(database, name)
        while taken := shards.take(RUN, NOON):
            mine.append(taken.number)
            shards.done(taken, NOON, None, [])
        return mine

    with ThreadPoolExecutor(8) as threads:
        found = [number for mine in threads.map(work, map(str, range(8))) for number in mine]
    assert sorted(found) == list(range(40))
    assert run.left(RUN, 40) == 0


def test_whoever_died_keeps_a_shard_no_longer_than_a_lease(run: Shards, one: Shards, two: Shards) -> None:
    first = _taken(one, NOON)
    assert one.keep(first, NOON, RequestTotals(1, 2, 3))
    another = _taken(two, NOON + LEASE - TICK)
    assert another.number != first.number
    two.done(another, NOON, RequestTotals(), [])
    after = _taken(two, NOON + LEASE)
    assert after.number == first.number
    two.done(after, NOON + LEASE, RequestTotals(10, 10, 10), [])
    assert run.helped(RUN).sent == RequestTotals(11, 12, 13), "what the dead one has sent is not forgotten"


def _taken(shards: Shards, now: datetime) -> Taken:
    taken = shards.take(RUN, now)
    assert taken is not None
    return taken


def test_one_that_was_lost_stays_with_whoever_has_it(database: Database, run: Shards, one: Shards, two: Shards) -> None:
    lost = _taken(one, NOON)
    assert _taken(two, NOON + LEASE).number == lost.number
    assert not one.done(lost, NOON + LEASE, RequestTotals(9, 9, 9), ["KeyError"])
    one.give_back(lost, None)
    assert run.left(RUN, 3) == 3
    assert run.helped(RUN) == Helped(0, RequestTotals(9, 9, 9), []), "it is not done, and was sent"
    assert _taken(Shards(database, "three"), NOON + LEASE + TICK).number != lost.number, "it is not free"


def test_one_that_was_given_back_can_be_taken_at_once(run: Shards, one: Shards, two: Shards) -> None:
    given = _taken(one, NOON)
    one.give_back(given, None)
    assert _taken(two, NOON).number == given.number


def test_the_run_learns_what_others_did_and_sent_and_what_ended_badly(run: Shards, one: Shards) -> None:
    ours, theirs = _taken(run, NOON), _taken(one, NOON)
    run.done(ours, NOON, None, [])
    one.done(theirs, NOON, RequestTotals(1, 2, 3), ["KeyError"])
    assert run.helped(RUN) == Helped(1, RequestTotals(1, 2, 3), ["KeyError"])
    assert run.left(RUN, 3) == 1


def _cut(database: Database, run_id: str) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(Shard).where(Shard.run_id == run_id)).one()


def test_nobody_works_for_a_run_that_is_silent_or_over(database: Database, run: Shards, one: Shards) -> None:
    """It was cancelled, or its process is gone: what it decided is nobody's decision any more."""
    assert one.helps(RUN, NOON) == (Command.APPLY, Lane.NIGHTLY, NOON)
    taken = _taken(one, NOON)
    assert one.keep(taken, NOON + LASTS - TICK, RequestTotals())
    for silent in (NOON + LASTS, NOON + LASTS + timedelta(days=1)):
        assert one.take(RUN, silent) is None
        assert one.helps(RUN, silent) is None
        assert not one.keep(taken, silent, RequestTotals())
        assert one.keep(taken, silent, None), "the run itself knows whether it lasts"
    run.lasts(RUN, NOON + LASTS)
    assert one.keep(taken, NOON + LASTS, RequestTotals()), "it was slow, and no more"
    run.over(RUN)
    assert one.take(RUN, NOON) is None
    assert one.helps(RUN, NOON) is None
    assert not one.keep(taken, NOON, None)
    assert _cut(database, RUN) == 0


def test_there_is_nothing_to_help_where_no_such_run_is(run: Shards, database: Database) -> None:
    Runs(database).start("run-2", Command.PLAN, RunTarget(Selection()), NOON, Lane.OPERATOR)
    for other in ("run-2", "run-3"):
        assert run.helps(other, NOON) is None
        assert run.take(other, NOON) is None


def test_the_next_stage_takes_the_place_of_the_one_before(run: Shards, one: Shards) -> None:
    old = _taken(one, NOON)
    run.cut(RUN, Stage.ENABLE, [[7], [8]], frozenset(), at(1))
    one.done(old, at(1), RequestTotals(5, 5, 5), [])
    assert run.left(RUN, 2) == 2, "what is done of the stage before is not done of this one"
    assert [_taken(shards, at(1)).integrations for shards in (one, run)] == [(7,), (8,)]


def test_what_a_killed_run_left_goes_with_it(run: Shards, database: Database) -> None:
    deleted = Retention(database).prune(NOON + timedelta(days=1))
    assert deleted["run"] == 1
    assert _cut(database, RUN) == 0


def test_what_a_killed_run_left_goes_when_another_cuts_a_day_later(run: Shards, database: Database) -> None:
    """It may name customers, who may have to be forgotten."""
    tomorrow = NOON + timedelta(days=1)
    Runs(database).start("run-2", Command.APPLY, RunTarget(Selection()), NOON, Lane.NIGHTLY)
    run.cut("run-2", Stage.LOOK, [[1], [2]], frozenset(), tomorrow)
    assert (_cut(database, RUN), _cut(database, "run-2")) == (3, 2), "it may be slow, and no more"
    run.cut("run-2", Stage.LOOK, [[1], [2]], frozenset(), tomorrow + LASTS + TICK)
    assert (_cut(database, RUN), _cut(database, "run-2")) == (0, 2)


def test_who_has_lost_a_shard_ends_no_other_that_it_has_by_the_same_number(run: Shards, one: Shards) -> None:
    """A process is at two at once, and numbers begin anew with each stage."""
    lost = _taken(one, NOON)
    while taken := run.take(RUN, NOON + LEASE):
        run.done(taken, NOON + LEASE, None, [])
    run.cut(RUN, Stage.ENABLE, [[7]], frozenset(), NOON + LEASE)
    assert _taken(one, NOON + LEASE).number == lost.number
    one.done(lost, NOON + LEASE, RequestTotals(), [])
    assert run.left(RUN, 1) == 1, "it is enabling"
    one.give_back(lost, None)
    assert run.take(RUN, NOON + LEASE) is None, "it is enabling"


def test_who_has_lost_a_shard_is_told_so(run: Shards, one: Shards, two: Shards) -> None:
    lost = _taken(one, NOON)
    assert _taken(two, NOON + LEASE).number == lost.number
    assert not one.keep(lost, NOON + LEASE, RequestTotals(1, 2, 3))
    assert not run.keep(lost, NOON + LEASE, None)
    two.give_back(_taken(two, NOON + LEASE), RequestTotals(4, 4, 4))
    one.give_back(lost, RequestTotals(2, 3, 4))
    assert run.helped(RUN).sent == RequestTotals(6, 7, 8), "of each what it sent, once"


def test_what_was_sent_for_a_stage_is_known_after_it(run: Shards, one: Shards) -> None:
    """Who has lost a shard says so when it notices, and that may be later."""
    lost = _taken(one, NOON)
    run.cut(RUN, Stage.ENABLE, [[7], [8]], frozenset(), NOON, first=False)
    assert not one.keep(lost, NOON, RequestTotals(1, 2, 3))
    one.done(_taken(one, NOON), NOON, RequestTotals(0, 0, 1), [])
    assert run.helped(RUN) == Helped(1, RequestTotals(1, 2, 4), [])


def test_what_one_execution_of_a_run_does_is_not_the_others(database: Database, run: Shards, one: Shards) -> None:
    """Prefect may execute a run once more, and the first is not dead; what it deletes or ends is its own alone."""
    lost = _taken(one, NOON)
    again = Shards(database, "again")
    again.cut(RUN, Stage.LOOK, PARTS, frozenset(), NOON)
    assert not one.keep(lost, NOON, RequestTotals(1, 2, 3))
    with pytest.raises(ShardsReplaced):
        run.left(RUN, 3)
    with pytest.raises(ShardsReplaced):
        run.cut(RUN, Stage.ENABLE, [[7]], frozenset(), NOON, first=False)
    assert run.take(RUN, NOON, cut_by=run.owner) is None
    run.lasts(RUN, NOON + LASTS)
    assert again.helps(RUN, NOON + LASTS) is None, "the other one may be dead"
    run.over(RUN)
    assert again.helps(RUN, NOON) is not None
    assert again.left(RUN, 3) == 3
    one.done(_taken(one, NOON), NOON, RequestTotals(0, 0, 7), [])
    assert again.take(RUN, NOON, cut_by=again.owner) is not None
    assert again.helped(RUN).sent == RequestTotals(0, 0, 7)
    again.over(RUN)
    assert again.helps(RUN, NOON) is None
    assert _cut(database, RUN) == 0
    with pytest.raises(ShardsReplaced):
        again.left(RUN, 3)


def test_shards_that_somebody_deleted_are_not_done(run: Shards, database: Database) -> None:
    Shards(database, "run").over(RUN)
    with pytest.raises(ShardsReplaced):
        run.left(RUN, 3)


def test_who_finds_none_free_writes_nothing(run: Shards, one: Shards, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each helper asks twice a second, and others need SQLite's one lock."""
    for _ in PARTS:
        _taken(run, NOON)

    def writing(self: Database) -> None:
        raise AssertionError

    monkeypatch.setattr(Database, "writing", writing)
    assert one.take(RUN, NOON) is None
