"""What only reads waits for nobody's lock, and cannot write by mistake."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from greenlight.ats.attempts import Attempts
from greenlight.ats.budgets import Ask, Budgets
from greenlight.ats.database import Database, open_database
from greenlight.ats.tables import Customer
from greenlight.ats.waiting import DatabaseUnavailable, reads, units
from greenlight.domain.budget import Lane
from greenlight.domain.status import Status
from tests.ats.world import NOON, begin, bring_in, customer, one, shows


@contextmanager
def somebody_writes(url: str) -> Iterator[None]:
    """Another process is in the middle of a transaction."""
    other = open_database(url)
    with other.writing() as session:
        session.get_one(Customer, "acme").customer_name = "New"
        session.flush()
        yield
        session.rollback()
    other.close()


def readings(database: Database, id: int) -> list[tuple[Callable[..., object], object]]:
    """The units that are asked for beside others and only read."""
    return [
        (Attempts(database).open_of_all, id),
        (Budgets(database, 5000).refusals, Ask("client-acme", Lane.NIGHTLY, NOON, 0, None)),
    ]


async def test_what_only_reads_does_not_wait_for_who_writes(database: Database, database_url: str) -> None:
    """SQLite has one lock for all who write, and gives it to one at a time."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    attempt_id = begin(database, id)
    with somebody_writes(database_url):
        answers = [
            await asyncio.wait_for(database.writer.join(act, asked), 5)  # pyright: ignore[reportArgumentType]
            for act, asked in readings(database, id)
        ]
    assert getattr(answers[0], "id", None) == attempt_id
    assert answers[1] is None


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_what_only_reads_begins_no_transaction_that_could_write(database: Database) -> None:
    """Also where it is asked for beside what writes, in the same moment."""
    id = one(database)
    begun: list[str] = []
    event.listen(
        database.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: begun.append(statement) if "BEGIN" in statement else None,
    )
    together = [database.writer.join(act, asked) for act, asked in readings(database, id)]  # pyright: ignore[reportArgumentType]
    await asyncio.gather(*together)
    assert begun == ["BEGIN"]
    begun.clear()
    busy = database.writer.do(Budgets(database, 5000).answered, "client-acme", NOON)
    await asyncio.gather(busy, *(database.writer.join(act, asked) for act, asked in readings(database, id)))  # pyright: ignore[reportArgumentType]
    assert sorted(begun) == ["BEGIN", "BEGIN IMMEDIATE"]


def rename(session: Session) -> None:
    session.get_one(Customer, "acme").customer_name = "Written by mistake"
    session.flush()


def name_of(database: Database) -> str:
    with database.reading() as session:
        return session.get_one(Customer, "acme").customer_name


def test_nothing_is_written_where_only_reading_was_meant(database: Database) -> None:
    """And what follows on the same connection may write again."""
    bring_in(database, customer("acme"))
    for _ in range(2):
        with pytest.raises(DBAPIError, match=r"readonly|read-only"), database.reading() as session:
            rename(session)
        assert name_of(database) == "acme Ltd"
    with database.writing() as session:
        rename(session)
    assert name_of(database) == "Written by mistake"


@units
class Liar:
    def __init__(self, database: Database) -> None:
        self._database = database

    @reads
    def rename(self, asked: Sequence[int]) -> list[None]:
        with self._database.writing() as session:
            rename(session)
        return [None] * len(asked)


async def test_a_unit_that_says_that_it_only_reads_and_writes_is_found_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together with others and by itself; it would run into SQLite's snapshot one day."""
    bring_in(database, customer("acme"))
    monkeypatch.setattr("greenlight.ats.waiting.PATIENCE_SECONDS", 0.1)
    with pytest.raises(DatabaseUnavailable, match="takes no writes"):
        await database.writer.join(Liar(database).rename, 1)
    assert name_of(database) == "acme Ltd"
