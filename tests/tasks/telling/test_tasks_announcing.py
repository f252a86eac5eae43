"""What is announced: all alarms of a run, and each enable that took effect, by whoever comes next, once."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from sqlmodel import col, select, update

from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.alarms import Alarms
from greenlight.ats.announcements import Announcements
from greenlight.ats.database import Database
from greenlight.ats.holds import Holds
from greenlight.ats.ledger import Attempt
from greenlight.ats.runs import Runs
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command, Report, ReportItem
from greenlight.domain.status import Status
from greenlight.settings import load_settings
from sandbox.world import Key
from tasks.realtime import requested
from tasks.telling import events, outbox
from tests.ats.test_ats_query_plans import statements
from tests.ats.world import at, begin, bring_in, claimed, customer, shows
from tests.domain.things import AWLI, CSA
from tests.flows.fault_world import Case, import_file, world

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ENABLED = Condition(Outcome.ENABLED, Reason.ENABLED)


def entry(customer: str, condition: Condition, observed: Status, **told: Any) -> ReportItem:
    key = CSA if observed is Status.PARTNER_READY else AWLI
    return ReportItem(
        Item(customer, key), customer, key.integration_type, observed, NOW, Action.ENABLE, condition, **told
    )


class _Killed(BaseException):
    pass


def _die(*_: Any, **__: Any) -> Any:
    raise _Killed


@contextmanager
def _dying_at_its_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The run within dies before it is finished and has told anything."""
    with monkeypatch.context() as dying:
        dying.setattr(outbox, "ANNOUNCED_EVERY", 60)
        dying.setattr(Runs, "finish", _die)
        with pytest.raises(_Killed):
            yield


@pytest.fixture
def announced(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a run with these items tells, in its order."""
    sent: list[tuple[str, str]] = []

    async def take(told: Sequence[Any]) -> None:
        sent.extend((event["event"], event["payload"]["customer_id"]) for event in told)

    monkeypatch.setattr(events, "send_events", take)
    monkeypatch.setattr(outbox, "post_events", take)
    monkeypatch.setattr(events, "now", lambda: NOW)

    there: set[str] = set()

    async def of(*items: ReportItem) -> list[tuple[str, str]]:
        known = {item.item.customer_id for item in items} - there
        there.update(known)
        bring_in(database, *map(customer, sorted(known)))
        await events.announce(Report(Command.APPLY, items), Alarms(database), Announcements(database))
        return sent

    return of


def enabled(database: Database, count: int, status: Status = Status.ENABLED, prefix: str = "c") -> None:
    """So many customers whose enable a look has shown, one after another."""
    ids = bring_in(database, *(customer(f"{prefix}{number:03}") for number in range(count)))
    for number, id in enumerate(ids[-count:]):
        shows(database, id, Status.REQUESTED, at(number / 100))
        begin(database, id, now=at(number / 100 + 1))
        shows(database, id, status, at(number / 100 + 20))


def hold(database: Database, *customers: str, now: datetime = NOW) -> None:
    """A guard begins to hold what these customers both claim."""
    ids = claimed(database, *customers, now=now)
    assert len(Holds(database).review(ids, Lane.OPERATOR, now)) == len(ids)


def unannounced(database: Database) -> int:
    with database.reading() as session:
        return len(session.exec(select(Attempt).where(col(Attempt.announced_at).is_(None))).all())


async def test_what_took_effect_is_announced_once_for_every_type(announced: Any, database: Database) -> None:
    enabled(database, 1, prefix="acme")
    enabled(database, 1, Status.PARTNER_READY, prefix="bolt")
    both = [("greenlight.integration.enabled", "acme000"), ("greenlight.integration.partner_ready", "bolt000")]
    assert await announced() == both
    assert await announced() == both
    assert unannounced(database) == 0


@pytest.mark.parametrize(("minutes", "told"), [(30, False), (90, True)])
async def test_what_linkedin_confirmed_and_does_not_show_is_an_alarm_when_it_gets_old(
    announced: Any, minutes: int, told: bool
) -> None:
    since = NOW - timedelta(minutes=minutes)
    condition = Condition(Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN)
    sent = await announced(entry("acme", condition, Status.REQUESTED, condition_since=since))
    assert sent == ([("greenlight.enable.not_shown", "acme")] if told else [])


async def test_a_customer_that_a_guard_begins_to_hold_is_announced_once(announced: Any, database: Database) -> None:
    hold(database, "acme", "bolt")
    both = [("greenlight.tripwire.held", "acme"), ("greenlight.tripwire.held", "bolt")]
    assert await announced() == both
    assert await announced() == both


async def test_drift_is_announced_once_whoever_saw_it(announced: Any, database: Database) -> None:
    (id,) = bring_in(database, customer("acme"))
    shows(database, id, Status.ENABLED, at(1))
    shows(database, id, Status.NOT_REQUESTED, at(2))
    assert await announced() == [("greenlight.integration.drifted", "acme")]
    assert await announced() == [("greenlight.integration.drifted", "acme")]


async def test_a_burst_is_told_whole_alarms_first_and_then_what_ended_first(
    announced: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one request takes, of either: nothing is cut away for anything."""
    monkeypatch.setattr(outbox, "EVENTS_PER_REQUEST", 20)
    enabled(database, 50)
    dead = [
        entry(f"dead{n}", Condition(Outcome.FAILED, Reason.CREDENTIALS_REFUSED), Status.UNKNOWN) for n in range(210)
    ]
    since = NOW - 2 * timedelta(days=1)
    late = entry("late", Condition(Outcome.HELD, Reason.PAUSED), Status.REQUESTED, observed_since=since)
    sent = await announced(entry("good", ENABLED, Status.ENABLED, changed=True), *dead, late)
    assert sent == [
        *(("greenlight.credentials.dead", f"dead{n}") for n in range(210)),
        ("greenlight.request.overdue", "late"),
        *(("greenlight.integration.enabled", f"c{n:03}") for n in range(50)),
    ]
    assert unannounced(database) == 0


async def test_what_prefect_does_not_take_is_left_for_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is away, or it does not answer: the run goes on, says so in a sentence, and nothing is marked."""
    enabled(database, 2)

    async def away(_: Any) -> None:
        raise httpx.ConnectError("refused")

    async def silent(_: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(outbox, "ANNOUNCING_SECONDS", 0.2)
    for stand_in, why in ((away, "ConnectError"), (silent, "TimeoutError")):
        monkeypatch.setattr(outbox, "post_events", stand_in)
        await outbox.announce_owed(Announcements(database))
        assert f"could not all be announced to Prefect ({why}); it is on record" in caplog.text
        assert unannounced(database) == 2


async def test_where_nothing_is_owed_the_database_is_asked_once(database: Database) -> None:
    """Each turn of a worker and each of its rounds asks, all day."""
    bring_in(database, customer("acme"))
    with statements(database) as sent:
        await outbox.announce_owed(Announcements(database))
    assert len(sent) == 1


async def test_of_many_who_end_at_once_in_a_worker_one_tells(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    enabled(database, 3)
    told: list[Any] = []

    async def take(some: Sequence[Any]) -> None:
        told.extend(event["id"] for event in some)
        await asyncio.sleep(0.2)

    monkeypatch.setattr(outbox, "post_events", take)
    await asyncio.gather(*(outbox.announce_owed(Announcements(database)) for _ in range(5)))
    assert len(told) == len(set(told)) == 3
    assert unannounced(database) == 0


async def test_what_is_told_twice_is_known_for_the_same(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who dies between telling and marking leaves it to the next, who tells it by the same id."""
    enabled(database, 3)
    told: list[Any] = []

    async def take(some: Sequence[Any]) -> None:
        told.extend(event["id"] for event in some)

    monkeypatch.setattr(outbox, "post_events", take)
    with monkeypatch.context() as dying:
        dying.setattr(Announcements, "effects_told", _die)
        with pytest.raises(_Killed):
            await outbox.announce_owed(Announcements(database))
    assert unannounced(database) == 3
    await outbox.announce_owed(Announcements(database))
    await outbox.announce_owed(Announcements(database))
    assert told == told[:3] * 2
    assert len(set(told)) == 3


async def test_a_run_that_dies_leaves_its_news_to_the_next(
    town: Any, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the next one is for; Prefect's server has each event once, of the run that enabled it."""
    cases = tuple(Case(f"c{n}-{unique}", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")) for n in range(3))

    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        with _dying_at_its_end(monkeypatch):
            await reconcile(What.APPLY, return_state=True)
        assert {count["effective"] for count in there.enables().values()} == {1}
        assert unannounced(there.database) == 3

        await plan(return_state=True)
        assert unannounced(there.database) == 0
        with there.database.reading() as session:
            runs = set(session.exec(select(Attempt.run_id)))
        # As if it had died before it marked them.
        with there.database.writing() as session:
            session.exec(update(Attempt).values(announced_at=None))
        await outbox.announce_owed(Announcements(there.database))
        assert unannounced(there.database) == 0

        for case in cases:
            (event,) = await stored(case.id)
            assert event["event"] == "greenlight.integration.enabled"
            assert event["payload"]["integration_type"] == "APPLY_WITH_LINKEDIN"
            assert [related["prefect.resource.id"] for related in event["related"]] == [
                f"prefect.flow-run.{run_id}" for run_id in runs
            ]


async def test_a_run_that_dies_leaves_its_alarms_to_the_next(
    town: Any, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it found to be held and to be ENABLED no more is told by the worker's next sweep, each once."""
    cases = tuple(Case(f"d{n}-{unique}", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")) for n in range(3))
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        await reconcile(What.APPLY, return_state=True)
        hold(there.database, f"e1-{unique}", f"e2-{unique}", now=there.now())
        lost = cases[0]
        there.linkedin.set_status(lost.client_id, Key(lost.context, lost.type, lost.tenant), None)
        with _dying_at_its_end(monkeypatch):
            await plan(return_state=True)
        await requested.announce_owed(load_settings())
        await requested.announce_owed(load_settings())
        told = [event["event"] for event in await stored(cases[0].id, least=2)]
        assert sorted(told) == ["greenlight.integration.drifted", "greenlight.integration.enabled"]
        (event,) = await stored(f"e1-{unique}")
        assert (event["event"], event["payload"]["reason"]) == ("greenlight.tripwire.held", "CLAIMED_TWICE")


async def stored(customer_id: str, least: int = 1) -> list[Any]:
    """What Prefect's server has of a customer, once it has written that many."""
    wanted = {"filter": {"resource": {"id": [f"greenlight.customer.{customer_id}"]}}}
    async with get_client() as client:
        for _ in range(100):
            answer = await client.request("POST", "/events/filter", json=wanted)
            if len(found := answer.raise_for_status().json()["events"]) >= least:
                return found
            await asyncio.sleep(0.1)
    return []
