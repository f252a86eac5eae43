"""The state that the customer's page shows: what is called enabled, whose turn it is, how often the page asks."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.conditions import Condition
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason
from greenlight.domain.report import ReportItem
from greenlight.domain.status import Status
from portal.texts import WHO, Wording, texts_in
from portal.view import SLOW_AFTER, State, customer_view
from tests.domain.things import AWLI, CSA, QUIET

NOW = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)
JUST_NOW = NOW - timedelta(seconds=5)
ENGLISH = texts_in("en")
DETAIL = "HTTP 403 of client 77abc"

REASON_STATES = {
    Reason.ENABLED: (State.ENABLED, "nobody"),
    Reason.READY_TO_ENABLE: (State.ENABLING, "us"),
    Reason.AWAITING_CUSTOMER: (State.WAITING_FOR_ADMIN, "your_admin"),
    Reason.NOT_REQUESTED: (State.NOT_REQUESTED, "you"),
}
FAILURES = [reason for reason in Reason if reason not in REASON_STATES]

looks = st.builds(lambda status, reason: an_item(status, reason), st.sampled_from(Status), st.sampled_from([*Reason]))


def an_item(
    observed: Status, reason: Reason, key: IntegrationKey = AWLI, since: datetime | None = JUST_NOW
) -> ReportItem:
    condition = Condition(Outcome.WAITING, reason, DETAIL)
    return ReportItem(Item("acme", key), "Acme", "Acme's", observed, NOW, Action.NONE, condition, since)


def the_view(*items: ReportItem, requests: Sequence[IntegrationKey] = (), now: datetime = NOW) -> dict[str, Any]:
    return customer_view("Acme", "ready", items, frozenset(requests), now)


def the_entry(*items: ReportItem, requests: Sequence[IntegrationKey] = (), now: datetime = NOW) -> dict[str, Any]:
    (entry,) = the_view(*items, requests=requests, now=now)["integrations"]
    return entry


def test_the_whole_of_an_entry() -> None:
    entry = the_entry(an_item(Status.ENABLED, Reason.ENABLED, since=datetime(2026, 11, 24, 2, tzinfo=UTC)))
    assert len(entry.pop("id")) == 16
    assert entry == {
        "type": "APPLY_WITH_LINKEDIN",
        "title": "Apply with LinkedIn",
        "context": "urn:li:organization:4gX03uw",
        "place": "LinkedIn company 4gX03uw",
        "state": "enabled",
        "calm": False,
        "headline": "Enabled",
        "explanation": "LinkedIn confirms that this integration is on.",
        "who": "nobody",
        "turn": "Nothing to do",
        "since": "2026-11-24T02:00:00Z",
    }


def test_a_customer_without_anything() -> None:
    view = customer_view("Acme", "missing", [], frozenset(), NOW)
    assert view.pop("version")
    assert view == {"customer": "Acme", "moving": False, "application": "missing", "integrations": []}


@pytest.mark.parametrize(("reason", "expected"), REASON_STATES.items())
def test_what_linkedin_showed(reason: Reason, expected: tuple[State, str]) -> None:
    entry = the_entry(an_item(Status.UNKNOWN, reason))
    assert (entry["state"], entry["who"]) == expected
    assert (entry["headline"], entry["explanation"]) == ENGLISH.of(reason)


@pytest.mark.parametrize("reason", FAILURES)
def test_everything_else_is_a_problem_of_the_one_who_can_mend_it(reason: Reason) -> None:
    entry = the_entry(an_item(Status.UNKNOWN, reason))
    assert (entry["state"], entry["who"]) == ("problem", WHO[EXPLANATIONS[reason].mover])
    assert (entry["headline"], entry["explanation"]) == ENGLISH.of(reason)


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failed_check_takes_nothing_back_that_linkedin_showed(reason: Reason) -> None:
    assert the_entry(an_item(Status.ENABLED, reason))["state"] == "enabled"
    assert the_entry(an_item(Status.PARTNER_READY, reason))["state"] == "waiting_for_admin"


@pytest.mark.parametrize("reason", [r for r in FAILURES if r is not Reason.NOT_LOOKED_AT])
def test_a_failed_enable_is_a_problem_and_not_under_way(reason: Reason) -> None:
    view = the_view(an_item(Status.REQUESTED, reason))
    assert view["integrations"][0]["state"] == "problem"
    assert view["moving"] is False


def test_seen_requested_and_not_looked_at_since_is_under_way() -> None:
    assert the_entry(an_item(Status.REQUESTED, Reason.NOT_LOOKED_AT))["state"] == "enabling"


@pytest.mark.parametrize("observed", [Status.UNKNOWN, Status.NOT_REQUESTED, Status.REQUESTED])
@pytest.mark.parametrize("reason", [r for r in Reason if r not in (Reason.ENABLED, Reason.ALREADY_ENABLED)])
def test_an_open_request_is_being_checked(observed: Status, reason: Reason) -> None:
    entry = the_entry(an_item(observed, reason), requests=[AWLI])
    assert (entry["state"], entry["who"], entry["since"]) == ("requested", "us", None)
    assert (entry["headline"], entry["explanation"]) == ENGLISH.of(Wording.REQUESTED)


def test_asking_again_for_what_is_done_changes_nothing() -> None:
    for item in (an_item(Status.ENABLED, Reason.ENABLED), an_item(Status.PARTNER_READY, Reason.AWAITING_CUSTOMER)):
        assert the_entry(item, requests=[AWLI]) == the_entry(item)


def test_an_open_request_that_no_item_knows_yet() -> None:
    entries = the_view(an_item(Status.ENABLED, Reason.ENABLED), requests=[CSA])["integrations"]
    assert [(e["type"], e["state"], e["since"]) for e in entries] == [
        ("APPLY_WITH_LINKEDIN", "enabled", "2026-11-24T02:04:55Z"),
        ("CSA_API", "requested", None),
    ]


def test_a_forged_request_never_looks_enabled() -> None:
    """From the click to LinkedIn's word: nothing that a browser sends gets further than being checked."""
    steps = [
        the_entry(requests=[AWLI]),
        the_entry(an_item(Status.UNKNOWN, Reason.NOT_LOOKED_AT), requests=[AWLI]),
        the_entry(an_item(Status.NOT_REQUESTED, Reason.NOT_REQUESTED), requests=[AWLI]),
        the_entry(an_item(Status.NOT_REQUESTED, Reason.NOT_REQUESTED)),
    ]
    assert [step["state"] for step in steps] == ["requested", "requested", "requested", "not_requested"]


@QUIET
@given(looks, st.booleans())
def test_enabled_needs_linkedins_word(item: ReportItem, is_open: bool) -> None:
    entry = the_entry(item, requests=[AWLI] if is_open else [])
    shown = item.observed is Status.ENABLED or item.condition.reason is Reason.ENABLED
    assert entry["state"] != "enabled" or shown
    assert ("Enabled" in entry["headline"]) == (entry["state"] == "enabled")


@QUIET
@given(st.lists(looks, max_size=1), st.frozensets(st.sampled_from([AWLI, CSA])))
def test_the_view_is_json_without_details_and_moves_while_anything_does(
    items: list[ReportItem], requests: frozenset[IntegrationKey]
) -> None:
    view = customer_view("Acme", "ready", items, requests, NOW)
    assert json.loads(json.dumps(view)) == view
    assert DETAIL not in json.dumps(view)
    states = {entry["state"] for entry in view["integrations"]}
    assert view["moving"] == bool(states & {"requested", "enabling", "waiting_for_admin"})
    assert states <= set(State)


def test_ids_are_stable_and_tell_tenants_apart() -> None:
    other_tenant = IntegrationKey(AWLI.integration_context, AWLI.integration_type, "RECRUITER")
    first, second = the_view(requests=[AWLI, other_tenant])["integrations"]
    assert first["id"] != second["id"]
    assert the_entry(an_item(Status.ENABLED, Reason.ENABLED))["id"] == first["id"]


def test_the_version_changes_exactly_with_what_is_shown() -> None:
    ready = the_view(an_item(Status.REQUESTED, Reason.READY_TO_ENABLE))
    assert the_view(an_item(Status.REQUESTED, Reason.READY_TO_ENABLE))["version"] == ready["version"]
    others = [
        the_view(an_item(Status.ENABLED, Reason.ENABLED)),
        the_view(an_item(Status.REQUESTED, Reason.READY_TO_ENABLE, since=None)),
        the_view(an_item(Status.REQUESTED, Reason.READY_TO_ENABLE), now=NOW + SLOW_AFTER),
        customer_view("Acme", "new", [an_item(Status.REQUESTED, Reason.READY_TO_ENABLE)], frozenset(), NOW),
    ]
    assert len({ready["version"], *(view["version"] for view in others)}) == 1 + len(others)


def test_switching_on_that_takes_long_is_called_slow_but_goes_on() -> None:
    item = an_item(Status.REQUESTED, Reason.READY_TO_ENABLE, since=NOW)
    assert the_entry(item, now=NOW + SLOW_AFTER)["headline"] == ENGLISH.of(Reason.READY_TO_ENABLE).headline
    late = the_entry(item, now=NOW + SLOW_AFTER + timedelta(seconds=1))
    assert (late["state"], late["headline"]) == ("enabling", ENGLISH.of(Wording.SLOW).headline)


def test_what_somebody_has_to_mend_is_never_calm() -> None:
    calm = {reason for reason in FAILURES if the_entry(an_item(Status.UNKNOWN, reason))["calm"]}
    assert calm.isdisjoint({Reason.CREDENTIALS_REFUSED, Reason.INVALID_CONTEXT, Reason.PROVISIONING_REFUSED})
    assert {r for r in FAILURES if EXPLANATIONS[r].mover in (Mover.NOBODY, Mover.LINKEDIN)} <= calm


def test_a_name_with_a_lone_surrogate_is_no_crash() -> None:
    assert customer_view("Acme \ud800", "ready", [], frozenset(), NOW)["version"]
