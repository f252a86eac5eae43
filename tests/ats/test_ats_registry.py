"""Bringing customers in: what changes, what stays, and that it is all of them or none."""

from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import SQLModel, select

from greenlight.ats.attempts import AttemptRefused
from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt
from greenlight.ats.registry import (
    ApplicationReplaced,
    Changes,
    ClientIdTaken,
    Registration,
    check_client_ids,
    put_back,
    register,
)
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from tests.ats.world import NOON, TYPES, at, begin, customer, ids_of, integration, key_of, one, shows, wanted

ACME = customer("acme", TYPES[:2])
BOLT = customer("bolt")


def everything(database: Database) -> list[list[dict[str, Any]]]:
    """Every row of the tables that registering writes to."""
    tables: list[type[SQLModel]] = [Customer, ChildApplication, Integration]
    with database.reading() as session:
        return [[row.model_dump() for row in session.exec(select(table)).all()] for table in tables]


def test_what_is_registered_is_there(database: Database) -> None:
    """Names, keys, the client id and the name of the block, and nothing is known of the integrations yet."""
    assert register(database, [ACME, BOLT], NOON) == Changes(customers_added=2, integrations_added=3)
    first, second, third = (wanted(database, id) for id in ids_of(database))
    assert first.item == ("acme", key_of("acme", TYPES[0]))
    assert second.item == ("acme", key_of("acme", TYPES[1]))
    assert third.item == ("bolt", key_of("bolt"))
    assert (first.client_id, first.credentials_block) == ("client-acme", "child-app-acme")
    assert first.integration_name == "APPLY_WITH_LINKEDIN of acme"
    assert (first.observed, first.observed_at) == (Status.UNKNOWN, None)
    assert first.condition.reason is Reason.NOT_LOOKED_AT


def test_the_same_again_changes_nothing(database: Database) -> None:
    """An import may be repeated after any accident; what runs have found out since is not forgotten."""
    register(database, [ACME, BOLT], NOON)
    shows(database, ids_of(database)[0], Status.REQUESTED)
    before = everything(database)
    assert register(database, [ACME, BOLT], at(5)) == Changes()
    assert everything(database) == before


def test_nobody_is_removed(database: Database) -> None:
    """A file with fewer rows is a smaller import, not an order to forget customers."""
    register(database, [ACME, BOLT], NOON)
    before = everything(database)
    assert register(database, [replace(ACME, integrations=[])], at(5)) == Changes()
    assert everything(database) == before


def test_a_customer_gets_another_name(database: Database) -> None:
    """Customers are renamed; their id stays."""
    register(database, [ACME, BOLT], NOON)
    assert register(database, [replace(ACME, customer_name="Acme & Söhne")], at(5)) == Changes(customers_changed=1)
    with database.reading() as session:
        assert session.get_one(Customer, "acme").customer_name == "Acme & Söhne"
        assert session.get_one(Customer, "acme").created_at == NOON
        assert session.get_one(Customer, "bolt").customer_name == "bolt Ltd"


def test_an_integration_gets_another_name(database: Database) -> None:
    """Its name is what admins see in LinkedIn; what is known of the integration stays."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    renamed = replace(customer("acme"), integrations=[(key_of("acme"), "Careers")])
    assert register(database, [renamed], at(5)) == Changes(integrations_renamed=1)
    row = integration(database, id)
    assert (row.integration_name, row.observed, row.created_at) == ("Careers", "REQUESTED", NOON)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(IntegrationKey("urn:li:organization:Acme", TYPES[0], "JOBS"), id="context, in its case too"),
        pytest.param(IntegrationKey("urn:li:organization:acme", TYPES[2], "JOBS"), id="type"),
        pytest.param(IntegrationKey("urn:li:organization:acme", TYPES[0], "RECRUITER"), id="tenant"),
    ],
)
def test_a_new_integration_of_a_known_customer(database: Database, other: IntegrationKey) -> None:
    """Every part of the key counts: another part is another integration, and the first one stays."""
    id = one(database)
    more = replace(customer("acme"), integrations=[(other, "Another")])
    assert register(database, [more], at(5)) == Changes(integrations_added=1)
    old, new = ids_of(database)
    assert old == id
    assert wanted(database, new).item.key == other
    assert integration(database, new).created_at == at(5)
    assert register(database, [more], at(6)) == Changes()


def test_the_same_key_at_two_customers_is_two_integrations(database: Database) -> None:
    """One company may come to us by two customers, each with an application of its own."""
    shared = [(key_of("acme"), "Shared")]
    changes = register(database, [replace(ACME, integrations=shared), replace(BOLT, integrations=shared)], NOON)
    assert changes.integrations_added == 2


@pytest.mark.parametrize("application", [("client-new", "child-app-acme"), ("client-acme", "block-new")])
def test_new_credentials(database: Database, application: tuple[str, str]) -> None:
    """An application that was replaced, or a block that was moved: the next run acts with the new ones."""
    id = one(database)
    changed = replace(customer("acme"), application=application)
    assert register(database, [changed], at(5)) == Changes(customers_changed=1)
    entry = wanted(database, id)
    assert (entry.client_id, entry.credentials_block) == application


def test_name_and_credentials_together_are_one_changed_customer(database: Database) -> None:
    """The count is of customers."""
    one(database)
    changed = replace(customer("acme"), application=("c", "b"), customer_name="New")
    assert register(database, [changed], at(5)).customers_changed == 1


def test_without_an_application_the_one_on_record_stays(database: Database) -> None:
    """A file without credentials is normal: they were given before and are nowhere to be read again."""
    id = one(database)
    assert register(database, [replace(customer("acme"), application=None)], at(5)) == Changes()
    assert wanted(database, id).client_id == "client-acme"


def test_an_application_may_come_later(database: Database) -> None:
    """Until then the integration is wanted and nothing can be done about it."""
    register(database, [replace(customer("acme"), application=None)], NOON)
    (id,) = ids_of(database)
    assert (wanted(database, id).client_id, wanted(database, id).credentials_block) == (None, None)
    assert register(database, [customer("acme")], at(5)) == Changes(customers_changed=1)
    assert wanted(database, id).client_id == "client-acme"


def test_a_client_id_of_another_customer_stops_everything(database: Database) -> None:
    """All or nothing: nobody should have to find out which half of a file got in."""
    register(database, [ACME, BOLT], NOON)
    before = everything(database)
    thief = Registration("crow", "Crow", ("client-bolt", "x"), [(key_of("crow"), "Crow")])
    changed = [replace(ACME, customer_name="New"), customer("dove"), thief, customer("elk")]
    with pytest.raises(ClientIdTaken, match="'client-bolt' of customer 'crow' belongs to customer 'bolt' already"):
        register(database, changed, at(5))
    assert everything(database) == before
    with pytest.raises(ClientIdTaken, match=r"'crow'.*'bolt'"):
        check_client_ids(database, changed)


def test_one_client_id_twice_in_one_go_stops_everything(database: Database) -> None:
    """The first of the two is not on record yet, and still it is the first."""
    with pytest.raises(ClientIdTaken, match="of customer 'bolt' belongs to customer 'acme'"):
        register(database, [ACME, replace(BOLT, application=ACME.application)], NOON)
    assert everything(database) == [[], [], []]


def test_checking_writes_nothing_and_lets_the_own_client_id_pass(database: Database) -> None:
    """It is asked before credentials are written, so it must neither refuse a repeated import nor change anything."""
    register(database, [ACME], NOON)
    before = everything(database)
    check_client_ids(database, [ACME, BOLT, replace(BOLT, customer_id="crow", application=None)])
    assert everything(database) == before


def test_an_application_that_provisioning_made_is_not_replaced_unasked(database: Database) -> None:
    """Its secret was shown once, and its block is the only copy."""
    register(database, [ACME, BOLT], NOON)
    with database.writing() as session:
        session.get_one(ChildApplication, "acme").application_urn = "urn:li:developerApplication:1"
    before = everything(database)
    shifted = [customer("crow"), replace(ACME, application=("client-new", "child-app-acme"))]
    for refuse in (lambda: register(database, shifted, at(5)), lambda: check_client_ids(database, shifted)):
        with pytest.raises(
            ApplicationReplaced, match=r"'client-new' of customer 'acme'.*'client-acme'.*--replace-cred"
        ):
            refuse()
    assert everything(database) == before
    register(database, [ACME, replace(BOLT, application=("client-b2", "child-app-bolt"))], at(5))
    check_client_ids(database, shifted, ["acme"])
    assert register(database, shifted, at(6), ["acme"]) == Changes(1, 1, 1, 0)


@pytest.mark.parametrize("confirmed", [False, True])
def test_what_was_sent_under_an_application_is_owed_again_when_that_comes_back(
    database: Database, confirmed: bool
) -> None:
    """A wrong file puts another one in its place, and its keys are put back: the enable may land yet."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    attempt_id = begin(database, id, now=at(1))
    if confirmed:
        with database.writing() as session:
            session.get_one(Attempt, attempt_id).confirmed_at = at(1.1)
    register(database, [replace(customer("acme"), application=("client-new", "child-app-acme"))], at(1.2))
    put_back(database, "acme", "client-acme", at(1.3))
    with database.reading() as session:
        attempt = session.get_one(Attempt, attempt_id)
        assert (attempt.outcome, attempt.closed_at) == (None, None)
    shows(database, id, Status.REQUESTED, at(1.4), purpose="observe:2")
    with pytest.raises(AttemptRefused, match="an attempt is open"):
        begin(database, id, "run-2", at(1.5))
    shows(database, id, Status.REQUESTED, at(9), purpose="observe:3")
    if confirmed:
        assert integration(database, id).reason == Reason.CONFIRMED_NOT_SHOWN
    else:
        assert begin(database, id, "run-3", at(9.1)) != attempt_id, "all that may land has landed"
