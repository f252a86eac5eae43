"""What the tables themselves keep: times with their zone, and no row that makes no sense."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel

from greenlight.ats.database import Database, open_database
from greenlight.ats.ledger import Attempt
from greenlight.ats.looks import Look
from greenlight.ats.store import Store
from greenlight.ats.tables import ChildApplication, Customer, Integration, Plan, PlanItem, Run
from greenlight.domain.conditions import after_look
from greenlight.domain.status import Observation, Status
from tests.ats.world import NOON, at, bring_in, customer, integration, one

INDIA = timezone(timedelta(hours=5, minutes=30))


def insert(database: Database, *rows: SQLModel) -> None:
    with database.writing() as session:
        session.add_all(rows)


def attempt(id: int, **values: Any) -> Attempt:
    told = {"integration_id": id, "run_id": "r", "client_id": "c", "opened_at": NOON, "settles_at": NOON}
    return Attempt(**(told | values))


def test_a_time_comes_back_as_the_same_moment_in_utc(database: Database) -> None:
    """Times are compared and shown as they are read, so both databases have to give the same ones, to the µs."""
    local = datetime(2026, 3, 1, 0, 15, 30, 123456, tzinfo=INDIA)
    insert(database, Customer(customer_id="a", customer_name="A", created_at=local))
    with database.reading() as session:
        read = session.get_one(Customer, "a").created_at
    assert read == local
    assert read.tzinfo is UTC
    assert (read.day, read.hour, read.minute, read.microsecond) == (28, 18, 45, 123456)


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_a_server_in_another_time_zone_gives_utc_too(database_url: str) -> None:
    """PostgreSQL answers in the zone of the session, which is whatever its administrator likes."""
    url = make_url(database_url).update_query_dict({"options": "-c timezone=Asia/Kolkata"})
    database = open_database(url.render_as_string(hide_password=False))
    try:
        id = one(database)
        assert integration(database, id).created_at.tzinfo is UTC
        assert integration(database, id).created_at == NOON
    finally:
        database.close()


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    """Nobody can say which moment it is, and a wrong guess is off by hours."""
    with pytest.raises(StatementError, match="a time without a zone cannot be stored"):
        insert(database, Customer(customer_id="a", customer_name="A", created_at=datetime(2026, 3, 1, 12)))
    assert bring_in(database) == []


def test_no_time_stays_no_time(database: Database) -> None:
    """Never looked at is not the same as looked at long ago."""
    row = integration(database, one(database))
    assert (row.observed_at, row.condition_since, row.checked_at, row.next_try_at) == (None, None, None, None)


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param({"outcome": "confirmed"}, id="an outcome without an end"),
        pytest.param({"closed_at": NOON}, id="an end without an outcome"),
        pytest.param({"closed_at": NOON, "outcome": "perhaps"}, id="an outcome that is none"),
    ],
)
def test_an_attempt_that_makes_no_sense_is_refused(database: Database, nonsense: dict[str, Any]) -> None:
    """The ledger says whether something irreversible happened: the database itself refuses half an answer."""
    id = one(database)
    with pytest.raises(IntegrityError):
        insert(database, attempt(id, **nonsense))


def test_a_second_open_attempt_is_refused(database: Database) -> None:
    """Two open attempts could be two requests on their way; any number of closed ones is history."""
    id = one(database)
    ended = {"closed_at": NOON, "outcome": "not_applied"}
    insert(database, attempt(id, **ended), attempt(id, **ended), attempt(id))
    with pytest.raises(IntegrityError):
        insert(database, attempt(id))


def test_open_attempts_at_different_integrations_do_not_meet(database: Database) -> None:
    """One customer's doubt must not stop another's enable."""
    first, second = bring_in(database, customer("a"), customer("b"))
    insert(database, attempt(first), attempt(second))


@pytest.mark.parametrize("column", ["observed", "action", "outcome"])
def test_an_integration_with_an_unknown_code_is_refused(database: Database, column: str) -> None:
    """Reading it would fail on every report from then on, so it is better not to be there."""
    id = one(database)
    with pytest.raises(IntegrityError), database.writing() as session:
        setattr(session.get_one(Integration, id), column, "BOGUS")


def test_a_plan_with_an_unknown_action_is_refused(database: Database) -> None:
    """A plan is a promise of what will be done, in words that are all known."""
    id = one(database)
    plan = Plan(plan_id="p", created_at=NOON, scope={}, token_requests=0, verify_requests=0, enable_requests=0)
    insert(database, plan)
    with pytest.raises(IntegrityError):
        insert(database, PlanItem(plan_id="p", integration_id=id, action="disable", reason="x"))


def test_the_same_key_twice_for_one_customer_is_refused(database: Database) -> None:
    """It would be enabled twice; for another customer the same key is another integration."""
    first, _ = bring_in(database, customer("a"), customer("b"))
    row = integration(database, first)
    key = {name: getattr(row, name) for name in ("integration_context", "integration_type", "tenant_type")}
    insert(database, Integration(customer_id="b", integration_name="x", created_at=NOON, **key))
    with pytest.raises(IntegrityError):
        insert(database, Integration(customer_id="a", integration_name="x", created_at=NOON, **key))


def test_one_client_id_for_two_customers_is_refused(database: Database) -> None:
    """A child application is one customer's; with another's, we would act in the wrong name."""
    bring_in(database, customer("a"))
    insert(database, Customer(customer_id="b", customer_name="B", created_at=NOON))
    with pytest.raises(IntegrityError):
        insert(database, ChildApplication(customer_id="b", client_id="client-a", credentials_block="x"))


def test_a_scope_comes_back_as_it_was_written(database: Database) -> None:
    """A report is drawn from the scope of its run, long after the run has ended."""
    scope = {"customers": ["a", "ü"], "excluded": [], "types": ["CSA_API"]}
    insert(database, Run(run_id="r", command="plan", scope=scope, started_at=at(0)))
    with database.reading() as session:
        assert session.get_one(Run, "r").scope == scope


def test_a_status_of_many_backslashes_fits(database: Database) -> None:
    """PostgreSQL takes no more than a column holds, and quoting a backslash doubles it."""
    id = one(database)
    seen = Observation(Status.UNKNOWN, "\\" * 200)
    Store(database).record_looks("observe:run", [Look(id, seen, after_look(seen), final=True)], at(1))
    assert integration(database, id).observed == Status.UNKNOWN


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_what_is_committed_to_a_file_survives_a_power_cut(database: Database) -> None:
    """An intent that is lost with the power is an enable that is sent twice: every commit is on the disk."""
    with database.reading() as reading, database.writing() as writing:
        for session in (reading, writing):
            assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
