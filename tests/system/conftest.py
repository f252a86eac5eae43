"""A newcomer's folder, and the terminal in which documents are typed."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Application, Integration, Parent, World
from tests.cli.conftest import Home
from tests.cli.prefect_server import prefect_server as running_prefect_server
from tests.system.documents import ROOT, Terminal, lines_of
from tests.system.programs import free_port


@pytest.fixture
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One for each test: each is a vendor of its own, whom another's credentials of an "acme" do not concern."""
    with running_prefect_server(Home(tmp_path_factory.mktemp("prefect"))) as api:
        yield api


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The repository as it lies before a newcomer after `dev.py setup`, where files of their own disturb nobody."""
    for entry in ROOT.iterdir():
        if entry.name not in (".venv", ".git", ".env"):
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def empty_terminal(checkout: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """With an empty home. A test that says which blocks it types must have typed each line of them."""
    terminal = Terminal(checkout)
    try:
        yield terminal
        lines = [line for block in getattr(request.function, "types", ()) for line in lines_of(block)]
        assert [line for line in lines if line not in terminal.typed] == []
    finally:
        terminal.close()


@pytest.fixture
def world() -> World:
    requested = Integration(
        integration_context="urn:li:organization:4gX03uw",
        integration_type="APPLY_WITH_LINKEDIN",
        tenant_type="JOBS",
        onboarding_status="REQUESTED",
    )
    acme = Application(
        client_id="77abc",
        client_secret="WPL",
        customer="acme",
        organization="4gX03uw",
        integrations=[requested],
    )
    return World(applications=[acme], parents=[Parent(client_id="vendor", client_secret="its-secret")])


@pytest.fixture
def linkedin(world: World) -> Iterator[Any]:
    app = create_app(world)
    with serving_in_thread(app) as address:
        yield app.state.sandbox, address


@pytest.fixture
def terminal(empty_terminal: Terminal, linkedin: Any) -> Terminal:
    _, address = linkedin
    empty_terminal.environment |= {
        "GREENLIGHT_DATABASE_URL": f"sqlite:///{empty_terminal.folder}/greenlight.db",
        "GREENLIGHT_LINKEDIN_API_URL": address,
        "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
        "GREENLIGHT_LINKEDIN_WIDGET_URL": f"{address}/uas/in.js",
        "GREENLIGHT_ATS_NAME": "Talentgrid",
        "GREENLIGHT_PORTAL_URL": f"http://127.0.0.1:{free_port()}",
    }
    return empty_terminal
