"""Rows that are written together, on both databases."""

from typing import Any

from sqlalchemy import event, text

from greenlight.ats.bulk import add_rows
from greenlight.ats.database import Database
from greenlight.ats.gate import Intents, open_attempts
from greenlight.ats.tables import Customer
from tests.ats.world import at

CUSTOMERS = Customer.__dict__["__table__"]


def row(customer_id: str, name: str) -> dict[str, object]:
    return {"customer_id": customer_id, "customer_name": name, "created_at": at(0)}


def test_those_that_are_there_stay_as_they_are(database: Database) -> None:
    with database.writing() as session:
        add_rows(session, CUSTOMERS, [row("acme", "Acme")])
        add_rows(session, CUSTOMERS, [row("acme", "another name"), row("bolt", "Bolt")])
    with database.reading() as session:
        found = session.connection().execute(text("SELECT customer_id, customer_name FROM customer ORDER BY 1"))
        assert [tuple(each) for each in found] == [("acme", "Acme"), ("bolt", "Bolt")]


def test_it_is_compiled_once(database: Database) -> None:
    hits: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(*given: Any) -> None:
        hits.append(given[4].cache_hit.name)

    for round in range(2):
        for ids in ([1], [1, 2]):
            with database.writing() as session:
                add_rows(session, CUSTOMERS, [row(f"new{round}", "Acme")])
                open_attempts(session, Intents(dict.fromkeys(ids, "client"), "run", None, at(0), at(1)))
        if not round:
            hits.clear()
    assert hits.count("CACHE_HIT") == 4
