"""Webhooks from a change to a receiver that nobody here wrote: none lost, in order, signed with what is good now."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from greenlight.ats.database import Database
from greenlight.ats.tables import Integration
from greenlight.ats.webhook_tables import WebhookDelivery, WebhookPlace
from greenlight.ats.webhooks import Webhooks
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from greenlight.webhooks.sending import Receiver
from tasks.realtime.delivering import deliver_due, deliver_webhooks
from tests.ats.world import NOON, bring_in, customer, shows
from tests.webhooks.listener import Listener, by_the_clock, listening, new_secret

LIMIT = timedelta(seconds=15)
IN_TURN = (Status.REQUESTED, Status.ENABLED, Status.NOT_REQUESTED, Status.PARTNER_READY)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    by_the_clock(monkeypatch, clock)
    return clock


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening(new_secret()) as listener:
        yield listener


def receiver(listener: Listener, *secrets: str) -> Receiver:
    return Receiver(listener.url, secrets or (listener.secret,), allow_internal=True)


async def deliver(database: Database, to: Receiver, clock: Clock) -> None:
    async with to:
        await deliver_due(Webhooks(database), to, clock, LIMIT)


async def test_the_library_takes_each_delivery(database: Database, clock: Clock, listener: Listener) -> None:
    (id,) = bring_in(database, customer("acme"))
    await deliver(database, receiver(listener), clock)
    shows(database, id, Status.REQUESTED, clock.now)
    shows(database, id, Status.NOT_REQUESTED, clock.now, purpose="observe:run-2")
    await deliver(database, receiver(listener), clock)
    assert listener.refused == []
    told = [(event["type"], event["data"]["status"], event["data"]["reason"]) for event in listener.of("acme")]
    assert told == [
        ("integration.status_changed", "REQUESTED", "READY_TO_ENABLE"),
        ("integration.status_changed", "NOT_REQUESTED", "NOT_REQUESTED"),
        ("integration.needs_action", "NOT_REQUESTED", "NOT_REQUESTED"),
    ]
    await deliver(database, receiver(listener), clock)
    assert len(listener.taken) == listener.asked == 3, "what was taken is not sent again"


async def test_a_day_without_the_receiver_loses_nothing_and_keeps_the_order(
    database: Database, clock: Clock, listener: Listener
) -> None:
    """The secret is replaced meanwhile: what was written under the old one is signed with the new one."""
    old, new = listener.secret, new_secret()
    ids = bring_in(database, *(customer(f"c{n}") for n in range(3)))
    await deliver(database, receiver(listener), clock)
    listener.answers = lambda: 503
    expected = 0
    for step in range(24 * 6):
        hour = step // 6
        secrets = (old,) if hour < 8 else (new, old) if hour < 16 else (new,)
        if step % 6 == 0:
            for id in ids:
                shows(database, id, IN_TURN[hour % 4], clock.now, purpose=f"observe:run-{hour}")
            expected += 1
        await deliver(database, receiver(listener, *secrets), clock)
        clock.now += timedelta(minutes=10)
    assert listener.taken == []
    assert listener.asked < 3 * 40, "it is asked less and less often"
    listener.answers, listener.secret = (lambda: None), new
    clock.now += timedelta(hours=1)
    await deliver(database, receiver(listener, new), clock)
    assert listener.refused == []
    for n in range(3):
        changed = [e for e in listener.of(f"c{n}") if e["type"] == "integration.status_changed"]
        assert [event["data"]["status"] for event in changed] == [IN_TURN[hour % 4].value for hour in range(expected)]
        moments = [event["timestamp"] for event in listener.of(f"c{n}")]
        assert moments == sorted(moments)
    assert len({id for id, _ in listener.taken}) == len(listener.taken)
    assert {len(signed) for signed in listener.signatures} == {1}, "a retired secret signs nothing"


async def test_while_a_secret_is_replaced_both_verify(database: Database, clock: Clock, listener: Listener) -> None:
    old, new = listener.secret, new_secret()
    (id,) = bring_in(database, customer("acme"))
    await deliver(database, receiver(listener), clock)
    for run, held in enumerate((old, new)):
        listener.secret = held
        shows(database, id, IN_TURN[run], clock.now, purpose=f"observe:run-{run}")
        await deliver(database, receiver(listener, new, old), clock)
    assert listener.refused == []
    assert [len(signed) for signed in listener.signatures] == [2, 2]


async def test_what_waits_behind_one_that_is_not_taken_waits(
    database: Database, clock: Clock, listener: Listener
) -> None:
    """Another customer's do not."""
    first, second = bring_in(database, customer("a"), customer("b"))
    await deliver(database, receiver(listener), clock)
    for run, status in enumerate(IN_TURN[:2]):
        shows(database, first, status, clock.now, purpose=f"observe:run-{run}")
    answers = iter((500, None, None, None))
    listener.answers = lambda: next(answers)
    await deliver(database, receiver(listener), clock)
    shows(database, second, Status.ENABLED, clock.now)
    await deliver(database, receiver(listener), clock)
    assert [event["data"]["customer_id"] for _, event in listener.taken] == ["b"]
    clock.now += timedelta(seconds=5)
    await deliver(database, receiver(listener), clock)
    assert [event["data"]["status"] for event in listener.of("a")] == ["REQUESTED", "ENABLED"]


def test_many_workers_at_once_keep_the_order(
    database: Database, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    """Many tries fail at random; time goes fifty times as fast for them, so that waits pass."""
    chance, began = random.Random(7), time.monotonic()

    def now() -> datetime:
        return NOON + timedelta(seconds=50 * (time.monotonic() - began))

    by_the_clock(monkeypatch, now)
    monkeypatch.setattr("greenlight.ats.webhooks.wait_after", lambda tries: timedelta(seconds=1))
    ids = bring_in(database, *(customer(f"c{n}") for n in range(6)))
    Webhooks(database).take_in(now())
    listener.answers = lambda: 503 if chance.random() < 0.4 else None
    reasons = [Reason.PAUSED, Reason.CUSTOMER_BUSY] * 3
    wanted = [(reason, status) for reason, status in zip(reasons, IN_TURN * 2, strict=False)]
    for reason, status in wanted:
        with database.writing() as session:
            for id in ids:
                row = session.get_one(Integration, id)
                row.reason, row.observed = reason, status

    async def work() -> None:
        async with receiver(listener) as to:
            while len({id for id, _ in listener.taken}) < len(ids) * len(wanted) and now() < NOON + timedelta(hours=1):
                await deliver_due(Webhooks(database), to, now, LIMIT)
                await asyncio.sleep(0.02)

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(asyncio.run, work()) for _ in range(3)]:
            each.result()
    assert listener.refused == []
    for n in range(6):
        assert [event["data"]["status"] for event in listener.of(f"c{n}")] == [status.value for _, status in wanted]
    assert listener.asked > len(listener.taken)


async def test_a_turn_ends_so_that_the_settings_are_read_again(
    database: Database, clock: Clock, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = bring_in(database, customer("acme"))
    await deliver(database, receiver(listener), clock)
    for run, status in enumerate(IN_TURN):
        shows(database, id, status, clock.now, purpose=f"observe:run-{run}")

    with monkeypatch.context() as brief:
        brief.setattr("tasks.realtime.delivering.LONGEST_TURN_SECONDS", 0.4)
        listener.answers = lambda: time.sleep(0.5)
        await deliver(database, receiver(listener), clock)
    assert len(listener.taken) == 1
    await deliver(database, receiver(listener), clock)
    assert [event["data"]["status"] for event in listener.of("acme") if "status_c" in event["type"]] == list(IN_TURN)


def test_the_listener_takes_nothing_that_is_signed_otherwise(listener: Listener) -> None:
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time()))}
    with pytest.raises(WebhookVerificationError):
        Webhook(listener.secret).verify("{}", {**headers, "webhook-signature": "v1,AAAA"})
    assert listener.hear({**headers, "webhook-signature": "v1,AAAA"}, b"{}") == 400


@contextlib.asynccontextmanager
async def working() -> AsyncIterator[None]:
    """The worker's own loop, which reads the settings as it goes; it is stopped between two turns."""
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr("tasks.realtime.delivering.TURN_SECONDS", 0.02)
        task = asyncio.create_task(deliver_webhooks())
        try:
            yield
        finally:
            quick.setattr("tasks.realtime.delivering.TURN_SECONDS", 3600)
            await asyncio.sleep(0.5)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - it comes from another thread
            await asyncio.sleep(0.01)


async def test_a_worker_signs_with_what_its_file_holds_now(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    """No restart is needed to replace a secret, and a file that is amiss for a moment loses nothing."""
    file, new = tmp_path / "secrets", new_secret()
    file.write_text(listener.secret)
    for name, value in {
        "DATABASE_URL": database_url,
        "WEBHOOK_URL": listener.url,
        "WEBHOOK_SECRET_FILE": str(file),
        "WEBHOOK_ALLOW_INTERNAL": "true",
    }.items():
        monkeypatch.setenv(f"GREENLIGHT_{name}", value)
    (id,) = bring_in(database, customer("acme"))
    Webhooks(database).take_in(NOON)
    async with working():
        shows(database, id, Status.REQUESTED, NOON)
        await until(lambda: len(listener.taken) == 1)
        file.write_text("")
        shows(database, id, Status.ENABLED, NOON, purpose="observe:run-2")
        await asyncio.sleep(0.1)
        listener.secret = new
        file.write_text(new)
        await until(lambda: len(listener.taken) == 2)
    assert listener.refused == []
    assert listener.asked == 2


async def test_without_a_receiver_nothing_is_written(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", database_url)
    (id,) = bring_in(database, customer("acme"))
    async with working():
        shows(database, id, Status.REQUESTED, NOON)
        await asyncio.sleep(0.2)
    with database.reading() as session:
        assert session.exec(select(WebhookPlace)).all() == []
        assert session.exec(select(WebhookDelivery)).all() == []
