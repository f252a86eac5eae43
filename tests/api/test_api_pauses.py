"""Pauses by the API: begun, changed and ended by keys alone, and never one of a person's."""

from datetime import timedelta

import httpx
import pytest

from greenlight.ats.pauses import Pause as PersonsPause
from greenlight.ats.pauses import Pauses
from greenlight.ats.tables import Pause
from portal.api.problems import Code
from tests.api.conftest import calling
from tests.api.test_api_access import is_problem
from tests.portal.world import START, Portal


async def test_a_pause_is_begun_changed_and_ended(api: httpx.AsyncClient, portal: Portal) -> None:
    wanted = {"reason": "trial", "until": "2026-03-02T13:00:00+01:00"}
    answer = await api.put("/v1/customers/acme/pause", json=wanted)
    assert answer.json() == {
        "reason": "trial",
        "paused_by": "API key our ATS",
        "since": "2026-03-01T12:00:00Z",
        "until": "2026-03-02T12:00:00Z",
    }
    await api.put("/v1/customers/acme/pause", json={**wanted, "reason": "longer trial"})
    (row,) = portal.rows(Pause)
    assert (row["customer_id"], row["reason"], row["until"]) == ("acme", "longer trial", START + timedelta(days=1))
    for _ in range(2):
        assert (await api.delete("/v1/customers/acme/pause")).status_code == 204
    assert portal.rows(Pause) == []


async def test_a_person_s_pause_is_not_a_key_s_to_change(api: httpx.AsyncClient, portal: Portal) -> None:
    ends = START + timedelta(hours=2)
    Pauses(portal.database).begin(PersonsPause("acme", "their audit", "ops", START, ends))
    before, wanted = portal.rows(Pause), {"reason": "trial", "until": "2026-03-02T12:00:00Z"}
    for answer in (
        await api.put("/v1/customers/acme/pause", json=wanted),
        await api.delete("/v1/customers/acme/pause"),
    ):
        is_problem(answer, Code.PAUSED_BY_ANOTHER)
        assert "by ops until 2026-03-01 14:00" in answer.json()["detail"]
    assert portal.rows(Pause) == before
    assert portal.rings == []
    portal.clock.advance(7200)
    assert (await api.put("/v1/customers/acme/pause", json=wanted)).status_code == 200, "it is over"
    async with calling(portal, name="another") as other:
        assert (await other.delete("/v1/customers/acme/pause")).status_code == 204, "a key's is any key's"
    assert portal.rows(Pause) == []


@pytest.mark.parametrize(
    "until", ["2026-03-01T12:00:00Z", "2026-03-02T12:00:00", "2027-03-02T12:00:00Z", "tomorrow", ""]
)
async def test_a_pause_ends_at_a_moment_within_a_year(api: httpx.AsyncClient, portal: Portal, until: str) -> None:
    answer = await api.put("/v1/customers/acme/pause", json={"reason": "trial", "until": until})
    is_problem(answer, Code.INVALID_INPUT)
    assert portal.rows(Pause) == []
