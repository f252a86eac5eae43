"""Whoever has left is acted for no more, also by what was under way; it is back when somebody names it anew."""

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from threading import Thread
from typing import Any

import pytest
from sqlmodel import select

from greenlight.ats.api_tables import ProvisioningRequest
from greenlight.ats.applications import Applications
from greenlight.ats.database import Database
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.present import CustomerForgotten
from greenlight.ats.provisioning_requests import ProvisioningRequests
from greenlight.ats.registry import Registration, put_back, register
from greenlight.ats.requests import Requests
from greenlight.ats.rotations import Rotations
from greenlight.ats.tables import ChildApplication, Customer, Integration, Provisioning
from greenlight.ats.tables import Pause as PauseRow
from greenlight.ats.withdrawals import NAMELESS, Withdrawals
from tests.ats.world import TYPES, at, bring_in, customer


def put(database: Database, now: datetime, who: str = "acme") -> None:
    Applications(database).put(who, f"client-{who}", f"child-app-{who}", now, urn="urn:1", name="A", js_sdk_domains=[])


#: What a run under way may still come to write, by what it is.
LATE: dict[str, Callable[[Database], object]] = {
    "an intent": lambda database: Applications(database).begin("acme", "run-1", at(6)),
    "an application": lambda database: put(database, at(6)),
    "that it works": lambda database: Applications(database).worked("acme", at(6)),
    "a new secret": lambda database: Applications(database).renewed("acme"),
    "the intent of a rotation": lambda database: Rotations(database).begin("acme", "run-1", "none", at(6)),
    "the keys from before": lambda database: put_back(database, "acme", "client-acme", at(6)),
    "a pause": lambda database: Pauses(database).begin(Pause("acme", "Jane asked", "ops", at(6), at(60))),
    "a look": lambda database: Requests(database).look_now("acme", at(6)),
    "a withdrawal": lambda database: Withdrawals(database).withdraw("acme", TYPES[0], None, "ops", at(6)),
    "a run that names it": lambda database: Applications(database).select(["acme"], []),
}


@pytest.mark.parametrize("act", LATE.values(), ids=LATE)
def test_what_was_under_way_writes_nothing_of_who_has_left(
    database: Database, act: Callable[[Database], object]
) -> None:
    bring_in(database, customer("acme"))
    put(database, at(2))
    Withdrawals(database).forget("acme", "ann", at(5))
    with pytest.raises(CustomerForgotten, match="'acme' has left"):
        act(database)
    with database.reading() as session:
        row = session.get_one(Customer, "acme")
        assert (row.customer_name, row.forgotten_at) == (NAMELESS, at(5))
        assert session.get_one(ChildApplication, "acme").works_since is None
        assert session.get(Provisioning, "acme") is session.get(PauseRow, "acme") is None


def test_a_first_application_is_not_put_on_record_for_who_has_left(database: Database) -> None:
    bring_in(database, Registration("acme", "Acme", None, []))
    Applications(database).begin("acme", "run-1", at(4))
    Withdrawals(database).forget("acme", "ann", at(5))
    with pytest.raises(CustomerForgotten):
        put(database, at(6))
    with database.reading() as session:
        assert session.get(ChildApplication, "acme") is None
        assert session.get_one(Customer, "acme").forgotten_at == at(5)


def test_a_name_brings_a_customer_back(database: Database) -> None:
    bring_in(database, customer("acme"))
    Withdrawals(database).forget("acme", "ann", at(5))
    Applications(database).add_customers({"acme": "Acme anew"}, at(6))
    with database.reading() as session:
        row = session.get_one(Customer, "acme")
        assert (row.customer_name, row.forgotten_at) == ("Acme anew", None)


def leaving_in(monkeypatch: pytest.MonkeyPatch, database: Database, where: str) -> Thread:
    """Another process forgets the customer at this point, as far as it may; to be waited for."""
    leaving = Thread(target=lambda: Withdrawals(database).forget("acme", "ann", at(5)))
    path, _, name = where.rpartition(".")
    called: Callable[..., Any] = getattr(import_module(path), name)

    def then(*given: Any) -> Any:
        leaving.start()
        leaving.join(0.5)
        return called(*given)

    monkeypatch.setattr(where, then)
    return leaving


def test_who_leaves_while_an_application_is_asked_for_has_no_request(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(database, Registration("acme", "Acme", None, []))
    leaving = leaving_in(monkeypatch, database, "greenlight.ats.provisioning_requests.is_ready")
    assert ProvisioningRequests(database).want("acme", "Acme", at(5))
    leaving.join(30)
    with database.reading() as session:
        assert session.get_one(Customer, "acme").forgotten_at == at(5)
        assert session.get(ProvisioningRequest, "acme") is None


def test_who_leaves_while_an_import_names_it_has_nothing_that_is_wanted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(database, customer("acme"))
    leaving = leaving_in(monkeypatch, database, "greenlight.ats.registering._write_applications")
    register(database, [customer("acme", TYPES[:2])], at(5))
    leaving.join(30)
    with database.reading() as session:
        assert session.get_one(Customer, "acme").forgotten_at == at(5)
        rows = session.exec(select(Integration)).all()
        assert [(row.withdrawn_at, row.integration_name.startswith(NAMELESS)) for row in rows] == [(at(5), True)] * 2
