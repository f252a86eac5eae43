"""What the portal puts on record is dated by the database, whatever its own host's clock says."""

import time
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from greenlight.ats.clock import time_of
from greenlight.ats.tables import PortalSession, RequestEvidence
from portal.lifespan import create_portal
from portal.links import Links
from tests.portal.world import KEYS, Portal, named


class HoursAhead(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.now(tz) + timedelta(hours=3)


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
async def test_a_host_that_is_hours_ahead(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of the future would be newer than every look, for hours."""
    monkeypatch.setattr("portal.app.datetime", HoursAhead)
    monkeypatch.setattr("limits.storage.memory.time", time)
    portal.app = create_portal(portal.settings, portal.database, KEYS)
    portal.links = Links(KEYS, time.time)
    async with portal.visit("acme") as browser:
        assert (await browser.post(named())).status_code == 202
    (visit,), (evidence,) = portal.rows(PortalSession), portal.rows(RequestEvidence)
    now = time_of(portal.database)
    for at in (visit["opened_at"], evidence["first_at"]):
        assert now - timedelta(minutes=2) < at <= now
