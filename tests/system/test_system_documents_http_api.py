"""The HTTP API's page: its key opens what its calls say, typed as they stand there."""

import json
from typing import Any

import pytest

from sandbox.world import Parent, World
from tests.system.documents import Terminal, has_parent, lines_of, types
from tests.system.programs import free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]

KEY = ("docs/http-api.md", 'export KEY=$(greenlight api-key create "our ATS")')
CALLS = ("docs/http-api.md", "export API=http://127.0.0.1:8780/v1")


@pytest.fixture
def world() -> World:
    return World(parents=[Parent(client_id="vendor", client_secret="its-secret")])


@types(KEY, CALLS)
def test_its_calls_do_what_it_says(terminal: Terminal, linkedin: Any, prefect_server: str) -> None:
    port = free_port()
    terminal.environment["PREFECT_API_URL"] = prefect_server
    terminal.environment["GREENLIGHT_PORTAL_URL"] = f"http://127.0.0.1:{port}"
    terminal.words["127.0.0.1:8780"] = f"127.0.0.1:{port}"
    has_parent(terminal)
    terminal.succeed("greenlight parent parent.json")
    terminal.succeed("greenlight migrate")
    terminal.leave("greenlight worker")
    terminal.leave("greenlight portal")
    terminal.wait_for_port(port)
    (key,) = lines_of(KEY)
    terminal.succeed(key)
    api, put, get, *others = lines_of(CALLS)
    terminal.succeed(api)
    assert json.loads(terminal.succeed(put))["application"]["state"] == "requested"
    terminal.wait_for(lambda: json.loads(terminal.succeed(get))["application"]["state"] == "ready")
    said = [terminal.succeed(line) for line in others]
    answers = [json.loads(each) if each else {} for each in said]
    assert [each for each in answers if "reason" in each and "status" in each] == [], "a problem"
    page, link, integrations, looks, pause, resumed, changes = answers
    assert [each["customer_id"] for each in page["customers"]] == ["acme"]
    assert "/open/" in link["link"]
    assert (integrations["integrations"], looks["looks"], resumed) == ([], 0, {})
    assert pause["paused_by"] == "API key our ATS"
    assert changes == {"changes": [], "next_after": 0, "more": False}
    sandbox, _ = linkedin
    assert [each["unique_foreign_id"] for each in sandbox.state()["applications"]] == ["acme"]
