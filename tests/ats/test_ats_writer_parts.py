"""A unit of several parts is one transaction, in the one order in which rows are taken."""

import asyncio
from collections.abc import Callable, Sequence
from functools import wraps

import pytest
from sqlmodel import select

from greenlight.ats.attempts import Attempts
from greenlight.ats.budgets import Budgets
from greenlight.ats.database import Database
from greenlight.ats.leases import Lease, Leases
from greenlight.ats.store import Store
from greenlight.ats.tables import Customer
from greenlight.ats.writer import Part, _Unit
from tests.ats.test_ats_writer import NOON, TEN, Names, commits
from tests.ats.world import bring_in, customer


@pytest.fixture
def names(database: Database) -> Names:
    bring_in(database, *(customer(who) for who in TEN))
    return Names(database)


async def test_parts_of_one_unit_are_one_transaction_that_ends_with_the_first_that_does_not_go_on(
    database: Database, names: Names
) -> None:
    leases, other = Leases(database), Leases(database)
    other.take(TEN[1], "another", NOON)

    async def one(who: str) -> list[object]:
        take = Part(leases.take_all, Lease(who, "run-1", NOON), lambda holder: holder is None)
        return await database.writer.join_all(take, Part(names.name_all, (who, "taken")))

    with commits(database) as made:
        answers = await asyncio.gather(*(one(who) for who in TEN))
    assert [answer[1:] for answer in answers] == [[] if who == TEN[1] else ["taken"] for who in TEN]
    assert sum(name == "taken" for name in names.of_all().values()) == 9
    assert len(made) <= 2


async def test_of_a_unit_whose_last_part_fails_nothing_is_kept_and_all_of_the_others(
    database: Database, names: Names
) -> None:
    leases = Leases(database)

    def torn(asked: Sequence[str]) -> list[None]:
        if TEN[4] in asked:
            raise ZeroDivisionError
        return [None] * len(asked)

    asked = [database.writer.join_all(Part(leases.take_all, Lease(who, "run-1", NOON)), Part(torn, who)) for who in TEN]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ZeroDivisionError if who == TEN[4] else list for who in TEN]
    with database.reading() as session:
        rows = session.exec(select(Customer))
        assert {row.customer_id for row in rows if row.locked_by == leases.owner} == {*TEN} - {TEN[4]}


async def test_whoever_is_done_with_others_comes_in_one_order(database: Database) -> None:
    """Two who take customers, integrations and the days' requests in this order cannot deadlock."""
    came: list[str] = []
    leases, attempts, store, budgets = Leases(database), Attempts(database), Store(database), Budgets(database, 5)
    acts = (
        leases.release_all,
        leases.take_all,
        attempts.begin_all,
        attempts.end_all,
        store.record_all_looks,
        budgets.take_all,
    )

    def noting(act: Callable[..., object]) -> Callable[[Sequence[None]], list[None]]:
        @wraps(act)
        def noted(asked: Sequence[None]) -> list[None]:
            came.append(act.__name__)
            return [None] * len(asked)

        return noted

    await asyncio.gather(*(database.writer.join(noting(act), None) for act in reversed(acts)))
    assert came == [act.__name__ for act in acts]


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("stays", [False, True])
async def test_who_is_cancelled_takes_nothing_afterwards(
    database: Database, names: Names, several: bool, stays: bool
) -> None:
    """Its batch has failed and it is done again alone, beside what gives back what it would take."""
    asked = (TEN[0], "late")
    parts = (Part(names.name_all, asked), *((Part(lambda given: [None for _ in given], None),) if several else ()))
    waiting = asyncio.get_running_loop().create_future()
    waiting.cancel()
    await database.writer._by_itself(_Unit(parts, stays, False, waiting))
    assert (names.of_all()[TEN[0]] == "late") is stays
