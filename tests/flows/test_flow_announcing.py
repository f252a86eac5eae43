"""What a run announces: all that it changed, and alarms first where there is more than is sent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from greenlight.ats.alarms import Alarms
from greenlight.ats.database import Database, open_database
from greenlight.ats.holds import Held
from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command, Report, ReportItem
from greenlight.domain.status import Status
from tasks import events
from tests.ats.world import bring_in, customer
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
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()


@pytest.fixture
def announced(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(
        events, "emit_event", lambda name, *, resource, payload: sent.append((name, payload["customer_id"]))
    )

    alarms = Alarms(database)
    for name in ("acme", "dead", "late"):
        bring_in(database, customer(name))

    def of(*items: ReportItem) -> list[tuple[str, str]]:
        sent.clear()
        events.announce(Report(Command.APPLY, items), NOW, alarms)
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


def test_a_customer_that_a_guard_begins_to_hold_is_announced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [Held(Item("acme", key), Reason.CLAIMED_TWICE, "also bolt", NOW) for key in (AWLI, CSA)]
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(
        events, "emit_event", lambda name, *, resource, payload: sent.append((name, payload["customer_id"]))
    )
    events.announce_held(held)
    assert sent == [("greenlight.tripwire.held", "acme")]


def test_alarms_are_not_cut_for_good_news(announced: Any) -> None:
    good = [entry(f"c{number}", ENABLED, Status.ENABLED, changed=True) for number in range(events.MOST)]
    dead = entry("dead", Condition(Outcome.FAILED, Reason.CREDENTIALS_REFUSED), Status.UNKNOWN)
    since = NOW - 2 * timedelta(days=1)
    late = entry("late", Condition(Outcome.HELD, Reason.PAUSED), Status.REQUESTED, observed_since=since)
    sent = announced(*good, dead, late)
    assert len(sent) == events.MOST
    assert sent[:2] == [("greenlight.credentials.dead", "dead"), ("greenlight.request.overdue", "late")]


LATE = timedelta(days=2)
NOT_SHOWN = Condition(Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN)
DEAD = Condition(Outcome.FAILED, Reason.CREDENTIALS_REFUSED)
AWAY = Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE)
SPENT = Condition(Outcome.WAITING, Reason.SHARE_SPENT)


@pytest.mark.parametrize(
    ("name", "trouble", "well"),
    [
        pytest.param(
            "greenlight.credentials.dead", (DEAD, Status.UNKNOWN), (READY, Status.PARTNER_READY), id="a dead key"
        ),
        pytest.param(
            "greenlight.enable.not_shown", (NOT_SHOWN, Status.UNKNOWN), (ENABLED, Status.ENABLED), id="not shown"
        ),
        pytest.param(
            "greenlight.request.overdue",
            (Condition(Outcome.HELD, Reason.PAUSED), Status.REQUESTED),
            (ENABLED, Status.ENABLED),
            id="overdue",
        ),
    ],
)
def test_a_trouble_is_told_once_until_it_was_over(announced: Any, name: str, trouble: Any, well: Any) -> None:
    """Run after run meets it again, with a night in between in which nobody could look."""
    since = {"condition_since": NOW - LATE, "observed_since": NOW - LATE}
    told = [(name, "acme")]
    assert announced(entry("acme", *trouble, **since)) == told
    for condition in (trouble[0], AWAY, SPENT, trouble[0]):
        assert announced(entry("acme", condition, trouble[1], **since)) == []
    assert announced(entry("acme", *well, **since)) == []
    assert announced(entry("acme", *trouble, **since)) == told


def test_a_key_is_dead_once_for_all_that_a_customer_has(announced: Any) -> None:
    one = entry("acme", DEAD, Status.UNKNOWN)
    assert announced(one) == [("greenlight.credentials.dead", "acme")]
    other = entry("acme", Condition(Outcome.FAILED, Reason.TOKEN_REJECTED), Status.PARTNER_READY)
    assert announced(other, one) == [], "what is new under it is no other trouble"
    assert announced(entry("acme", ENABLED, Status.ENABLED), one) == []
    assert announced(one) == []
