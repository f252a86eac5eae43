"""`webhooks`: what is pending or failed is listed and told again under its id; a try shows no secret."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from greenlight.ats.database import Database
from greenlight.ats.webhooks import Sent, Webhooks
from greenlight.domain.status import Status
from greenlight.domain.webhooks import TRIED_AT_LEAST, TRIED_FOR
from greenlight.webhooks.sending import Receiver
from tasks.realtime.delivering import deliver_due
from tests.ats.world import NOON, at, bring_in, customer, shows
from tests.cli.conftest import Here
from tests.webhooks.listener import Listener, listening, new_secret


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    with listening(new_secret()) as listener:
        monkeypatch.setenv("GREENLIGHT_WEBHOOK_URL", listener.url)
        monkeypatch.setenv("GREENLIGHT_WEBHOOK_SECRET", listener.secret)
        monkeypatch.setenv("GREENLIGHT_WEBHOOK_ALLOW_INTERNAL", "true")
        yield listener


def changed(database: Database, *statuses: Status) -> Webhooks:
    (id,) = bring_in(database, customer("acme"))
    webhooks = Webhooks(database)
    webhooks.take_in(NOON)
    for run, status in enumerate(statuses):
        shows(database, id, status, at(run), purpose=f"observe:run-{run}")
    webhooks.take_in(at(5))
    return webhooks


def refused(webhooks: Webhooks, now: float) -> None:
    due = webhooks.claim(at(now), at(now + 1), 10)
    webhooks.record([Sent(each, False, "HTTP 500 Internal Server Error") for each in due], at(now))


def test_what_is_pending_and_what_failed_is_listed(here: Here, here_database: Database) -> None:
    webhooks = changed(here_database, Status.REQUESTED, Status.ENABLED)
    refused(webhooks, 5)
    listed = here("webhooks", "list", "--json").json()
    assert listed["counts"] == {"pending": 2, "failed": 0, "delivered": 0}
    first, second = listed["deliveries"]
    assert (first["tries"], first["came_back"]) == (1, "HTTP 500 Internal Server Error")
    assert (first["at"], first["next_try_at"]) == ("2026-03-01T12:00:00Z", "2026-03-01T12:05:05Z")
    assert (second["tries"], second["state"], second["type"]) == (0, "pending", "integration.status_changed")
    for more in range(1, TRIED_AT_LEAST):
        refused(webhooks, TRIED_FOR / timedelta(minutes=1) + 100 * more)
    listed = here("webhooks", "list", "--json").json()
    assert listed["counts"] == {"pending": 1, "failed": 1, "delivered": 0}
    assert [each["state"] for each in listed["deliveries"]] == ["failed", "pending"]
    assert "HTTP 500" in here("webhooks", "list").out


def test_what_is_told_again_has_the_id_that_it_had(here: Here, here_database: Database, listener: Listener) -> None:
    webhooks = changed(here_database, Status.REQUESTED, Status.ENABLED)

    async def deliver() -> None:
        async with Receiver(listener.url, (listener.secret,), allow_internal=True) as to:
            # The listener goes by the host's clock.
            await deliver_due(webhooks, to, lambda: datetime.now(UTC), timedelta(seconds=15))

    asyncio.run(deliver())
    first, second = (id for id, _ in listener.taken)
    assert here("webhooks", "replay", first, "--json").json()["replayed"] == 1
    asyncio.run(deliver())
    assert here("webhooks", "replay", "--since", "2026-03-01T12:01Z", "--json").json()["replayed"] == 1
    asyncio.run(deliver())
    assert [id for id, _ in listener.taken] == [first, second, first, second]
    assert here("webhooks", "list", "--json").json()["deliveries"] == []
    every = here("webhooks", "list", "--all", "--json").json()["deliveries"]
    assert [each["event_id"] for each in every] == [second, first]


def test_what_cannot_be_told_again_is_said(here: Here, here_database: Database) -> None:
    for arguments in ([], ["msg_1", "--since", "2026-03-01"], ["--since", "soon"], ["msg_1"]):
        done = here("webhooks", "replay", *arguments, "--json")
        assert (done.code, done.json()["kind"]) == (1, "input")


def test_a_try_says_what_came_back_and_shows_no_secret(here: Here, listener: Listener) -> None:
    taken = here("webhooks", "test", "--json")
    assert (taken.code, taken.json()["came_back"]) == (0, "HTTP 204 No Content")
    assert [event["type"] for _, event in listener.taken] == ["webhook.test"]
    listener.answers = lambda: 500
    not_taken = here("webhooks", "test")
    assert not_taken.code == 3
    assert "HTTP 500" in not_taken.out
    shown = here("config").out + here("config", "--json").out + taken.out + not_taken.out + not_taken.err
    assert listener.secret not in shown


def test_without_a_receiver_there_is_nothing_to_try(here: Here) -> None:
    assert here("webhooks", "test", "--json").json()["message"] == "no receiver is set"


def test_an_address_inside_is_not_tried(here: Here, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLIGHT_WEBHOOK_ALLOW_INTERNAL", "false")
    done = here("webhooks", "test")
    assert (done.code, listener.asked) == (3, 0)
    assert "GREENLIGHT_WEBHOOK_ALLOW_INTERNAL" in done.out
