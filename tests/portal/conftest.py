"""A portal on a virtual clock, with the customers acme and bolt."""

from types import SimpleNamespace

import pytest

from greenlight.ats.database import Database
from greenlight.settings import Settings
from tests.portal.world import HTTPS, Clock, Portal, add_customer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    # The storage of the rate limits asks the time by itself.
    monkeypatch.setattr("limits.storage.memory.time", SimpleNamespace(time=clock.seconds))
    return clock


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    return Settings(_env_file=None, portal_url=HTTPS, ats_name="Hirely")  # pyright: ignore[reportCallIssue]


@pytest.fixture
def portal(settings: Settings, database: Database, clock: Clock) -> Portal:
    add_customer(database, "acme", types=["APPLY_WITH_LINKEDIN"])
    add_customer(database, "bolt", types=["ONE_CLICK_EXPORT"])
    return Portal(settings, database, clock)
