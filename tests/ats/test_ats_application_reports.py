"""A provisioning run on record: begun once however often it is repeated, its requests added up, its report true."""

import pytest

from greenlight.ats.applications import Applications
from greenlight.ats.database import Database
from greenlight.ats.tables import ChildApplication, Provisioning, Run
from greenlight.domain.provisioning import Provision, ProvisionItem, ProvisionRequests
from greenlight.domain.reasons import EXPLANATIONS, Reason
from greenlight.domain.report import Verdict
from tests.ats.test_ats_applications import put, rows
from tests.ats.world import NOON, at

ORIGINS = ("https://jobs.example.com",)
URN = "urn:li:developerApplication:234"


@pytest.fixture
def applications(database: Database) -> Applications:
    """With two customers and a run."""
    applications = Applications(database)
    applications.add_customers({"bolt": "Bolt Ltd", "acme": "Acme Ltd"}, NOON)
    applications.start("run-1", {"customers": ["acme"]}, at(1))
    return applications


def run(database: Database) -> Run:
    with database.reading() as session:
        return session.get_one(Run, "run-1")


def test_a_run_that_prefect_repeats_is_on_record_once(database: Database, applications: Applications) -> None:
    applications.finish("run-1", ProvisionRequests(1, 2), at(2))
    applications.start("run-1", {"customers": []}, at(5))
    row = run(database)
    assert (row.command, row.scope, row.started_at) == ("provision", {"customers": ["acme"]}, at(1))
    assert (row.token_requests, row.provision_requests) == (1, 2)


def test_requests_of_a_repeated_run_add_up(database: Database, applications: Applications) -> None:
    """Each try has sent them, and they count against LinkedIn's limit."""
    applications.finish("run-1", ProvisionRequests(token=1, provision=2), at(2))
    told = applications.finish("run-1", ProvisionRequests(token=3, provision=4), at(3))
    assert told.requests == ProvisionRequests(token=4, provision=6)
    assert applications.report("run-1").requests == ProvisionRequests(token=4, provision=6)
    row = run(database)
    assert (row.finished_at, row.token_requests, row.provision_requests) == (at(3), 4, 6)
    assert (row.verify_requests, row.enable_requests) == (0, 0)


def test_the_report_tells_all_that_is_known(database: Database, applications: Applications) -> None:
    for id in ("bolt", "acme"):
        applications.begin(id, "run-1", at(1))
    applications.put("acme", "77", "block", at(2), urn=URN, name="ATS - Acme", js_sdk_domains=ORIGINS)
    applications.record("acme", Provision.CREATED, Reason.APPLICATION_WORKS, at(3))
    applications.record("bolt", Provision.FAILED, Reason.THROTTLED, at(3), "HTTP 429")
    told = applications.finish("run-1", ProvisionRequests(), at(4))
    assert told.run_id == "run-1"
    assert list(told.items) == [
        ProvisionItem(
            *("acme", "Acme Ltd", "77", URN, "ATS - Acme", ORIGINS),
            *(Provision.CREATED, Reason.APPLICATION_WORKS, None),
        ),
        ProvisionItem("bolt", "Bolt Ltd", None, None, None, None, Provision.FAILED, Reason.THROTTLED, "HTTP 429"),
    ]
    assert (told.verdict, run(database).verdict) == (Verdict.PARTIAL, "partial")
    assert applications.report("run-1") == told
    assert "block" not in repr(told)


@pytest.mark.parametrize("imported", [True, False])
def test_domains_in_the_report(applications: Applications, imported: bool) -> None:
    """None at all is another thing than not known."""
    applications.begin("acme", "run-1", NOON)
    applications.put(
        "acme", "77", "b", NOON, urn=None if imported else URN, name=None, js_sdk_domains=None if imported else []
    )
    (item,) = applications.report("run-1").items
    assert item.js_sdk_domains == (None if imported else ())


def test_a_customer_whose_try_was_cut_short_is_not_reported_as_done(applications: Applications) -> None:
    """Begun and never recorded: the run was killed, or its task failed in a way that nobody foresaw."""
    applications.begin("acme", "run-1", at(1))
    told = applications.finish("run-1", ProvisionRequests(), at(2))
    assert [(i.outcome, i.reason) for i in told.items] == [(Provision.FAILED, Reason.PROVISIONING_UNFINISHED)]
    assert "plan" not in EXPLANATIONS[Reason.PROVISIONING_UNFINISHED].remedy, "looking at integrations helps nobody"
    assert (told.verdict, told.exit_code) == (Verdict.FAILED, 3)


def test_a_customer_whom_another_run_has_taken_over_is_in_that_runs_report(applications: Applications) -> None:
    applications.begin("acme", "run-1", at(1))
    applications.begin("bolt", "run-1", at(1))
    applications.start("run-2", {}, at(2))
    applications.begin("acme", "run-2", at(2))
    assert [i.customer_id for i in applications.report("run-1").items] == ["bolt"]
    assert [i.customer_id for i in applications.report("run-2").items] == ["acme"]


def test_whoever_was_chosen_is_reported_wherever_the_run_ended(applications: Applications) -> None:
    """Never begun, and taken over by a run that is at it now: neither is as if it had not been asked for."""
    applications.start("run-3", {}, at(2), chosen=["acme", "bolt"])
    applications.start("run-4", {}, at(2), chosen=["bolt"])
    applications.begin("bolt", "run-4", at(3))
    assert [(i.customer_id, i.reason, i.detail) for i in applications.report("run-3").items] == [
        ("acme", Reason.PROVISIONING_UNFINISHED, None),
        ("bolt", Reason.CUSTOMER_BUSY, "run run-4 has it"),
    ]


def test_a_busy_customer_is_not_taken_out_of_the_report_of_whoever_has_it(applications: Applications) -> None:
    applications.start("run-4", {}, at(2), chosen=["bolt"])
    applications.begin("bolt", "run-4", at(3))
    applications.busy("bolt", "run-1", "run-4 is at it", at(4))
    assert [i.reason for i in applications.report("run-4").items] == [Reason.PROVISIONING_UNFINISHED]
    applications.busy("acme", "run-1", "apply run 7 is at it", at(4))
    assert [(i.reason, i.detail) for i in applications.report("run-1").items] == [
        (Reason.CUSTOMER_BUSY, "apply run 7 is at it")
    ]
    applications.finish("run-4", ProvisionRequests(), at(5))
    applications.busy("bolt", "run-1", "apply run 8 is at it", at(6))
    assert [i.customer_id for i in applications.report("run-1").items] == ["acme", "bolt"]


def test_a_run_about_nobody(database: Database, applications: Applications) -> None:
    told = applications.finish("run-1", ProvisionRequests(), at(2))
    assert (list(told.items), told.verdict, told.exit_code) == ([], Verdict.OK, 0)
    assert run(database).verdict == "ok"


def test_that_it_works_is_never_read_beside_why_it_does_not(database: Database, applications: Applications) -> None:
    put(applications)
    applications.begin("acme", "run-1", at(1))
    applications.record("acme", Provision.CREATED, Reason.APPLICATION_NOT_READY, at(2), "HTTP 401")
    applications.worked("acme", at(3), Provision.CREATED)
    (known,) = rows(database, Provisioning)
    assert (known["outcome"], known["reason"]) == (Provision.CREATED, Reason.APPLICATION_WORKS)
    assert (known["detail"], known["checked_at"]) == (None, at(3))
    assert rows(database, ChildApplication)[0]["works_since"] == at(3)
