"""Child applications on record: who has something left to do, one intent for each customer, and a run's report."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlmodel import SQLModel, select

from greenlight.ats.applications import Applications, NameDiffers
from greenlight.ats.candidates import Application, Candidate
from greenlight.ats.database import Database
from greenlight.ats.registry import ClientIdTaken
from greenlight.ats.rotations import Rotations
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import ChildApplication, Customer, Provisioning
from greenlight.domain.provisioning import Provision
from greenlight.domain.reasons import Reason
from tests.ats.asking import at_once
from tests.ats.world import NOON, at, bring_in, customer

ORIGINS = ("https://jobs.example.com", "https://b.example")
URN = "urn:li:developerApplication:234"


@pytest.fixture
def applications(database: Database) -> Applications:
    """With two customers who have no application."""
    applications = Applications(database)
    applications.add_customers({"acme": "Acme Ltd", "bolt": "Bolt Ltd"}, NOON)
    return applications


def rows(database: Database, table: type[SQLModel]) -> list[dict[str, Any]]:
    with database.reading() as session:
        return [row.model_dump() for row in session.exec(select(table)).all()]


def put(
    applications: Applications,
    customer_id: str = "acme",
    minute: float = 0,
    *,
    client_id: str | None = None,
    urn: str | None = URN,
    name: str | None = "ATS - Acme",
    domains: Sequence[str] | None = ORIGINS,
) -> None:
    applications.put(
        customer_id,
        client_id or f"client-{customer_id}",
        f"block-{customer_id}",
        at(minute),
        urn=urn,
        name=name,
        js_sdk_domains=domains,
    )


def test_new_customers_are_on_record_without_an_application(database: Database, applications: Applications) -> None:
    assert [(r["customer_id"], r["customer_name"], r["created_at"]) for r in rows(database, Customer)] == [
        ("acme", "Acme Ltd", NOON),
        ("bolt", "Bolt Ltd", NOON),
    ]
    assert rows(database, ChildApplication) == []


def test_the_same_again_changes_nothing(database: Database, applications: Applications) -> None:
    put(applications)
    before = rows(database, Customer), rows(database, ChildApplication)
    applications.add_customers({"acme": "Acme Ltd"}, at(5))
    assert (rows(database, Customer), rows(database, ChildApplication)) == before


def test_another_name_for_a_known_id_adds_nothing(database: Database, applications: Applications) -> None:
    """The id may be mistyped, and LinkedIn would show the wrong customer's name; nobody is added half."""
    before = rows(database, Customer)
    with pytest.raises(NameDiffers, match=r"^customer 'bolt' is on record as 'Bolt Ltd', not 'Bold Ltd'$"):
        applications.add_customers({"new": "New", "bolt": "Bold Ltd", "other": "Other"}, at(1))
    assert rows(database, Customer) == before


def test_those_who_are_named_are_taken_in_their_order_and_once(applications: Applications) -> None:
    """Whoever names a customer wants it looked after, whatever is known of it."""
    put(applications)
    applications.worked("acme", NOON)
    assert applications.select(["bolt", "acme", "bolt"], ORIGINS) == ["bolt", "acme"]


def test_a_name_that_nobody_has_is_refused(applications: Applications) -> None:
    with pytest.raises(UnknownCustomer, match="no customer 'crow', 'zoo' in the ATS database"):
        applications.select(["zoo", "acme", "crow"], ORIGINS)


def test_more_names_than_one_statement_takes(applications: Applications) -> None:
    many = {f"c{number:04}": "C" for number in range(1100)}
    applications.add_customers(many, at(1))
    assert applications.select(list(many), ORIGINS) == list(many)


@pytest.mark.parametrize(
    ("urn", "domains", "works", "due"),
    [
        pytest.param(URN, ORIGINS, True, False, id="all is done"),
        pytest.param(URN, ORIGINS[::-1], True, False, id="the order of domains says nothing"),
        pytest.param(URN, (*ORIGINS, ORIGINS[0]), True, False, id="nor does one that is there twice"),
        pytest.param(URN, ORIGINS, False, True, id="never seen to work"),
        pytest.param(URN, ORIGINS[:1], True, True, id="a domain is missing"),
        pytest.param(URN, (*ORIGINS, "https://c.example"), True, True, id="a domain too many"),
        pytest.param(URN, (), True, True, id="no domain at all"),
        pytest.param(URN, None, True, True, id="domains that nobody knows"),
        pytest.param(None, None, False, False, id="imported: its key is not ours to look after"),
        pytest.param(None, ("https://other.example",), True, False, id="imported, whatever its domains"),
    ],
)
def test_who_has_something_left_to_do(
    applications: Applications, urn: str | None, domains: Sequence[str] | None, works: bool, due: bool
) -> None:
    put(applications, urn=urn, domains=domains)
    if works:
        applications.worked("acme", NOON)
    assert applications.select([], ORIGINS) == (["acme", "bolt"] if due else ["bolt"])


def test_without_names_the_oldest_come_first(applications: Applications) -> None:
    applications.add_customers({"aaa": "A"}, at(5))
    assert applications.select([], ORIGINS) == ["acme", "bolt", "aaa"]


def test_imported_customers_are_not_due(database: Database) -> None:
    """LinkedIn's note: existing customers keep their keys, and Partner Engineering sees to them."""
    bring_in(database, customer("acme"))
    assert Applications(database).select([], ORIGINS) == []
    assert Applications(database).select(["acme"], ORIGINS) == ["acme"]


def test_the_intent_is_on_record_before_anything_is_sent(database: Database, applications: Applications) -> None:
    assert applications.begin("acme", "run-1", at(1)) == Candidate("acme", "Acme Ltd", "acme", False, None)
    (row,) = rows(database, Provisioning)
    assert row == {
        **{"customer_id": "acme", "unique_foreign_id": "acme", "begun_at": at(1), "run_id": "run-1"},
        **dict.fromkeys(("outcome", "reason", "detail", "checked_at")),
    }


def test_whoever_comes_later_knows_that_somebody_tried(applications: Applications) -> None:
    """The first one may have been killed after its request had left: the next one looks before it sends."""
    applications.begin("acme", "run-1", at(1))
    assert applications.begin("acme", "run-1", at(2)).tried_before
    assert applications.begin("acme", "run-2", at(3)).tried_before
    assert not applications.begin("bolt", "run-2", at(3)).tried_before


def test_the_foreign_id_never_changes(database: Database, applications: Applications) -> None:
    """LinkedIn knows the application by it, so another one would make a second application."""
    applications.begin("acme", "run-1", at(1))
    with database.writing() as session:
        session.get_one(Provisioning, "acme").unique_foreign_id = "as it was once"
    for run in ("run-1", "run-2"):
        assert applications.begin("acme", run, at(2)).unique_foreign_id == "as it was once"
    (row,) = rows(database, Provisioning)
    assert (row["unique_foreign_id"], row["begun_at"], row["run_id"]) == ("as it was once", at(1), "run-2")


def test_another_run_begins_without_an_outcome_and_a_repeat_keeps_it(
    database: Database, applications: Applications
) -> None:
    """A task that Prefect repeats must not undo what its run has found; a new run must not show an old run's."""
    applications.begin("acme", "run-1", at(1))
    applications.record("acme", Provision.FAILED, Reason.THROTTLED, at(2), "HTTP 429")
    applications.begin("acme", "run-1", at(3))
    told = [rows(database, Provisioning)[0][name] for name in ("outcome", "reason", "detail", "checked_at")]
    assert told == ["failed", "THROTTLED", "HTTP 429", at(2)]
    applications.begin("acme", "run-2", at(4))
    assert [rows(database, Provisioning)[0][name] for name in ("outcome", "reason", "detail")] == [None] * 3


def test_beginning_tells_what_is_held(applications: Applications) -> None:
    put(applications)
    expected = Application("client-acme", "block-acme", URN, ORIGINS, works=False, own_domains=ORIGINS)
    assert applications.begin("acme", "run-1", NOON).application == expected
    applications.worked("acme", NOON)
    held = applications.begin("acme", "run-1", NOON).application
    assert held == Application("client-acme", "block-acme", URN, ORIGINS, works=True, own_domains=ORIGINS)


def test_of_many_who_begin_at_once_one_is_the_first(database: Database, applications: Applications) -> None:
    """Two that both think they are the first would both send."""
    first: list[bool] = []
    errors = at_once(8, lambda place: first.append(not applications.begin("acme", f"run-{place}", NOON).tried_before))
    assert errors == [None] * 8
    assert sorted(first) == [False] * 7 + [True]
    assert len(rows(database, Provisioning)) == 1


def test_nobody_can_be_begun_who_is_not_on_record(database: Database, applications: Applications) -> None:
    with pytest.raises(UnknownCustomer, match="'nobody'"):
        applications.begin("nobody", "run-1", NOON)
    assert rows(database, Provisioning) == []


def test_what_is_put_on_record(database: Database, applications: Applications) -> None:
    put(applications, minute=1)
    assert rows(database, ChildApplication) == [
        {
            "customer_id": "acme",
            "client_id": "client-acme",
            "credentials_block": "block-acme",
            "application_urn": URN,
            "application_name": "ATS - Acme",
            "js_sdk_domains": list(ORIGINS),
            "own_domains": list(ORIGINS),
            "provisioned_at": at(1),
            "works_since": None,
            "secret_deleted_at": None,
        }
    ]
    assert rows(database, Customer)[0]["customer_name"] == "Acme Ltd"


def test_a_later_put_keeps_when_it_was_made_and_its_name(database: Database, applications: Applications) -> None:
    put(applications, minute=1)
    applications.worked("acme", at(2))
    put(applications, minute=5, name=None, domains=ORIGINS[:1])
    (row,) = rows(database, ChildApplication)
    assert (row["provisioned_at"], row["application_name"], row["works_since"]) == (at(1), "ATS - Acme", at(2))
    assert row["js_sdk_domains"] == list(ORIGINS[:1])


@pytest.mark.parametrize("domains", [None, ()])
def test_domains_that_nobody_knows_are_not_none_at_all(
    database: Database, applications: Applications, domains: Sequence[str] | None
) -> None:
    put(applications, domains=domains)
    assert rows(database, ChildApplication)[0]["js_sdk_domains"] == (list(domains) if domains is not None else None)
    held = applications.begin("acme", "run-1", NOON).application
    assert held is not None
    assert held.js_sdk_domains == domains


def test_a_client_id_of_another_customer_is_refused(database: Database, applications: Applications) -> None:
    """Two customers under one application would see each other's integrations."""
    put(applications, "bolt")
    before = rows(database, ChildApplication)
    with pytest.raises(ClientIdTaken, match="'client-bolt' of customer 'acme' belongs to customer 'bolt'"):
        put(applications, "acme", client_id="client-bolt")
    assert rows(database, ChildApplication) == before


def test_another_application_has_not_been_seen_to_work(applications: Applications) -> None:
    """What was seen was the old one's key."""
    put(applications)
    applications.worked("acme", at(1))
    put(applications, client_id="client-new", urn=f"{URN}5", minute=2)
    held = applications.begin("acme", "run-1", NOON).application
    assert held is not None
    assert (held.client_id, held.works) == ("client-new", False)
    assert "acme" in applications.select([], ORIGINS)


def test_it_works_since_it_was_first_seen_to(database: Database, applications: Applications) -> None:
    put(applications)
    applications.worked("acme", at(1))
    applications.worked("acme", at(9))
    assert rows(database, ChildApplication)[0]["works_since"] == at(1)


def test_who_is_to_be_asked_again_whether_it_works(applications: Applications) -> None:
    """Only this run's, only with an application, only those never seen to work."""
    applications.add_customers({id: id for id in ("crow", "dove", "elk", "fox")}, NOON)
    for id in ("acme", "crow", "dove", "elk", "fox"):
        put(applications, id, urn=f"{URN}-{id}")
    applications.worked("crow", NOON)
    for id, run, outcome in [
        ("acme", "run-1", Provision.CREATED),
        ("bolt", "run-1", Provision.CREATED),
        ("crow", "run-1", Provision.CREATED),
        ("dove", "run-1", Provision.FAILED),
        ("elk", "run-2", Provision.CREATED),
        ("fox", "run-1", Provision.ADOPTED),
    ]:
        applications.begin(id, run, NOON)
        applications.record(id, outcome, Reason.APPLICATION_NOT_READY, NOON)
    held = Application("client-acme", "block-acme", f"{URN}-acme", ORIGINS, works=False, own_domains=ORIGINS)
    acme = (Candidate("acme", "Acme Ltd", "acme", True, held), Provision.CREATED)
    assert applications.not_working_in("run-1", [Provision.CREATED]) == [acme]
    both = applications.not_working_in("run-1", [Provision.CREATED, Provision.ADOPTED])
    assert sorted(candidate.customer_id for candidate, _ in both) == ["acme", "fox"]
    assert applications.not_working_in("run-3", list(Provision)) == []


def test_a_look_in_between_takes_no_mark_of_a_rotation_whose_end_is_not_known(database: Database) -> None:
    bring_in(database, customer("acme"))
    assert not Rotations(database).begin("acme", "run-1", "0123456789ab", NOON).earlier
    applications = Applications(database)
    applications.begin("acme", "run-2", at(1))
    applications.record("acme", Provision.UNCHANGED, Reason.APPLICATION_WORKS, at(1))
    begun = Rotations(database).begin("acme", "run-3", "ba9876543210", at(2))
    assert (begun.before, begun.earlier) == ("0123456789ab", True)
    applications.record("acme", Provision.UPDATED, Reason.APPLICATION_WORKS, at(3), of_rotation=True)
    assert not Rotations(database).begin("acme", "run-4", "ba9876543210", at(4)).earlier
