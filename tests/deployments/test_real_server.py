"""What only a whole Prefect server does: its scheduler makes runs, its automations fire and tell somebody.

The server that the other tests share has neither a scheduler nor triggers.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import State
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Failed

from deployments.automations.__main__ import apply, load, telling

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
PASSWORD = "user:a-password"
PATIENCE = 25.0  # seconds


@pytest.fixture(scope="module")
def whole_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`prefect server start`, guarded as the operator's guide says."""
    home = tmp_path_factory.mktemp("whole-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")} | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_UI_URL": "https://prefect.example.com",
        # Every 5 seconds otherwise.
        "PREFECT_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
        "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with (
        (home / "server.log").open("w") as log,
        subprocess.Popen(command, env=env, cwd=home, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}/api"
            _wait_for(url, process, home / "server.log")
            yield url
        finally:
            process.terminate()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(f"no Prefect server: {log.read_text()[-2000:]}")


@pytest.fixture
def client_settings(whole_server: str) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: whole_server, PREFECT_API_AUTH_STRING: PASSWORD}):
        yield


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An address that takes messages, and those that came."""
    heard: list[dict[str, str]] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_schedule_of_ours_gets_its_runs(client_settings: None) -> None:
    """What Prefect admits is not always what its scheduler works with, and then no night would ever come.

    3.9.1 fails with whenever 0.10 under a Python before 3.13, and 3.8.8 with SQLAlchemy 2.1.
    """
    scheduled = [deployment for deployment in DEPLOYMENTS if "schedules" in deployment]
    assert scheduled
    async with get_client() as client:
        flow_id = await client.create_flow_from_name("greenlight-test-scheduled")
        for deployment in scheduled:
            schedules = [
                DeploymentScheduleCreate(schedule=CronSchedule(cron=one["cron"], timezone=one["timezone"]), active=True)
                for one in deployment["schedules"]
            ]
            made = await client.create_deployment(flow_id, deployment["name"], schedules=schedules)
            ours = DeploymentFilter(id=DeploymentFilterId(any_=[made]))

            async def scheduled_runs(ours: DeploymentFilter = ours) -> bool:
                runs = await client.read_flow_runs(deployment_filter=ours)
                return bool(runs) and all(run.auto_scheduled for run in runs)

            assert await _eventually(scheduled_runs), deployment["name"]


async def test_each_automation_fires_and_says_what_happened_where_and_what_to_do(client_settings: None) -> None:
    with listening() as (address, heard):
        said = {"subject": "{{subject}}", "body": "{{body}}"}
        webhook = CustomWebhookNotificationBlock(name="ear", url=address, json_data=said, headers=None, cookies=None)
        block_id = str(await webhook.asave("greenlight-test-ear"))
        async with get_client() as client:
            for entry in load():
                if entry["name"] == "greenlight-nightly-missing":
                    # Prefect's least, in place of 26 hours; the rest is as shipped.
                    entry["trigger"]["within"] = 10
                await apply(client, telling(entry, block_id))
            # The triggers read automations from the database when they are told of a change.
            await asyncio.sleep(1)
            run_id = await _ended(client, Failed(name="PartialFailure", message="Needs somebody: bolt (THROTTLED)."))
            for event, customer in (
                ("greenlight.request.overdue", "bolt"),
                ("greenlight.credentials.dead", "dead"),
                ("greenlight.credentials.dead", "dead"),
                ("greenlight.integration.drifted", "cyan"),
                ("greenlight.integration.enabled_but_withdrawn", "hugo"),
                ("greenlight.enable.not_shown", "elsa"),
                ("greenlight.tripwire.held", "fred"),
                ("greenlight.application.drifted", "gale"),
                ("greenlight.integration.enabled", "acme"),
            ):
                await _emit(client, event, customer)

            async def all_heard() -> bool:
                return len(heard) >= 9

            assert await _eventually(all_heard), heard
    by_subject = {message["subject"]: message["body"] for message in heard}
    assert set(by_subject) == {
        "Greenlight: bolt has waited for more than a day",
        "Greenlight: the key of dead is refused",
        "Greenlight: cyan lost an integration",
        "Greenlight: hugo is withdrawn and still enabled",
        "Greenlight: elsa was enabled, and LinkedIn does not show it",
        "Greenlight: fred is held by a tripwire",
        "Greenlight: the application of gale is not as it was",
        "Greenlight: nightly-one ended as PartialFailure",
        "Greenlight: the nightly run is missing",
    }
    # Twice the same about one customer is said once.
    assert len([message for message in heard if "missing" not in message["subject"]]) == 8
    ended = by_subject["Greenlight: nightly-one ended as PartialFailure"]
    assert "Needs somebody: bolt (THROTTLED)." in ended
    assert f"https://prefect.example.com/runs/flow-run/{run_id}" in ended
    for entry in load():
        told = [body for body in by_subject.values() if f"({entry['name']})" in body]
        assert [entry["description"] in body for body in told] == [True] * ("message" in entry)


async def _eventually(happened: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(int(PATIENCE / 0.2)):
        if await happened():
            return True
        await asyncio.sleep(0.2)
    return False


async def _ended(client: PrefectClient, state: State[Any]) -> UUID:
    """A run that an automation can tell is ours, and its end."""
    flow_id = await client.create_flow_from_name("greenlight-test-ended")
    deployment_id = await client.create_deployment(flow_id, "ended", tags=["greenlight"])
    run = await client.create_flow_run_from_deployment(deployment_id, name="nightly-one", tags=["greenlight"])
    await client.set_flow_run_state(run.id, state, force=True)
    return run.id


async def _emit(client: PrefectClient, event: str, customer: str) -> None:
    body = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": event,
        "resource": {"prefect.resource.id": f"greenlight.customer.{customer}", "prefect.resource.name": customer},
        "payload": {
            "customer_id": customer,
            "integration_context": "urn:li:organization:1",
            "integration_type": "APPLY_WITH_LINKEDIN",
            "reason": "A_REASON",
            "message": "what was found",
        },
    }
    (await client.request("POST", "/events", json=[body])).raise_for_status()
