"""What a source drops, beside enables that are on their way and beside a person's no: neither is lost."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from time import sleep

import pytest
from sqlmodel import col, func, select

from greenlight.ats.attempts import AttemptHeld
from greenlight.ats.ledger import Attempt, Warrant
from greenlight.ats.registry import Registration
from greenlight.ats.tables import Customer, Integration
from greenlight.ats.withdrawals import Withdrawals, withdraw_row
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.status import Status
from tests.ats.world import attempts_at, begin, bring_in, customer, shows
from tests.desired.vendor import Nights, Vendor, changed

TYPE = "APPLY_WITH_LINKEDIN"
SECOND = "urn:li:organization:second5"


@pytest.fixture
def known(vendor: Vendor, nights: Nights) -> None:
    """The first night, with ten tenants."""
    vendor.signs(*range(1, 11))
    nights.sync(vendor.source())


def id_of(nights: Nights, customer_id: str) -> int:
    id = nights.integration(customer_id).id
    assert id is not None
    return id


def warrants(nights: Nights, id: int) -> int:
    with nights.database.reading() as session:
        return session.exec(select(func.count()).where(col(Warrant.integration_id) == id)).one()


@pytest.fixture
def sent(vendor: Vendor, nights: Nights) -> int:
    """Ten tenants with an application each, the fourth of which an enable is on its way for."""
    bring_in(nights.database, *(customer(str(number)) for number in range(1, 11)))
    vendor.does("CREATE TABLE wanted (customer_id VARCHAR(9), integration_context VARCHAR(99))")
    for number in range(1, 11):
        of = nights.integration(str(number)).integration_context
        vendor.does("INSERT INTO wanted VALUES (:id, :of)", id=str(number), of=of)
    vendor.does(
        f"CREATE VIEW lists AS SELECT customer_id, customer_id AS customer_name, integration_context, "
        f"'{nights.integration('4').integration_type}' AS integration_type, 'JOBS' AS tenant_type FROM wanted"
    )
    nights.sync(vendor.source("lists"))
    id = id_of(nights, "4")
    shows(nights.database, id, Status.REQUESTED, nights.now)
    begin(nights.database, id, "run-1", nights.now)
    return id


def drops(vendor: Vendor, nights: Nights) -> dict[str, list[str]]:
    vendor.does("UPDATE wanted SET customer_id = 'x4' WHERE customer_id = '4'")
    vendor.does("CREATE VIEW less AS SELECT * FROM lists WHERE customer_id <> 'x4'")
    return changed(nights.sync(vendor.source("less")))


def test_what_is_dropped_while_an_enable_is_on_its_way_is_not_sent_again(
    vendor: Vendor, nights: Nights, sent: int
) -> None:
    assert drops(vendor, nights) == {"on_its_way": ["4"]}
    # It shows that the enable had no effect; the same run would send the next one.
    shows(nights.database, sent, Status.REQUESTED, nights.now)
    assert [attempt.closed_at is None for attempt in attempts_at(nights.database, sent)] == [False]
    with pytest.raises(AttemptHeld):
        begin(nights.database, sent, "run-1", nights.now)
    assert len(attempts_at(nights.database, sent)) == 1
    assert changed(nights.sync(vendor.source("less"))) == {"withdrawn": ["4"]}
    assert "4" not in nights.wanted()


def back_in_the_source(vendor: Vendor, nights: Nights) -> None:
    vendor.does("UPDATE wanted SET customer_id = '4' WHERE customer_id = 'x4'")
    assert changed(nights.sync(vendor.source("lists"))) == {}


def imported(vendor: Vendor, nights: Nights) -> None:
    bring_in(nights.database, customer("4"))


@pytest.mark.parametrize("again", [back_in_the_source, imported])
def test_who_wants_it_again_meanwhile_has_it_wanted(
    again: Callable[[Vendor, Nights], None], vendor: Vendor, nights: Nights, sent: int
) -> None:
    drops(vendor, nights)
    again(vendor, nights)
    shows(nights.database, sent, Status.REQUESTED, nights.now)
    begin(nights.database, sent, "run-1", nights.now)
    assert len(attempts_at(nights.database, sent)) == 2
    assert nights.integration("4").listing == ("listed" if again is back_in_the_source else None)


def test_what_was_judged_when_it_was_dropped_is_not_judged_again(vendor: Vendor, nights: Nights, sent: int) -> None:
    """Four more are not too many; five would be."""
    assert drops(vendor, nights) == {"on_its_way": ["4"]}
    shows(nights.database, sent, Status.REQUESTED, nights.now)
    vendor.does("CREATE VIEW least AS SELECT * FROM less WHERE customer_id > '4'")
    assert changed(nights.sync(vendor.source("least"))) == {"withdrawn": ["1", "2", "3", "4", "10"]}


@pytest.mark.usefixtures("known")
def test_an_intent_that_is_being_written_is_seen(vendor: Vendor, nights: Nights, engine_name: str) -> None:
    """Two transactions: the gate has the row, and the sync waits for it."""
    if engine_name == "sqlite":
        pytest.skip("SQLite has one writer, who begins when the other one has ended")
    vendor.switches(4, "off")
    id = id_of(nights, "4")
    found: list[dict[str, list[str]]] = []
    syncs = Thread(target=lambda: found.append(changed(nights.sync(vendor.source()))))
    with nights.database.writing() as session:
        session.exec(select(Integration).where(Integration.id == id).with_for_update()).one()
        until = nights.now + timedelta(minutes=1)
        session.add(Attempt(integration_id=id, run_id="r", client_id="c", opened_at=nights.now, settles_at=until))
        session.flush()
        syncs.start()
        waits_for_a_lock(nights)
    syncs.join(30)
    assert found == [{"on_its_way": ["4"]}]
    assert "4" in nights.wanted()


def waits_for_a_lock(nights: Nights) -> None:
    """Until another transaction of this database waits for one."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    for _ in range(200):
        with nights.database.reading() as session:
            if session.connection().exec_driver_sql(waiting).scalar_one():
                return
        sleep(0.05)
    raise AssertionError("nobody waits")


@pytest.mark.usefixtures("known")
def test_a_person_who_is_withdrawing_it_is_waited_for(vendor: Vendor, nights: Nights, engine_name: str) -> None:
    if engine_name == "sqlite":
        pytest.skip("SQLite has one writer, who begins when the other one has ended")
    id = bring_in(nights.database, customer("20"))[-1]
    of = nights.integration("20")
    vendor.does(
        f"CREATE VIEW one AS SELECT '20' AS customer_id, 'Other' AS customer_name, '{of.integration_context}' AS "
        f"integration_context, '{of.integration_type}' AS integration_type, '{of.tenant_type}' AS tenant_type "
        "UNION ALL SELECT CAST(customer_id AS text), customer_name, integration_context, integration_type, tenant_type "
        "FROM greenlight_desired"
    )
    found: list[dict[str, list[str]]] = []
    syncs = Thread(target=lambda: found.append(changed(nights.sync(vendor.source("one")))))
    with nights.database.writing() as session:
        session.get_one(Customer, "20", with_for_update=True)
        withdraw_row(session, session.get_one(Integration, id, with_for_update=True), "ada", nights.now)
        session.flush()
        syncs.start()
        waits_for_a_lock(nights)
    syncs.join(30)
    assert found == [{"kept_out": ["20"]}]
    assert "20" not in nights.wanted()


def by_a_person(nights: Nights) -> None:
    assert Withdrawals(nights.database).withdraw("2", TYPE, None, "ada", nights.now).by == "ada"


def forgotten(nights: Nights) -> None:
    Withdrawals(nights.database).forget("2", "ada", nights.now)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("says_no", [by_a_person, forgotten])
@pytest.mark.parametrize("at", ["before", "after"])
def test_a_persons_no_outlasts_a_source_that_drops_it_and_has_it_anew(
    says_no: Callable[[Nights], None], at: str, vendor: Vendor, nights: Nights
) -> None:
    """The no came before the source dropped it, or after."""
    if at == "before":
        says_no(nights)
    vendor.switches(2, "off")
    nights.sync(vendor.source())
    if at == "after":
        says_no(nights)
    given = warrants(nights, id_of(nights, "2"))
    for _ in range(2):
        vendor.switches(2, "on")
        assert changed(nights.sync(vendor.source())) == {"kept_out": ["2"]}
        vendor.switches(2, "off")
        nights.sync(vendor.source())
    assert nights.integration("2").withdrawn_by == "ada"
    assert "2" not in nights.wanted()
    assert warrants(nights, id_of(nights, "2")) == given


@pytest.mark.usefixtures("known")
def test_nothing_new_of_a_forgotten_customer_comes_in(vendor: Vendor, nights: Nights) -> None:
    """Not even where the source had dropped something of it before."""
    vendor.does(f"INSERT INTO tenant_settings VALUES (5, 'linkedin_organization', '{SECOND}')")
    nights.sync(vendor.source())
    vendor.does(f"DELETE FROM tenant_settings WHERE value = '{SECOND}'")
    assert changed(nights.sync(vendor.source())) == {"withdrawn": ["5"]}
    Withdrawals(nights.database).forget("5", "ada", nights.now)
    vendor.does("INSERT INTO tenant_settings VALUES (5, 'linkedin_organization', 'urn:li:organization:third5')")
    assert changed(nights.sync(vendor.source())) == {"kept_out": ["5"]}
    with nights.database.reading() as session:
        assert session.get_one(Customer, "5").forgotten_at is not None
    assert "5" not in nights.wanted()


@pytest.mark.usefixtures("known")
def test_what_a_person_imports_again_is_wanted_again(vendor: Vendor, nights: Nights) -> None:
    forgotten(nights)
    vendor.switches(2, "off")
    nights.sync(vendor.source())
    row = nights.integration("2")
    key = IntegrationKey(row.integration_context, row.integration_type, row.tenant_type)
    bring_in(nights.database, Registration("2", "Two", None, [(key, "own")]))
    vendor.switches(2, "on")
    nights.sync(vendor.source())
    assert nights.wanted()["2"] == "Tenant 2"
