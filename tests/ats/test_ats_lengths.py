"""What is too long for its column: cut where it is there to be read, else refused, on both databases alike."""

from datetime import timedelta

import pytest

from cli.errors import said_plainly
from greenlight.ats.applications import Applications
from greenlight.ats.columns import TooLong
from greenlight.ats.database import Database
from greenlight.ats.facts import FactsOnRecord
from greenlight.ats.looks import Look
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.registry import Registration, register
from greenlight.ats.store import Store, UnknownCustomer
from greenlight.ats.tables import ChildApplication
from greenlight.ats.tables import Pause as PauseRow
from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Action, Planned
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from greenlight.domain.tripwires import tripped
from tests.ats.world import NOON, at, bring_in, customer, ids_of, integration, key_of, one, shows


def record(database: Database, id: int, detail: str) -> str | None:
    condition = Condition(Outcome.FAILED, Reason.REQUEST_REFUSED, detail)
    Store(database).record_looks("observe:r", [Look(id, None, condition, final=True)], at(1))
    return integration(database, id).detail


def test_a_long_reason_of_one_pause_is_no_reason_to_plan_for_nobody(database: Database) -> None:
    """With who paused and until when it is longer than a detail, and the fleet's plan is one transaction."""
    paused, other = bring_in(database, customer("acme"), customer("bolt"))
    for id in (paused, other):
        shows(database, id, Status.REQUESTED)
    Pauses(database).begin(Pause("acme", "x" * 290, "o" * 40, NOON, NOON + timedelta(days=1)))
    facts = FactsOnRecord(database).facts([paused, other], "run-1", at(1), named=())
    observed = Store(database).observed([paused, other], NOON)
    held = tripped(observed, facts)
    assert [len(each.detail or "") > 300 for each in held.values()] == [True]
    planned = [(paused, Planned(item, Action.NONE, condition)) for item, condition in held.items()]
    Store(database).record_plan(planned, at(2))
    detail = integration(database, paused).detail or ""
    assert detail.startswith("by ooo")
    assert len(detail) == 300


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("a" * 300, "a" * 300, id="as long as it may be"),
        pytest.param("a" * 301, "a" * 300, id="one more"),
        pytest.param("a" * 299 + "e\u0301", "a" * 299, id="never in the middle of what a reader takes for one"),
        pytest.param("nothing\x00here", "nothing?here", id="what PostgreSQL cannot hold"),
        pytest.param("half \ud83d", "half ?", id="half of a character"),
    ],
)
def test_a_detail_is_cut(database: Database, text: str, kept: str) -> None:
    assert record(database, one(database), text) == kept


def test_what_linkedin_or_a_person_calls_something_is_cut(database: Database) -> None:
    id = one(database)
    Applications(database).put("acme", "c", "b", NOON, urn="urn:1", name="n" * 999, js_sdk_domains=[])
    Pauses(database).begin(Pause("acme", "r" * 999, "o" * 999, NOON, NOON + timedelta(days=1)))
    with database.reading() as session:
        pause = session.get_one(PauseRow, "acme")
        name = session.get_one(ChildApplication, "acme").application_name
    assert (len(name or ""), len(pause.reason), len(pause.owner)) == (200, 300, 200)
    assert ids_of(database) == [id]


@pytest.mark.parametrize(
    ("registration", "column"),
    [
        (Registration("c" * 129, "n", None, []), "customer.customer_id holds 128 characters"),
        (Registration("c", "n" * 201, None, []), "customer.customer_name holds 200"),
        (Registration("c", "n", ("i" * 129, "b"), []), "child_application.client_id holds 128"),
        (Registration("c", "n", None, [(key_of("c"), "n" * 201)]), "integration.integration_name holds 200"),
    ],
)
def test_an_id_or_a_key_is_refused_and_nothing_is_written(
    database: Database, registration: Registration, column: str
) -> None:
    """Cut, it would be another one."""
    with pytest.raises(TooLong, match=column) as refused:
        register(database, [customer("acme"), registration], NOON)
    assert said_plainly(refused.value) == str(refused.value)
    assert Store(database).select(Selection()) == []


def test_one_can_be_asked_for_however_long(database: Database) -> None:
    with pytest.raises(UnknownCustomer):
        Store(database).select(Selection(customers=("c" * 999,)))
