"""Whoever has left is acted for no more, also by what was under way; it is back when somebody names it anew."""

from collections.abc import Callable
from datetime import datetime

import pytest

from greenlight.ats.applications import Applications
from greenlight.ats.database import Database
from greenlight.ats.present import CustomerForgotten
from greenlight.ats.registry import Registration, put_back
from greenlight.ats.rotations import Rotations
from greenlight.ats.tables import ChildApplication, Customer, Provisioning
from greenlight.ats.withdrawals import NAMELESS, Withdrawals
from tests.ats.world import at, bring_in, customer


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
        assert session.get(Provisioning, "acme") is None


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
