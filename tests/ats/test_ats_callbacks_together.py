"""Callbacks that are put on record in one transaction: each comes to what it would have come to alone."""

import asyncio

import pytest
from sqlalchemy.exc import NoResultFound
from sqlmodel import select

from greenlight.ats.callbacks import MOST_INTEGRATIONS, Callback, TooManyIntegrations
from greenlight.ats.database import Database
from greenlight.ats.ledger import Warrant, Word
from greenlight.ats.registry import Registration, register
from greenlight.ats.requests import Requests
from tests.ats.asking import evidence, session_of
from tests.ats.world import NOON, TYPES, at, ids_of, integration, key_of

KEY = key_of("4gX03uw")
CONNECT = key_of("4gX03uw", TYPES[1])


@pytest.fixture
def browsers(database: Database) -> tuple[str, str, str]:
    """Two browsers of acme's and one of bolt's, neither of whom has an integration."""
    for id in ("acme", "bolt"):
        register(database, [Registration(id, id.title(), None, [])], NOON)
    return session_of(database), session_of(database, name="two"), session_of(database, "bolt")


def _warrants(database: Database) -> list[tuple[int, str, str | None, object]]:
    with database.reading() as session:
        rows = session.exec(select(Warrant).order_by(Warrant.integration_id))
        return [(row.integration_id, row.word, row.given_by, row.given_at) for row in rows]


def test_two_customers_and_two_browsers_of_one_at_once(database: Database, browsers: tuple[str, str, str]) -> None:
    """One integration each, however many name it, evidence of each browser, and the later one's word."""
    first, second, other = browsers
    asked = [Callback("acme", first, [KEY], at(1)), Callback("bolt", other, [KEY, CONNECT], at(2))]
    assert Requests(database).record_all([*asked, Callback("acme", second, [KEY], at(3))]) == [None] * 3
    acme, *bolt = ids_of(database)
    assert [integration(database, id).customer_id for id in (acme, *bolt)] == ["acme", "bolt", "bolt"]
    assert [integration(database, id).requested_at for id in (acme, *bolt)] == [at(3), at(2), at(2)]
    seen = [(acme, first, at(1), at(1), 1), (acme, second, at(3), at(3), 1)]
    assert evidence(database) == [*seen, *((id, other, at(2), at(2), 1) for id in bolt)]
    words = [(acme, Word.CALLBACK, second, at(3)), *((id, Word.CALLBACK, other, at(2)) for id in bolt)]
    assert _warrants(database) == words


def test_what_is_on_record_already_is_asked_for_anew(database: Database, browsers: tuple[str, str, str]) -> None:
    first, second, other = browsers
    requests = Requests(database)
    requests.record_all([Callback("acme", first, [KEY], at(1)), Callback("bolt", other, [KEY], at(5))])
    # A browser whose callback took its time brings no word back to an earlier one.
    again = [Callback("acme", second, [KEY], at(4)), Callback("bolt", other, [KEY], at(2))]
    assert requests.record_all(again) == [None, None]
    acme, bolt = ids_of(database)
    words = [(acme, Word.CALLBACK, second, at(4)), (bolt, Word.CALLBACK, other, at(5))]
    assert _warrants(database) == words
    assert evidence(database)[-1] == (bolt, other, at(5), at(5), 2)


def test_one_that_names_too_many_is_refused_and_no_other(database: Database, browsers: tuple[str, str, str]) -> None:
    first, second, other = browsers
    many = [key_of(f"k{place}") for place in range(MOST_INTEGRATIONS + 1)]
    asked = [
        Callback("acme", first, many[:-1], at(1)),
        Callback("acme", second, many, at(1)),
        Callback("bolt", other, [KEY], at(1)),
    ]
    refused = Requests(database).record_all(asked)
    assert [type(each) for each in refused] == [type(None), TooManyIntegrations, type(None)]
    assert len(ids_of(database)) == MOST_INTEGRATIONS + 1
    assert {row[1] for row in evidence(database)} == {first, other}


async def test_one_that_fails_takes_no_other_along(database: Database, browsers: tuple[str, str, str]) -> None:
    """The writer does each alone where one of a transaction fails."""
    first, _, other = browsers
    requests, join = Requests(database), database.writer.join

    asked = [
        Callback("acme", first, [KEY], at(1)),
        Callback("nobody", first, [KEY], at(1)),
        Callback("bolt", other, [KEY], at(1)),
    ]
    came = await asyncio.gather(*(join(requests.record_all, each) for each in asked), return_exceptions=True)
    assert [type(each) for each in came] == [type(None), NoResultFound, type(None)]
    assert [integration(database, id).customer_id for id in ids_of(database)] == ["acme", "bolt"]
