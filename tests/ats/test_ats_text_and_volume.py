"""Text of all kinds is stored faithfully, and many customers are no reason to wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlmodel import SQLModel

from greenlight.ats.database import Database
from greenlight.ats.looks import Look
from greenlight.ats.registry import Changes, Registration, register
from greenlight.ats.runs import Runs
from greenlight.ats.store import Store, UnknownCustomer
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.domain.conditions import Condition
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from tests.ats.world import NOON, at, customer, key_of, wanted

MANY = 12_000
TEXTS = [
    pytest.param("👩🏽‍💻 Überholz & Söhne ☕", id="emoji of several parts"),
    pytest.param("'; DROP TABLE integration; --", id="a statement"),
    pytest.param("""a'b"c`d\\e\\'f""", id="quotes and backslashes"),
    pytest.param("100% _any_ %(name)s :name {x} $1 ?", id="placeholders of all kinds"),
    pytest.param("شركة \u202eabc\u202c ב״ה", id="from right to left"),
    pytest.param("e\u0301 é \u00a0 \u200b ﬁ", id="not in any normal form"),
    pytest.param(" blank at both ends ", id="blanks"),
    pytest.param("NULL", id="the word for nothing"),
    pytest.param("龍" * 128, id="as long as it may be"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_as_it_went_in(database: Database, text: str) -> None:
    """As a customer's id and name, an integration's name, a block's name, a detail, and in a selection."""
    registration = Registration(text, text, (text, text), [(key_of("acme"), text)])
    register(database, [registration, customer("bolt")], NOON)
    store = Store(database)
    (id,) = store.select(Selection(customers=(text,)))
    condition = Condition(Outcome.FAILED, Reason.REQUEST_REFUSED, text)
    store.record_looks("observe:r", [Look(id, None, condition, final=True)], at(1))
    entry = wanted(database, id)
    assert (entry.item.customer_id, entry.integration_name) == (text, text)
    assert (entry.client_id, entry.credentials_block, entry.condition.detail) == (text, text, text)
    assert len(store.select(Selection(excluded=(text,)))) == 1
    (shown,) = Runs(database).known(Command.STATUS, Selection(customers=(text,))).items
    assert shown.customer_name == text
    assert register(database, [registration], at(2)) == Changes()


def test_customers_that_look_the_same_are_not(database: Database) -> None:
    """Ids are the ATS's own: neither case, nor blanks, nor how an accent is written may make two customers one."""
    ids = ["acme", "ACME", "acme ", "acmé", "acme\u0301"]
    register(database, [replace(customer("x"), customer_id=id, application=None) for id in ids], NOON)
    for id in ids:
        (only,) = Store(database).select(Selection(customers=(id,)))
        assert wanted(database, only).item.customer_id == id
    with pytest.raises(UnknownCustomer):
        Store(database).select(Selection(customers=("acm%",)))


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are sent in the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_many_integrations_of_one_customer_are_registered_together(database: Database) -> None:
    """A statement for each would be minutes over a network; SQLite has none in between."""
    keys = [(IntegrationKey(f"urn:li:organization:{n}", "CSA_API", "JOBS"), "x") for n in range(2_000)]
    many = [replace(customer("acme"), integrations=keys)]
    with counted(database) as sent:
        assert register(database, many, NOON).integrations_added == 2_000
    assert len(sent) < 60, "a few for each of the four parts that it is written in"
    with counted(database) as sent:
        assert register(database, many, NOON) == Changes()
    assert len(sent) < 45


def test_registering_a_customer_costs_the_same_however_many_there_are(database: Database) -> None:
    """An import of thousands must not get slower from row to row."""
    costs = []
    for start in (0, 150):
        with counted(database) as sent:
            changes = register(database, [customer(f"c{start + n}") for n in range(150)], NOON)
        assert (changes.customers_added, changes.integrations_added) == (150, 150)
        costs.append(len(sent))
    assert costs[0] == costs[1] <= 40


def test_many_customers_are_read_in_few_statements(database: Database) -> None:
    """Twelve thousand customers: all that reads them takes a statement for some hundreds, never one for each."""
    names = [f"c{n}" for n in range(MANY)]
    with database.writing() as session:
        for table, rows in seeds(names).items():
            session.execute(insert(table), rows)
    store, runs = Store(database), Runs(database)
    with counted(database) as sent:
        ids = store.select(Selection())
        assert [entry.client_id for entry in store.wanted(ids)] == names
        assert store.select(Selection(customers=tuple(names[1:]))) == ids[1:]
        assert store.select(Selection(excluded=tuple(names[1:]))) == ids[:1]
        assert store.observed(ids, NOON) == {}
        assert len(runs.known(Command.STATUS, Selection()).items) == MANY
    assert len(sent) < 150


def seeds(names: list[str]) -> dict[type[SQLModel], list[dict[str, Any]]]:
    """A customer of each name, with an application and an integration."""
    known = {"observed": "UNKNOWN", "action": "none", "outcome": "not_looked_at", "reason": "NOT_LOOKED_AT"}
    key = {"integration_context": "urn:li:organization:o", "integration_type": "CSA_API", "tenant_type": "JOBS"}
    return {
        Customer: [{"customer_id": name, "customer_name": name, "created_at": NOON} for name in names],
        ChildApplication: [{"customer_id": name, "client_id": name, "credentials_block": name} for name in names],
        Integration: [
            {"customer_id": name, "integration_name": name, "created_at": NOON, **key, **known} for name in names
        ],
    }
