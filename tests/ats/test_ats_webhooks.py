"""The outbox of webhooks: what is told and since when, whose turn it is, and what becomes of what is not taken."""

import json
from datetime import timedelta

import pytest

from greenlight.ats.applications import Applications
from greenlight.ats.database import Database
from greenlight.ats.registry import Registration, register
from greenlight.ats.retention import Retention
from greenlight.ats.webhooks import Due, Sent, UnknownEvent, Webhooks
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from greenlight.domain.webhooks import TRIED_AT_LEAST, TRIED_FOR
from tests.ats.world import NOON, TYPES, at, bring_in, customer, fails, shows

DAYS = timedelta(days=1) / timedelta(minutes=1)


@pytest.fixture
def webhooks(database: Database) -> Webhooks:
    """As of a worker that has run since before everything."""
    webhooks = Webhooks(database)
    webhooks.take_in(at(-1))
    return webhooks


def claimed(webhooks: Webhooks, minute: float) -> list[Due]:
    return webhooks.claim(at(minute), at(minute + 1), 10)


def all_of(webhooks: Webhooks, minute: float) -> list[tuple[str, str]]:
    """Everything that is told, with whom it is about, taken one after another."""
    webhooks.take_in(at(minute))
    told: list[tuple[str, str]] = []
    while due := claimed(webhooks, minute):
        events = [json.loads(each.body) for each in due]
        told += [(event["type"], event["data"]["customer_id"]) for event in events]
        webhooks.record([Sent(each, True, "HTTP 204") for each in due], at(minute))
    return told


def test_what_was_before_the_first_worker_is_not_told(database: Database) -> None:
    (id,) = bring_in(database, customer("acme"))
    shows(database, id, Status.REQUESTED, at(1))
    webhooks = Webhooks(database)
    assert all_of(webhooks, 2) == []
    shows(database, id, Status.ENABLED, at(3), purpose="observe:run-2")
    assert all_of(webhooks, 4) == [("integration.status_changed", "acme")]
    assert all_of(webhooks, 5) == []


def test_what_happens_while_no_worker_runs_is_told_later(database: Database, webhooks: Webhooks) -> None:
    (id,) = bring_in(database, customer("acme"))
    for run in range(700):
        shows(database, id, Status.ENABLED if run % 2 else Status.REQUESTED, at(run), purpose=f"observe:run-{run}")
    told = all_of(Webhooks(database), 40 * DAYS)
    assert told == [("integration.status_changed", "acme")] * 700, "more than one transaction takes in"


def test_a_key_that_fails_is_told_once_until_it_works(database: Database, webhooks: Webhooks) -> None:
    first, second = bring_in(database, customer("acme", TYPES[:2]))
    failing = ("credentials.failing", "acme")
    steps = (
        (first, Reason.CREDENTIALS_REFUSED, 1),
        (second, Reason.CREDENTIALS_REFUSED, 0),
        (first, Reason.LINKEDIN_UNAVAILABLE, 0),
        (first, Reason.TOKEN_REJECTED, 0),
        (first, None, 0),
        (first, Reason.CREDENTIALS_REFUSED, 1),
    )
    for minute, (id, reason, times) in enumerate(steps):
        if reason is None:
            shows(database, id, Status.ENABLED, at(minute), purpose=f"observe:run-{minute}")
        else:
            fails(database, id, at(minute), reason, purpose=f"observe:run-{minute}")
        assert all_of(webhooks, minute).count(failing) == times, minute


def provisioned(database: Database, customer_id: str, minute: float) -> None:
    register(database, [Registration(customer_id, customer_id, None, [])], at(minute))
    Applications(database).put(
        customer_id, f"client-{customer_id}", "block", at(minute), urn=None, name=None, js_sdk_domains=None
    )


def test_an_application_that_was_made_is_told_once(database: Database) -> None:
    provisioned(database, "older", -30)
    webhooks = Webhooks(database)
    webhooks.take_in(NOON)
    bring_in(database, customer("imported"))
    provisioned(database, "acme", 1)
    assert all_of(webhooks, 2) == [("application.provisioned", "acme")]
    Applications(database).put("acme", "client-acme", "block", at(3), urn=None, name=None, js_sdk_domains=None)
    for minute in (4, 90, 3 * DAYS):
        assert all_of(webhooks, minute) == []


def test_an_application_comes_before_what_it_made_possible(database: Database, webhooks: Webhooks) -> None:
    (other,) = bring_in(database, customer("other"))
    shows(database, other, Status.REQUESTED, at(1))
    provisioned(database, "acme", 2)
    key, name = customer("acme").integrations[0]
    register(database, [Registration("acme", "acme", ("client-acme", "block"), [(key, name)])], at(2))
    shows(database, other + 1, Status.REQUESTED, at(3))
    webhooks.take_in(at(5))
    _, rows = webhooks.on_record(10)
    assert [(row.customer_id, row.kind) for row in rows] == [
        ("other", "integration.status_changed"),
        ("acme", "application.provisioned"),
        ("acme", "integration.status_changed"),
    ]


def two_of_one_and_one_of_another(database: Database, webhooks: Webhooks) -> None:
    first, second = bring_in(database, customer("a"), customer("b"))
    for run, (id, status) in enumerate(
        ((first, Status.REQUESTED), (first, Status.ENABLED), (second, Status.REQUESTED))
    ):
        shows(database, id, status, at(run), purpose=f"observe:run-{run}")
    webhooks.take_in(at(3))


def test_each_customer_has_one_under_way(database: Database, webhooks: Webhooks) -> None:
    two_of_one_and_one_of_another(database, webhooks)
    due = claimed(webhooks, 4)
    assert [json.loads(each.body)["data"]["customer_id"] for each in due] == ["a", "b"]
    other = Webhooks(database)
    assert claimed(other, 4.5) == [], "nobody else sends them, nor what is behind"
    taken, refused = due
    webhooks.record([Sent(taken, True, "HTTP 204"), Sent(refused, False, "HTTP 500")], at(4.6))
    (behind,) = claimed(other, 4.6)
    assert json.loads(behind.body)["data"]["status"] == "ENABLED"
    assert [each.event_id for each in claimed(other, 4.8)] == [refused.event_id]


def test_a_claim_whose_worker_died_ends(database: Database, webhooks: Webhooks) -> None:
    two_of_one_and_one_of_another(database, webhooks)
    before = claimed(webhooks, 4)
    other = Webhooks(database)
    again = claimed(other, 6)
    assert [each.event_id for each in again] == [each.event_id for each in before]
    webhooks.record([Sent(each, False, "HTTP 500") for each in before], at(6.1))
    counts, rows = other.on_record(10)
    assert (counts.pending, [row.tries for row in rows]) == (3, [0, 0, 0]), "who comes late changes nothing"
    other.record([Sent(each, True, "HTTP 204") for each in again], at(6.2))
    assert other.on_record(10)[0] == (1, 0, 2)


def test_what_is_not_taken_for_days_is_kept_as_failed_and_lets_the_next_one_go(
    database: Database, webhooks: Webhooks
) -> None:
    two_of_one_and_one_of_another(database, webhooks)
    minute, tries = 4.0, 0
    first, _ = due = claimed(webhooks, minute)
    while due[0].event_id == first.event_id:
        webhooks.record([Sent(due[0], False, "HTTP 500")], at(minute))
        minute, tries = minute + 60, tries + 1
        due = claimed(webhooks, minute)
    assert json.loads(due[0].body)["data"]["status"] == "ENABLED", "the one behind it"
    assert tries >= TRIED_AT_LEAST
    assert at(minute) - at(3) >= TRIED_FOR
    assert webhooks.on_record(10)[0].failed == 1
    assert webhooks.replay(at(minute + 100), event_id=first.event_id) == 1
    (again, *_) = claimed(webhooks, minute + 101)
    assert (again.event_id, again.tries) == (first.event_id, 0)
    with pytest.raises(UnknownEvent):
        webhooks.replay(at(minute), event_id="msg_none")


def test_what_is_over_goes_and_what_is_owed_stays(database: Database, webhooks: Webhooks) -> None:
    two_of_one_and_one_of_another(database, webhooks)
    taken, _ = claimed(webhooks, 4)
    webhooks.record([Sent(taken, True, "HTTP 204")], at(4))
    assert Retention(database).prune(at(500 * DAYS))["webhook_delivery"] == 1
    assert webhooks.on_record(10)[0] == (2, 0, 0)
