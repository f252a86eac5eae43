"""What `doctor` says of schedules, workers, automations and events, with nothing there and with all of it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.schemas.automations import AutomationCore
from prefect.states import Scheduled

from cli import night_checks
from cli.night_checks import check_night
from deployments.automations.__main__ import load, telling

CRON = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 2 * * *"), active=True)


@pytest.fixture
def ours(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A mark of this test's own, since all tests share the server."""
    mark = f"night-{uuid4().hex[:8]}"
    monkeypatch.setattr(night_checks, "TAG", mark)
    monkeypatch.setattr(night_checks, "OURS", f"{mark}-")
    return mark


async def states() -> dict[str, tuple[str, str]]:
    """Each check's state and what it found, but for events, which are everybody's here."""
    return {each.name: (each.state.value, each.found) for each in await check_night() if each.name != "events"}


@flow
def idle() -> None: ...


async def test_each_thing_that_keeps_the_night_from_coming_is_named(ours: str) -> None:
    assert await states() == {
        "schedules": ("warning", "no deployment of ours is on this server: nothing runs by itself")
    }
    async with get_client() as client:
        flow_id = await client.create_flow(idle)
        nightly = await client.create_deployment(flow_id, "nightly", work_pool_name=None, tags=[ours])
        assert (await states())["schedules"] == ("problem", "none of 1 deployments has a schedule: no night comes")

        pool = await client.create_work_pool(WorkPoolCreate(name=ours, type="process"))
        await client.update_deployment(nightly, DeploymentUpdate(work_pool_name=pool.name))
        (schedule,) = await client.create_deployment_schedules(nightly, [(CRON.schedule, False)])
        said = await states()
        assert said["schedules"] == ("problem", "switched off: nightly")
        nobody = f"nobody takes runs from the work pool {ours!r}: no worker is online"
        assert said["workers"] == ("problem", nobody)
        assert said["automations"][0] == "warning"

        await client.update_deployment_schedule(nightly, schedule.id, active=True)
        await client.send_worker_heartbeat(work_pool_name=pool.name, worker_name="one", heartbeat_interval_seconds=30)
        idle_said = ("problem", "on, but no coming run is planned: nightly")
        assert (await states())["schedules"] == idle_said
        later = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(hours=1))
        await client.create_flow_run_from_deployment(nightly, state=later)
        assert (await states())["schedules"] == idle_said, "somebody's own run is none of the schedule's"
        # What the server's scheduler does; the one that tests share has none.
        await client.request("POST", f"/deployments/{nightly}/schedule", json={})
        entry: dict[str, Any] = {**load()[0], "name": f"{ours}-first"}
        automation = await client.create_automation(AutomationCore.model_validate(telling(entry, None).model_dump()))
        helpers = await client.create_work_pool(WorkPoolCreate(name=f"{ours}-helpers", type="process"))
        await client.create_deployment(flow_id, "help", work_pool_name=helpers.name, tags=[ours, night_checks.HELPER])
        assert await states() == {
            "schedules": ("ok", "on: nightly"),
            "workers": ("ok", f"{ours!r} has 1 online"),
            "automations": ("ok", "1 are on"),
        }

        await client.pause_automation(automation)
        await client.update_work_pool(pool.name, WorkPoolUpdate(is_paused=True))
        await client.pause_deployment(nightly)
        assert await states() == {
            "schedules": ("problem", "switched off: nightly"),
            "workers": ("problem", f"the work pool {ours!r} is paused"),
            "automations": ("warning", f"switched off: {ours}-first"),
        }
        await client.delete_work_pool(pool.name)
        await client.delete_work_pool(helpers.name)


@pytest.mark.parametrize(
    ("ended", "came", "state"), [([], [], None), ([{}], [{}], "ok"), ([{}], [], "problem")], ids=str
)
async def test_events_that_do_not_come_through_are_seen_by_runs_that_did(
    ended: list[Any], came: list[Any], state: str | None
) -> None:
    """A proxy that lets requests through and refuses websockets."""

    class Server:
        async def request(self, _method: str, path: str, json: Any) -> httpx.Response:
            return httpx.Response(200, json={"events": came} if path.startswith("/events") else ended)

    check = cast("Callable[[PrefectClient], Awaitable[list[Any]]]", night_checks._events)
    found = await check(cast(PrefectClient, Server()))
    assert [each.state.value for each in found] == ([] if state is None else [state])
