"""Each trouble is told once, until a look has shown that it is over."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from greenlight.ats.alarms import Alarms
from greenlight.ats.announcements import Announcements
from greenlight.ats.database import Database
from greenlight.domain.conditions import Condition
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command, Report, ReportItem
from greenlight.domain.status import Status
from tasks.telling import events
from tests.ats.world import bring_in, customer
from tests.tasks.telling.test_tasks_announcing import ENABLED, NOW, entry

READY = Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER)
LATE = timedelta(days=2)
NOT_SHOWN = Condition(Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN)
DEAD = Condition(Outcome.FAILED, Reason.CREDENTIALS_REFUSED)
AWAY = Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE)
SPENT = Condition(Outcome.WAITING, Reason.SHARE_SPENT)


@pytest.fixture
def away() -> list[bool]:
    """Whether Prefect's server is: while there is something in it."""
    return []


@pytest.fixture
def announced(database: Database, monkeypatch: pytest.MonkeyPatch, away: list[bool]) -> Any:
    """What a run with these items tells that was not told before."""
    sent: list[tuple[str, str]] = []

    async def take(told: Sequence[Any]) -> None:
        if away:
            raise httpx.ConnectError("refused")
        sent.extend((event["event"], event["payload"]["customer_id"]) for event in told)

    monkeypatch.setattr(events, "send_events", take)
    monkeypatch.setattr(events, "now", lambda: NOW)
    bring_in(database, customer("acme"))

    async def of(*items: ReportItem) -> list[tuple[str, str]]:
        sent.clear()
        await events.announce(Report(Command.APPLY, items), Alarms(database), Announcements(database))
        return list(sent)

    return of


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
async def test_a_trouble_is_told_once_until_it_was_over(announced: Any, name: str, trouble: Any, well: Any) -> None:
    """Run after run meets it again, with a night in between in which nobody could look."""
    since = {"condition_since": NOW - LATE, "observed_since": NOW - LATE}
    told = [(name, "acme")]
    assert await announced(entry("acme", *trouble, **since)) == told
    for condition in (trouble[0], AWAY, SPENT, trouble[0]):
        assert await announced(entry("acme", condition, trouble[1], **since)) == []
    assert await announced(entry("acme", *well, **since)) == []
    assert await announced(entry("acme", *trouble, **since)) == told


async def test_a_key_is_dead_once_for_all_that_a_customer_has(announced: Any) -> None:
    one = entry("acme", DEAD, Status.UNKNOWN)
    assert await announced(one) == [("greenlight.credentials.dead", "acme")]
    other = entry("acme", Condition(Outcome.FAILED, Reason.TOKEN_REJECTED), Status.PARTNER_READY)
    assert await announced(other, one) == [], "what is new under it is no other trouble"
    assert await announced(entry("acme", ENABLED, Status.ENABLED), one) == []
    assert await announced(one) == []


async def test_what_prefect_does_not_take_is_told_by_the_next_run(announced: Any, away: list[bool]) -> None:
    """A websocket that a proxy refuses would swallow it without a word."""
    one = entry("acme", DEAD, Status.UNKNOWN)
    away.append(True)
    assert await announced(one) == []
    away.clear()
    assert await announced(one) == [("greenlight.credentials.dead", "acme")]
    assert await announced(one) == []
