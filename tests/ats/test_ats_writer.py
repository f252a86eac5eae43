"""Work that is asked for side by side is done together, and one unit's accident stays its own."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import event
from sqlmodel import select

from greenlight.ats import writer
from greenlight.ats.database import Database
from greenlight.ats.leases import Lease, Leases
from greenlight.ats.tables import Customer
from greenlight.ats.waiting import Turn, in_turn, units
from tests.ats.world import bring_in, customer

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TEN = [f"customer-{number}" for number in range(10)]


@units
class Names:
    """A store of two kinds of work, one that is done for many at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.at_once: list[int] = []

    def name(self, customer_id: str, name: str) -> str:
        with self._database.writing() as session:
            session.get_one(Customer, customer_id).customer_name = name
            session.flush()
            if name == "bad":
                raise ZeroDivisionError
        return name

    def name_all(self, asked: Sequence[tuple[str, str]]) -> list[str | Exception]:
        self.at_once.append(len(asked))
        with self._database.writing() as session:
            for customer_id, name in asked:
                session.get_one(Customer, customer_id).customer_name = name
        return [LookupError(name) if name == "refused" else name for _, name in asked]

    def of_all(self) -> dict[str, str]:
        with self._database.reading() as session:
            return {row.customer_id: row.customer_name for row in session.exec(select(Customer))}


@pytest.fixture
def names(database: Database) -> Names:
    bring_in(database, *(customer(who) for who in TEN))
    return Names(database)


@contextmanager
def commits(database: Database) -> Iterator[list[str]]:
    found: list[str] = []
    heard = lambda _: found.append("commit")  # noqa: E731
    event.listen(database.engine, "commit", heard)
    try:
        yield found
    finally:
        event.remove(database.engine, "commit", heard)


async def test_what_is_asked_side_by_side_is_one_transaction_and_each_gets_its_own_answer(
    database: Database, names: Names
) -> None:
    with commits(database) as made:
        answers = await asyncio.gather(*(database.writer.do(names.name, who, f"of {who}") for who in TEN))
    assert answers == [f"of {who}" for who in TEN]
    assert names.of_all() == {who: f"of {who}" for who in TEN}
    assert len(made) <= 2


async def test_what_comes_while_a_transaction_is_under_way_goes_into_the_next(database: Database, names: Names) -> None:
    async def later(who: str) -> str:
        await asyncio.sleep(0.001 * TEN.index(who))
        return await database.writer.join(names.name_all, (who, "later"))

    assert await asyncio.gather(*(later(who) for who in TEN)) == ["later"] * 10
    assert sum(names.at_once) == 10


async def test_one_units_accident_is_its_own_and_nothing_of_it_is_kept(database: Database, names: Names) -> None:
    before = names.of_all()
    asked = [database.writer.do(names.name, who, "bad" if who == TEN[4] else "good") for who in TEN]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ZeroDivisionError if who == TEN[4] else str for who in TEN]
    assert names.of_all() == {who: before[who] if who == TEN[4] else "good" for who in TEN}


async def test_an_answer_that_is_an_exception_is_raised_to_who_asked_and_undoes_nothing(
    database: Database, names: Names
) -> None:
    asked = [database.writer.join(names.name_all, (who, "refused" if who == TEN[4] else "good")) for who in TEN]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [LookupError if who == TEN[4] else str for who in TEN]
    assert names.at_once == [10]
    assert names.of_all()[TEN[4]] == "refused"


async def test_a_unit_begins_with_nothing_that_another_remembers(database: Database, names: Names) -> None:
    """What one unit has read is read again by the next, also after a statement that bypasses what is remembered."""
    leases = Leases(database)

    def read_and_keep() -> object:
        with database.writing() as session:
            return session.get_one(Customer, TEN[0]).locked_by

    def look_again() -> object:
        with database.reading() as session:
            return session.get_one(Customer, TEN[0]).locked_by

    in_turn(Turn.GIVE_BACK)(read_and_keep)
    kept, taken, seen = await asyncio.gather(
        database.writer.do(read_and_keep),
        database.writer.join(leases.take_all, Lease(TEN[0], "run-1", NOON)),
        database.writer.do(look_again),
    )
    assert (kept, taken, seen) == (None, None, leases.owner)


async def test_who_is_cancelled_takes_nothing_from_others(database: Database, names: Names) -> None:
    tasks = [asyncio.create_task(database.writer.do(names.name, who, "told")) for who in TEN]
    await asyncio.sleep(0)
    tasks[3].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError if n == 3 else str for n in range(10)]
    assert set(names.of_all().values()) == {"told"}


async def test_one_that_waits_for_the_database_keeps_no_other(
    database: Database, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is hindered is alone with that, also those that come after."""
    hindered, told = threading.Event(), list[str]()

    def wait_for_it(who: str) -> str:
        if not hindered.wait(0):
            # As long as a lock that somebody else keeps.
            hindered.wait(20)
            raise ZeroDivisionError
        return who

    async def ask(who: str) -> None:
        told.append(await database.writer.do(names.name, who, "told"))

    slow = asyncio.create_task(database.writer.do(wait_for_it, "slow"))
    monkeypatch.setattr(Database, "together", _refused)
    await asyncio.gather(*(ask(who) for who in TEN))
    assert sorted(told) == ["told"] * 10
    assert not slow.done()
    hindered.set()
    with pytest.raises(ZeroDivisionError):
        await slow


@contextmanager
def _refused(_: Database) -> Iterator[None]:
    raise ZeroDivisionError
    yield


async def test_what_nobody_waits_for_is_not_begun_but_what_is_known_is_written(
    database: Database, names: Names
) -> None:
    asked = asyncio.create_task(database.writer.join(names.name_all, (TEN[0], "asked")))
    known = asyncio.create_task(database.writer.do(names.name, TEN[1], "known"))
    stays = asyncio.create_task(database.writer.join(names.name_all, (TEN[2], "stays"), stays=True))
    await asyncio.sleep(0)
    for task in (asked, known, stays):
        task.cancel()
    await asyncio.gather(asked, known, stays, return_exceptions=True)
    assert await database.writer.do(names.name, TEN[3], "next") == "next"
    now = names.of_all()
    assert [now[who] for who in TEN[1:4]] == ["known", "stays", "next"]
    assert now[TEN[0]] != "asked"


async def test_who_closes_the_database_can_wait_until_nothing_is_under_way(database: Database, names: Names) -> None:
    tasks = [
        asyncio.create_task(database.writer.do(names.name, who, "bad" if who == TEN[0] else "told")) for who in TEN
    ]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await database.writer.settled()
    assert list(names.of_all().values()).count("told") == 9
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_without_a_thread_everybody_is_told(
    database: Database, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without:
        without.setattr(asyncio, "to_thread", none)
        asked = [database.writer.do(names.name, who, "told") for who in TEN]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {str(answer) for answer in answers} == {"RuntimeError: can't start new thread"}
    assert await database.writer.do(names.name, TEN[0], "told") == "told"


def test_what_is_known_is_written_where_the_loop_ends(database: Database, names: Names) -> None:
    async def leave() -> None:
        for who in TEN[:3]:
            task = asyncio.create_task(database.writer.do(names.name, who, "known"))
            await asyncio.sleep(0)
            kept.append(task)
        await asyncio.sleep(0)

    kept: list[asyncio.Task[str]] = []
    asyncio.run(leave())
    assert {names.of_all()[who] for who in TEN[:3]} == {"known"}


def test_another_loop_goes_on_where_one_was_ended_in_the_middle(database: Database, names: Names) -> None:
    async def leave() -> None:
        task = asyncio.create_task(database.writer.do(names.name, TEN[0], "left"))
        await asyncio.sleep(0)
        del task

    asyncio.run(leave())
    assert asyncio.run(database.writer.do(names.name, TEN[1], "next")) == "next"


async def test_where_much_is_asked_the_next_ones_are_waited_for(
    database: Database, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit costs more than a moment's wait; a single click has nobody to wait for."""
    monkeypatch.setattr(writer, "BUSY_SECONDS", 60.0)
    monkeypatch.setattr(writer, "GATHER_SECONDS", 0.5)

    async def later(rounds: int) -> str:
        for _ in range(rounds):
            await asyncio.sleep(0)
        return await database.writer.join(names.name_all, (TEN[0], f"round {rounds}"))

    await asyncio.gather(*(later(0) for _ in range(writer.BUSY_UNITS)))
    names.at_once.clear()
    await asyncio.gather(*(later(rounds) for rounds in range(0, 50, 10)))
    assert names.at_once == [5]
