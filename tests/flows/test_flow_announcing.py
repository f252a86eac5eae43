"""What a run announces: all that it changed, and alarms first where there is more than is sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from greenlight.ats.holds import Held
from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command, Report, ReportItem
from greenlight.domain.status import Status
from tasks import events
from tests.domain.things import AWLI, CSA

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ENABLED = Condition(Outcome.ENABLED, Reason.ENABLED)
READY = Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER)


def entry(customer: str, condition: Condition, observed: Status, **told: Any) -> ReportItem:
    key = CSA if observed is Status.PARTNER_READY else AWLI
    return ReportItem(
        Item(customer, key), customer, key.integration_type, observed, NOW, Action.ENABLE, condition, **told
    )


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> Any:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(
        events, "emit_event", lambda name, *, resource, payload: sent.append((name, payload["customer_id"]))
    )

    def of(*items: ReportItem) -> list[tuple[str, str]]:
        events.announce(Report(Command.APPLY, items), NOW)
        return sent

    return of


def test_what_this_run_changed_is_announced_for_every_type(announced: Any) -> None:
    assert announced(
        entry("acme", ENABLED, Status.ENABLED, changed=True),
        entry("bolt", READY, Status.PARTNER_READY, changed=True),
        entry("cyan", READY, Status.PARTNER_READY),
    ) == [("greenlight.integration.enabled", "acme"), ("greenlight.integration.partner_ready", "bolt")]


@pytest.mark.parametrize(("minutes", "told"), [(30, False), (90, True)])
def test_what_linkedin_confirmed_and_does_not_show_is_an_alarm_when_it_gets_old(
    announced: Any, minutes: int, told: bool
) -> None:
    since = NOW - timedelta(minutes=minutes)
    condition = Condition(Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN)
    sent = announced(entry("acme", condition, Status.REQUESTED, condition_since=since))
    assert sent == ([("greenlight.enable.not_shown", "acme")] if told else [])


def test_a_customer_that_a_guard_begins_to_hold_is_announced_once(announced: Any) -> None:
    held = [Held(Item("acme", key), Reason.CLAIMED_TWICE, "also bolt", NOW) for key in (AWLI, CSA)]
    events.announce_held(held)
    assert announced() == [("greenlight.tripwire.held", "acme")]


def test_alarms_are_not_cut_for_good_news(announced: Any) -> None:
    good = [entry(f"c{number}", ENABLED, Status.ENABLED, changed=True) for number in range(events.MOST)]
    dead = entry("dead", Condition(Outcome.FAILED, Reason.CREDENTIALS_REFUSED), Status.UNKNOWN)
    since = NOW - 2 * timedelta(days=1)
    late = entry("late", Condition(Outcome.HELD, Reason.PAUSED), Status.REQUESTED, observed_since=since)
    sent = announced(*good, dead, late)
    assert len(sent) == events.MOST
    assert sent[:2] == [("greenlight.credentials.dead", "dead"), ("greenlight.request.overdue", "late")]
