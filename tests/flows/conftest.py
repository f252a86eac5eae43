"""A real Prefect server, a sandbox over real HTTP, and the ATS database on both engines, for whole flows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW, temporary_settings

from blocks.child_app import ChildAppBlocks
from flows.shards import shards
from greenlight.ats.database import open_database
from greenlight.ats.runs import Runs
from greenlight.domain.report import Report
from greenlight.intake import read_import
from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import World
from tasks.sequences.adopt import adopt
from tasks.sequences.helpers import Helpers


@pytest.fixture
def unique() -> str:
    """All tests share one Prefect server, whose blocks outlive them."""
    return uuid4().hex[:8]


@pytest.fixture
def ada(unique: str) -> str:
    return f"ada-{unique}"


@pytest.fixture
def bob(unique: str) -> str:
    return f"bob-{unique}"


class Town:
    """The ATS database, LinkedIn's stand-in and Prefect, put together."""

    def __init__(self, database_url: str, app: FastAPI, folder: Path) -> None:
        self.database = open_database(database_url)
        self.runs = Runs(self.database)
        self.linkedin: Any = app.state.sandbox
        self._folder = folder

    async def bring_in(self, text: str) -> None:
        file = self._folder / "customers.jsonl"
        file.write_text(text, encoding="utf-8")
        await adopt(read_import(file), self.database, ChildAppBlocks(), datetime.now(UTC))

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    def report(self, state: Any) -> Report:
        return self.runs.report(str(state.state_details.flow_run_id))

    @staticmethod
    async def artifacts(state: Any) -> dict[str, str]:
        """What a flow run published, by key; asked for by its id, since all tests share one server."""
        ours = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
        async with get_client() as client:
            return {str(a.key): str(a.data) for a in await client.read_artifacts(artifact_filter=ours)}

    def operations(self) -> list[str]:
        return [entry.operation for entry in self.linkedin.log]

    def violations(self) -> list[Any]:
        """Broken rules, but for the one that a new process with an empty token cache breaks by being new."""
        return [violation for violation in self.linkedin.violations if violation.rule != "extra_token"]

    def enables(self) -> dict[str, dict[str, int]]:
        """Per customer, how many enables LinkedIn received and how many it carried out."""
        return {
            application["customer"]: {
                count: sum(i["enables"][count] for i in application["integrations"])
                for count in ("received", "effective")
            }
            for application in self.linkedin.state()["applications"]
        }


@pytest.fixture
def town(prefect_server: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`async with town(world) as there:`, with every setting pointed at it."""

    @asynccontextmanager
    async def build(world: World, **settings: str) -> AsyncIterator[Town]:
        app = create_app(world)
        with serving_in_thread(app) as address:
            monkeypatch.setenv("GREENLIGHT_DATABASE_URL", database_url)
            monkeypatch.setenv("GREENLIGHT_LINKEDIN_API_URL", address)
            monkeypatch.setenv("GREENLIGHT_LINKEDIN_TOKEN_URL", f"{address}/oauth/v2/accessToken")
            monkeypatch.setenv("GREENLIGHT_HTTP_TIMEOUT_SECONDS", "1")
            monkeypatch.setenv("GREENLIGHT_SETTLE_SECONDS", "1")
            monkeypatch.setenv("GREENLIGHT_RETRY_DELAYS_SECONDS", "0.1,0.1")
            monkeypatch.setenv("GREENLIGHT_APPLICATION_READY_SECONDS", "5")
            for name, value in settings.items():
                monkeypatch.setenv(name, value)
            with temporary_settings(
                {PREFECT_API_URL: prefect_server, PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore"}
            ):
                there = Town(database_url, app, tmp_path)
                try:
                    yield there
                finally:
                    there.database.close()

    return build


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Every event that is told from now on: its name, the customer, the reason."""
    events: list[tuple[str, str, str]] = []

    async def take(told: Sequence[Any]) -> None:
        events.extend((each["event"], each["payload"]["customer_id"], each["payload"]["reason"]) for each in told)

    monkeypatch.setattr("tasks.telling.events.send_events", take)
    monkeypatch.setattr("tasks.telling.outbox.post_events", take)
    return events


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Task[Any]]:
    """Two helpers for each run that asks, without the processes of Prefect's workers around them."""
    started: list[asyncio.Task[Any]] = []

    async def ask(self: Any, wanted: int) -> None:
        if not started:
            run_id = self._run_id
            for _ in range(2):
                helper = asyncio.create_task(_start(run_id), context=Context())
                started.append(helper)

    async def _start(run_id: str) -> Any:
        return await shards(run_id, return_state=True)

    monkeypatch.setattr(Helpers, "ask", ask)
    return started
