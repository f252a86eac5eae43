"""What a change tells the vendor's systems, when a delivery is tried again, and which addresses are inside."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from greenlight.domain.addresses import is_internal
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.webhooks import TRIED_AT_LEAST, TRIED_FOR, Change, Kind, events_of, is_given_up, wait_after

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOKED = Change(
    at=NOON,
    customer_id="acme",
    integration_context="urn:li:organization:1",
    integration_type="APPLY_WITH_LINKEDIN",
    tenant_type="JOBS",
    wanted=True,
    status_before="UNKNOWN",
    status="REQUESTED",
    outcome=Outcome.WAITING,
    reason=Reason.READY_TO_ENABLE,
    detail=None,
    reason_before=None,
    failing_before=False,
)


def kinds(change: Change) -> list[Kind]:
    return [kind for kind, _ in events_of(change)]


def test_a_status_that_changed_is_told_whole() -> None:
    ((kind, text),) = events_of(LOOKED)
    assert kind is Kind.STATUS_CHANGED
    event = json.loads(text)
    assert (event["type"], event["timestamp"]) == ("integration.status_changed", "2026-03-01T12:00:00Z")
    assert event["data"] | {"message": "", "remedy": ""} == {
        "customer_id": "acme",
        "integration_context": "urn:li:organization:1",
        "integration_type": "APPLY_WITH_LINKEDIN",
        "tenant_type": "JOBS",
        "wanted": True,
        "status_before": "UNKNOWN",
        "status": "REQUESTED",
        "outcome": "waiting",
        "reason": "READY_TO_ENABLE",
        "whose_move": "us",
        "message": "",
        "remedy": "",
        "detail": None,
    }
    assert event["data"]["message"]


STAYS = replace(LOOKED, status_before="REQUESTED")
ACTION = [
    pytest.param(replace(STAYS, reason=Reason.NOT_REQUESTED), True, id="the customer has to click"),
    pytest.param(replace(STAYS, reason=Reason.AWAITING_CUSTOMER), True, id="the customer has to switch it on"),
    pytest.param(replace(STAYS, outcome=Outcome.FAILED, reason=Reason.KEY_MISMATCH), True, id="we have to mend it"),
    pytest.param(replace(STAYS, outcome=Outcome.HELD, reason=Reason.HELD_BY_CAP), True, id="we have to let it go on"),
    pytest.param(STAYS, False, id="the next run goes on by itself"),
    pytest.param(
        replace(STAYS, outcome=Outcome.FAILED, reason=Reason.LINKEDIN_UNAVAILABLE), False, id="LinkedIn's move"
    ),
    pytest.param(
        replace(STAYS, reason=Reason.NOT_REQUESTED, reason_before=Reason.NOT_REQUESTED), False, id="told before"
    ),
    pytest.param(replace(STAYS, reason=Reason.NOT_REQUESTED, wanted=False), False, id="nobody wants it any more"),
]


@pytest.mark.parametrize(("change", "told"), ACTION)
def test_who_has_to_act_is_told_once(change: Change, told: bool) -> None:
    assert kinds(change) == ([Kind.NEEDS_ACTION] if told else [])


def test_a_key_that_fails_is_told_once_for_a_customer() -> None:
    dead = replace(STAYS, outcome=Outcome.FAILED, reason=Reason.CREDENTIALS_REFUSED)
    first = events_of(dead)
    assert [kind for kind, _ in first] == [Kind.NEEDS_ACTION, Kind.FAILING]
    assert set(json.loads(first[1][1])["data"]) == {"customer_id", "reason", "message", "remedy"}
    assert kinds(replace(dead, failing_before=True)) == [Kind.NEEDS_ACTION]


def test_tries_are_further_and_further_apart_and_end_after_days() -> None:
    waits = [wait_after(tries).total_seconds() for tries in range(1, 9)]
    assert waits == [5, 30, 120, 600, 1800, 3600, 3600, 3600]
    assert not is_given_up(NOON, 99, NOON + TRIED_FOR - timedelta(seconds=1))
    assert not is_given_up(NOON, TRIED_AT_LEAST - 1, NOON + TRIED_FOR)
    assert is_given_up(NOON, TRIED_AT_LEAST, NOON + TRIED_FOR)


INSIDE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("239.1.1.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "ff0e::1"),
    *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1", "127.1", "receiver"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_known_in_whatever_form(address: str) -> None:
    assert is_internal(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_a_public_address_is_not_inside(address: str) -> None:
    assert not is_internal(address)
