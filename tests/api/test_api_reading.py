"""What the API shows: customers, integrations and changes, each as the database has it and nothing of another."""

from datetime import timedelta

import httpx
import pytest

from greenlight.ats.api_keys import Scope
from greenlight.ats.database import Database
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.tables import Customer, Provisioning
from greenlight.ats.withdrawals import Withdrawals
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from tests.api.conftest import calling
from tests.ats.world import bring_in, customer, fails, shows
from tests.portal.world import START, Portal, add_customer


async def test_a_customer_is_shown_as_it_is(api: httpx.AsyncClient, portal: Portal) -> None:
    shown = (await api.get("/v1/customers/acme")).json()
    assert (shown["customer_id"], shown["customer_name"], shown["paused"]) == ("acme", "acme Ltd", None)
    assert shown["application"]["state"] == "ready", "it was imported"
    assert shown["application"]["client_id"] == "clientacme"
    assert shown["integrations"] == {"wanted": 1, "withdrawn": 0}
    until = START + timedelta(hours=2)
    Pauses(portal.database).begin(Pause("acme", "they asked", "ops", START, until))
    Withdrawals(portal.database).withdraw("acme", "APPLY_WITH_LINKEDIN", None, "ops", START)
    shown = (await api.get("/v1/customers/acme")).json()
    assert shown["paused"] == {
        "reason": "they asked",
        "paused_by": "ops",
        "since": "2026-03-01T12:00:00Z",
        "until": "2026-03-01T14:00:00Z",
    }
    assert shown["integrations"] == {"wanted": 0, "withdrawn": 1}
    Withdrawals(portal.database).forget("acme", "ops", START)
    shown = (await api.get("/v1/customers/acme")).json()
    assert (shown["customer_name"], shown["forgotten_at"]) == ("forgotten customer", "2026-03-01T12:00:00Z")


async def test_pages_hold_each_customer_once(api: httpx.AsyncClient, portal: Portal) -> None:
    ids = ["acme", "bolt", *(f"c{number:02}" for number in range(9)), "Ünïcode & Co"]
    for id in ids[2:]:
        add_customer(portal.database, id, client_id=f"client{ids.index(id)}")
    got: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        page = (await api.get("/v1/customers", params={"limit": 5, **more})).json()
        assert len(page["customers"]) <= 5
        got += [each["customer_id"] for each in page["customers"]]
        cursor = page["next_cursor"]
    assert sorted(got) == sorted(ids)
    assert len(got) == len(set(got))


async def test_a_page_goes_on_behind_an_id_that_no_rule_allows_today(api: httpx.AsyncClient, portal: Portal) -> None:
    old = ["acme ", "\u200bold", "b\nc"]
    with portal.database.writing() as session:
        for id in old:
            session.add(Customer(customer_id=id, customer_name="Old", created_at=START))
    got: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await api.get("/v1/customers", params={"limit": 1, **({"cursor": cursor} if cursor else {})})
        assert page.status_code == 200, cursor
        got += [each["customer_id"] for each in page.json()["customers"]]
        cursor = page.json()["next_cursor"]
    assert sorted(got) == sorted(["acme", "bolt", *old])


async def test_integrations_say_whose_move_it_is(api: httpx.AsyncClient, portal: Portal) -> None:
    *_, wanted, refused = bring_in(portal.database, customer("corp", ["APPLY_WITH_LINKEDIN", "ONE_CLICK_EXPORT"]))
    shows(portal.database, wanted, Status.PARTNER_READY, START)
    fails(portal.database, refused, START, Reason.CREDENTIALS_REFUSED)
    shown = (await api.get("/v1/customers/corp/integrations")).json()
    assert shown["customer_id"] == "corp"
    first, second = shown["integrations"]
    assert (first["status"], first["reason"], first["whose_move"]) == ("PARTNER_READY", "AWAITING_CUSTOMER", "customer")
    assert first["status_since"] == first["looked_at"] == "2026-03-01T12:00:00Z"
    assert (second["outcome"], second["reason"], second["whose_move"]) == ("failed", "CREDENTIALS_REFUSED", "us")
    assert first["remedy"]
    assert second["remedy"]
    assert {each["integration_type"] for each in (first, second)} == {"APPLY_WITH_LINKEDIN", "ONE_CLICK_EXPORT"}


async def test_changes_come_in_order_and_from_where_one_was(api: httpx.AsyncClient, portal: Portal) -> None:
    *_, id = bring_in(portal.database, customer("corp"))
    for run, status in enumerate((Status.REQUESTED, Status.PARTNER_READY, Status.ENABLED)):
        shows(portal.database, id, status, START + timedelta(minutes=run), purpose=f"observe:run-{run}")
    whole = (await api.get("/v1/changes")).json()
    assert [each["status"] for each in whole["changes"]] == ["REQUESTED", "PARTNER_READY", "ENABLED"]
    assert {each["customer_id"] for each in whole["changes"]} == {"corp"}
    numbers = [each["number"] for each in whole["changes"]]
    assert numbers == sorted(set(numbers))
    first = (await api.get("/v1/changes", params={"limit": 2})).json()
    assert (first["more"], first["next_after"]) == (True, numbers[1])
    rest = (await api.get("/v1/changes", params={"after": first["next_after"]})).json()
    assert [each["number"] for each in rest["changes"]] == numbers[2:]
    assert (rest["more"], rest["next_after"]) == (False, numbers[2])
    none = (await api.get("/v1/changes", params={"after": numbers[2]})).json()
    assert none == {"changes": [], "next_after": numbers[2], "more": False}


@pytest.mark.parametrize("engine_name", ["postgres"])
async def test_a_change_that_is_committed_late_is_not_missed(api: httpx.AsyncClient, portal: Portal) -> None:
    """The first to write is the last to commit, and whoever reads in between must still get it."""
    *_, first, second = bring_in(portal.database, customer("corp", ["APPLY_WITH_LINKEDIN", "ONE_CLICK_EXPORT"]))
    late: Database = portal.database
    with late.engine.connect() as connection:
        connection.exec_driver_sql(f"UPDATE integration SET reason = 'NOT_REQUESTED' WHERE id = {first}")
        shows(portal.database, second, Status.ENABLED, START)
        before = (await api.get("/v1/changes")).json()
        assert [each["status"] for each in before["changes"]] == ["ENABLED"]
        connection.commit()
    after = (await api.get("/v1/changes", params={"after": before["next_after"]})).json()
    assert [each["reason"] for each in after["changes"]] == ["NOT_REQUESTED"]


async def test_who_may_not_read_is_shown_nothing(portal: Portal) -> None:
    others = [scope for scope in Scope if scope is not Scope.CUSTOMERS_READ]
    async with calling(portal, *others) as client:
        for path in ("customers", "customers/acme", "customers/acme/integrations", "changes"):
            answer = await client.get(f"/v1/{path}")
            assert answer.status_code == 403
            assert "acme Ltd" not in answer.text


async def test_what_a_newer_version_has_written_stops_nobody(api: httpx.AsyncClient, portal: Portal) -> None:
    """While a worker is upgraded before the portal, whoever polls gets past each number."""
    *_, id = bring_in(portal.database, customer("corp"))
    shows(portal.database, id, Status.REQUESTED, START)
    _written_by_a_newer_version(portal.database, id)
    shows(portal.database, bring_in(portal.database, customer("later"))[-1], Status.ENABLED, START)
    changes = (await api.get("/v1/changes")).json()["changes"]
    assert [each["status"] for each in changes] == ["REQUESTED", "A_NEW_STATUS", "ENABLED"]
    assert [changes[1][name] for name in ("outcome", "reason", "whose_move")] == [
        "a_new_outcome",
        "A_NEW_ONE",
        "nobody",
    ]
    (shown,) = (await api.get("/v1/customers/corp/integrations")).json()["integrations"]
    assert [shown[name] for name in ("status", "outcome", "reason")] == ["A_NEW_STATUS", "a_new_outcome", "A_NEW_ONE"]
    assert shown["message"]
    assert shown["remedy"]
    for application in (
        (await api.get("/v1/customers/corp")).json()["application"],
        *(
            each["application"]
            for each in (await api.get("/v1/customers")).json()["customers"]
            if each["customer_id"] == "corp"
        ),
    ):
        assert (application["reason"], application["whose_move"]) == ("A_NEW_ONE", "nobody")


def _written_by_a_newer_version(database: Database, id: int) -> None:
    with database.writing() as session:
        tried = Provisioning(customer_id="corp", unique_foreign_id="corp", begun_at=START, run_id="run")
        tried.reason = "A_NEW_ONE"
        session.add(tried)
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        else:
            for column in ("observed", "outcome"):
                connection.exec_driver_sql(f"ALTER TABLE integration DROP CONSTRAINT ck_integration_{column}")
        connection.exec_driver_sql(
            "UPDATE integration SET observed = 'A_NEW_STATUS', outcome = 'a_new_outcome', reason = 'A_NEW_ONE' "
            f"WHERE id = {id}"
        )
        connection.commit()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
