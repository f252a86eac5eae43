"""What a run has brought about is announced while it goes on, and nothing of that keeps the run."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from greenlight.ats.announcements import Announcements
from greenlight.ats.database import Database
from tasks.telling import outbox
from tests.tasks.telling.test_tasks_announcing import enabled, unannounced


async def test_what_a_run_has_brought_about_is_announced_while_it_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes while a request is under way waits for the next time, so that requests are few."""
    requests: list[tuple[int, float]] = []
    both = asyncio.Event()

    async def take(some: Sequence[Any]) -> None:
        requests.append((len(some), asyncio.get_running_loop().time()))
        if len(requests) == 1:
            enabled(database, 3, prefix="later")
        else:
            both.set()

    monkeypatch.setattr(outbox, "post_events", take)
    monkeypatch.setattr(outbox, "ANNOUNCED_EVERY", 0.2)
    async with asyncio.timeout(10), outbox.announcing(Announcements(database)):
        enabled(database, 5)
        await both.wait()
    (first, at_first), (second, at_second) = requests
    assert (first, second) == (5, 3)
    assert at_second - at_first >= 0.2
    assert unannounced(database) == 0


async def test_a_server_that_is_away_is_not_asked_again_while_the_run_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    enabled(database, 2)

    async def away(_: Any) -> None:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(outbox, "post_events", away)
    monkeypatch.setattr(outbox, "ANNOUNCED_EVERY", 0.01)
    async with outbox.announcing(Announcements(database)):
        await asyncio.sleep(0.5)
    assert caplog.text.count("could not all be announced to Prefect") == 1
    assert unannounced(database) == 2


async def test_a_run_that_fails_does_not_stay_to_announce(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has brought about is on record, for whoever comes next."""
    enabled(database, 2)
    asked = asyncio.Event()

    async def silent(_: Any) -> None:
        asked.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(outbox, "post_events", silent)
    monkeypatch.setattr(outbox, "ANNOUNCED_EVERY", 0.01)

    async def failing() -> None:
        async with outbox.announcing(Announcements(database)):
            await asked.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(failing(), 5)
    assert unannounced(database) == 2

    told: list[Any] = []

    async def take(some: Sequence[Any]) -> None:
        told.extend(some)

    monkeypatch.setattr(outbox, "post_events", take)
    assert await outbox.announce_owed(Announcements(database))
    assert len(told) == 2, "nobody is kept from telling by who was stopped"
