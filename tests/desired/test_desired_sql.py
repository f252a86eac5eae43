"""A vendor's schema that is not ours, read by a ten-line view: who came, was renamed, left and came back."""

import json
from collections.abc import Generator
from datetime import timedelta

import pytest
from sqlmodel import select

from greenlight.ats.desired_tables import DesiredSync
from greenlight.ats.ledger import Attempt
from greenlight.ats.registry import Registration
from greenlight.ats.tables import Customer
from greenlight.ats.withdrawals import Withdrawals
from greenlight.desired.source import Row
from greenlight.desired.sql import SqlSource
from greenlight.domain.desired import SyncOutcome, SyncReport
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from greenlight.intake.problems import Problems
from tests.ats.world import attempts_at, bring_in, customer, shows
from tests.desired.vendor import Nights, Vendor, changed

ALL = [str(id) for id in range(1, 11)]


@pytest.fixture
def known(vendor: Vendor, nights: Nights) -> SyncReport:
    """The first night, with ten tenants."""
    vendor.signs(*range(1, 11))
    return nights.sync(vendor.source())


def test_everybody_in_the_view_is_wanted_and_the_same_again_changes_nothing(
    known: SyncReport, vendor: Vendor, nights: Nights
) -> None:
    assert (known.outcome, known.rows, known.customers) == (SyncOutcome.APPLIED, 10, 10)
    assert changed(known) == {"added": ALL}
    assert known.entries["added"][0]["reason"] == Reason.CREDENTIALS_MISSING
    assert nights.wanted() == {id: f"Tenant {id}" for id in ALL}
    again = nights.sync(vendor.source())
    assert (again.outcome, again.counts) == (SyncOutcome.APPLIED, {})


@pytest.mark.usefixtures("known")
def test_who_comes_leaves_is_renamed_and_comes_back_is_seen(vendor: Vendor, nights: Nights) -> None:
    vendor.signs(11)
    vendor.switches(2, "off")
    vendor.does("UPDATE tenants SET legal_name = 'Renamed' WHERE id = 3")
    report = nights.sync(vendor.source())
    assert changed(report) == {"added": ["11"], "withdrawn": ["2"], "renamed": ["3"]}
    assert nights.wanted()["3"] == "Renamed"
    assert "2" not in nights.wanted()
    left = nights.integration("2")
    assert (left.reason, left.withdrawn_at) == (Reason.WITHDRAWN, nights.now)

    vendor.switches(2, "on")
    report = nights.sync(vendor.source())
    assert changed(report) == {"returned": ["2"]}
    back = nights.integration("2")
    assert (back.id, back.withdrawn_at) == (left.id, None), "with its history"


@pytest.mark.usefixtures("known")
def test_what_linkedin_has_enabled_is_drift_of_its_own_kind(vendor: Vendor, nights: Nights) -> None:
    id = nights.integration("4").id
    assert id is not None
    shows(nights.database, id, Status.ENABLED, nights.now)
    vendor.switches(4, "off")
    report = nights.sync(vendor.source())
    (entry,) = report.entries["withdrawn"]
    assert (entry["reason"], entry["whose_move"], entry["observed"]) == ("ENABLED_BUT_WITHDRAWN", "us", "ENABLED")
    assert "LTSATSIntegrations@linkedin.com" in entry["remedy"]
    assert nights.integration("4").drifted_at == nights.now, "somebody is told"
    assert "4 (ENABLED_BUT_WITHDRAWN)" in report.in_words()


@pytest.mark.usefixtures("known")
def test_no_name_stays_in_the_records_of_a_sync(vendor: Vendor, nights: Nights) -> None:
    vendor.does("UPDATE tenants SET legal_name = 'Jane Doe Ltd' WHERE id = 3")
    assert changed(nights.sync(vendor.source())) == {"renamed": ["3"]}
    Withdrawals(nights.database).forget("3", "ada", nights.now)
    with nights.database.reading() as session:
        assert "Jane Doe" not in str([sync.changes for sync in session.exec(select(DesiredSync))])


@pytest.mark.usefixtures("known")
def test_what_a_person_has_withdrawn_stays_withdrawn_also_where_the_source_has_it_anew(
    vendor: Vendor, nights: Nights
) -> None:
    Withdrawals(nights.database).withdraw("5", "APPLY_WITH_LINKEDIN", None, "ada", nights.now)
    assert nights.sync(vendor.source()).counts == {}
    assert "5" not in nights.wanted()
    vendor.switches(5, "off")
    nights.sync(vendor.source())
    vendor.switches(5, "on")
    assert changed(nights.sync(vendor.source())) == {"kept_out": ["5"]}
    assert "5" not in nights.wanted()


@pytest.mark.usefixtures("known")
def test_what_a_person_has_withdrawn_before_the_source_had_it_stays_so(vendor: Vendor, nights: Nights) -> None:
    key = IntegrationKey("urn:li:organization:org12", "APPLY_WITH_LINKEDIN", "JOBS")
    bring_in(nights.database, Registration("12", "Tenant 12", None, [(key, "own")]))
    Withdrawals(nights.database).withdraw("12", "APPLY_WITH_LINKEDIN", None, "ada", nights.now)
    vendor.signs(12)
    assert changed(nights.sync(vendor.source())) == {"kept_out": ["12"]}
    assert nights.sync(vendor.source()).counts == {}
    assert "12" not in nights.wanted()


@pytest.mark.usefixtures("known")
def test_a_forgotten_customer_is_not_brought_back_by_a_row_that_stayed(vendor: Vendor, nights: Nights) -> None:
    Withdrawals(nights.database).forget("5", "ada", nights.now)
    nights.sync(vendor.source())
    vendor.does("INSERT INTO tenant_settings VALUES (5, 'linkedin_organization', 'urn:li:organization:second')")
    nights.sync(vendor.source())
    assert "5" not in nights.wanted()
    with nights.database.reading() as session:
        assert session.get_one(Customer, "5").customer_name == "forgotten customer"


@pytest.mark.usefixtures("known")
def test_a_bad_row_holds_its_customer_alone(vendor: Vendor, nights: Nights) -> None:
    vendor.signs(11)
    vendor.does("UPDATE tenants SET legal_name = ' padded' WHERE id = 3")
    vendor.does("UPDATE tenant_settings SET value = 'urn:li:person:1' WHERE tenant_id = 6 AND value LIKE 'urn:%'")
    vendor.does("INSERT INTO tenant_settings VALUES (7, 'linkedin_organization', 'urn:li:organization:org7')")
    vendor.does("UPDATE tenants SET legal_name = 'Renamed' WHERE id = 7")
    report = nights.sync(vendor.source("SELECT * FROM greenlight_desired ORDER BY customer_id"))
    assert changed(report)["added"] == ["11"]
    held = {(e["customer_id"], e["line"], e["field"]) for e in report.entries["held_back"]}
    assert held == {("3", 3, "customer_name"), ("6", 6, "integration_context"), ("7", 8, "row")}
    assert (report.outcome, report.is_troubled) == (SyncOutcome.APPLIED, True)
    assert {id: name for id, name in nights.wanted().items() if id in "367"} == {i: f"Tenant {i}" for i in "367"}


@pytest.mark.usefixtures("known")
def test_of_two_syncs_the_later_one_goes_on(vendor: Vendor, nights: Nights) -> None:
    """One that sleeps after it has read what is old by now takes nothing away that the other one has brought in."""
    source, old = vendor.source(), vendor.source()
    vendor.switches(2, "off")
    read = type(old).rows

    class Sleeper(type(old)):
        def rows(self, problems: Problems) -> Generator[Row]:
            yield from read(self, problems)
            vendor.switches(2, "on")
            vendor.switches(3, "off")
            assert changed(nights.sync(source)) == {"withdrawn": ["3"]}

    report = nights.sync(Sleeper(vendor.url))
    assert (report.outcome, report.counts, report.is_troubled) == (SyncOutcome.OVERTAKEN, {}, True)
    assert set(nights.wanted()) == set(ALL) - {"3"}


@pytest.mark.usefixtures("known")
def test_while_a_row_does_not_say_whose_it_is_nobody_is_withdrawn(vendor: Vendor, nights: Nights) -> None:
    vendor.signs(11)
    vendor.switches(2, "off")
    query = "SELECT CASE customer_id WHEN 3 THEN '' ELSE CAST(customer_id AS VARCHAR(9)) END AS customer_id,"
    columns = "customer_name, integration_context, integration_type, tenant_type FROM greenlight_desired"
    report = nights.sync(vendor.source(f"{query} {columns}"))
    assert changed(report)["added"] == ["11"]
    assert [e["field"] for e in report.entries["held_back"]] == ["customer_id"]
    assert {"2", "3"} <= set(nights.wanted())


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("no_such_view", "no_such_view"),
        ("SELECT customer_id FROM greenlight_desired", "has no column customer_name"),
        ("SELECT *, 'x' AS client_secret FROM greenlight_desired", "never gives credentials"),
        ("SELECT *, 'x' AS integration_nam FROM greenlight_desired", "integration_nam"),
        ("DELETE FROM tenants", "neither the name of a view nor a SELECT"),
        ("WITH gone AS (DELETE FROM tenants RETURNING id) SELECT * FROM gone", ""),
    ],
)
def test_a_source_that_cannot_be_read_changes_nothing_on_either_side(
    query: str, why: str, vendor: Vendor, nights: Nights
) -> None:
    report = nights.sync(vendor.source(query))
    assert report.outcome is SyncOutcome.UNREADABLE
    assert why in (report.detail or "")
    assert set(nights.wanted()) == set(ALL)
    assert nights.sync(vendor.source()).counts == {}, "the vendor's tables are as they were"


@pytest.mark.long
@pytest.mark.usefixtures("known")
def test_a_source_that_ends_half_way_changes_nothing(vendor: Vendor, nights: Nights) -> None:
    """A division by zero, or a broken text, in a later row: the rows before it were delivered."""
    vendor.signs(*range(20, 1300), name="T{}")
    sqlite = vendor.url.startswith("sqlite")
    breaks = "json(CASE WHEN t.id = 1250 THEN 'x' ELSE '1' END)" if sqlite else "CAST(1 / (t.id - 1250) AS text)"
    query = f"""
        SELECT t.id AS customer_id, t.legal_name || substr({breaks}, 1, 0) AS customer_name,
            'urn:li:organization:o' || t.id AS integration_context, 'APPLY_WITH_LINKEDIN' AS integration_type,
            'JOBS' AS tenant_type
        FROM tenants AS t
    """
    report = nights.sync(vendor.source(query))
    assert (report.outcome, report.rows >= 500) == (SyncOutcome.UNREADABLE, True)
    assert set(nights.wanted()) == set(ALL)


def test_what_the_source_never_named_is_not_its_to_withdraw(vendor: Vendor, nights: Nights) -> None:
    own = [f"own{number}" for number in range(5)]
    bring_in(nights.database, *map(customer, own))
    vendor.signs(1, 2)
    nights.sync(vendor.source())
    vendor.switches(2, "off")
    assert changed(nights.sync(vendor.source())) == {"withdrawn": ["2"]}
    assert set(nights.wanted()) == {*own, "1"}


@pytest.mark.usefixtures("known")
def test_an_enable_that_is_on_its_way_is_seen_to_its_end_first(vendor: Vendor, nights: Nights) -> None:

    id = nights.integration("4").id
    assert id is not None
    with nights.database.writing() as session:
        session.add(
            Attempt(
                integration_id=id,
                run_id="run",
                client_id="c",
                opened_at=nights.now,
                settles_at=nights.now + timedelta(minutes=1),
            )
        )
    vendor.switches(4, "off")
    assert changed(nights.sync(vendor.source())) == {"on_its_way": ["4"]}
    assert attempts_at(nights.database, id)[0].closed_at is None
    with nights.database.writing() as session:
        attempt = session.get_one(Attempt, attempts_at(nights.database, id)[0].id)
        attempt.closed_at, attempt.outcome = nights.now, "refused"
    assert changed(nights.sync(vendor.source())) == {"withdrawn": ["4"]}


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "mysql+nobodys"])
def test_what_is_not_there_is_said_without_its_password(driver: str, nights: Nights) -> None:
    report = nights.sync(SqlSource(f"{driver}://me:S3cr3tCanary@127.0.0.1:9/ats"))
    assert report.outcome is SyncOutcome.UNREADABLE
    assert ("no driver" in (report.detail or "")) is (driver != "postgresql+psycopg")
    assert "S3cr3tCanary" not in json.dumps(report.as_json()) + report.in_words()
