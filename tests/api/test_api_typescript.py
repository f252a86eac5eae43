"""A client in another language: types generated from `openapi.json`, compiled by tsc, run by node against the API.

Without node, npm or its registry it is skipped; REQUIRE_NODE=1 makes that a failure.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from greenlight.ats.api_tables import ProvisioningRequest
from greenlight.ats.database import Database
from greenlight.ats.tables import Customer, Integration, Pause
from tests.api.conftest import key_of
from tests.attacks.street import Street, street

pytestmark = [pytest.mark.long, pytest.mark.timeout(300), pytest.mark.parametrize("engine_name", ["sqlite"])]

SOURCES = Path(__file__).parent / "typescript"


def do_without(why: str) -> NoReturn:
    """Skip what needs node; REQUIRE_NODE=1 makes that a failure."""
    if os.environ.get("REQUIRE_NODE") == "1":
        pytest.fail(f"REQUIRE_NODE=1, but {why}", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the client with its packages, as the lock has them."""
    if (npm := shutil.which("npm")) is None or shutil.which("node") is None:
        do_without("there is no node and npm")
    folder = Path(shutil.copytree(SOURCES, tmp_path_factory.mktemp("client") / "typescript"))
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)
    if installed.returncode:
        do_without(f"npm installs nothing: {installed.stderr[-300:]}")
    return folder


def runs(project: Path, *command: str, **environment: str) -> str:
    path = f"{project / 'node_modules' / '.bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=project,
        env={"PATH": path, "HOME": str(project), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_generated_client_does_what_a_back_end_does(project: Path, database: Database) -> None:
    with street(database) as served:
        described = httpx.get(f"{served.origin}/v1/openapi.json", trust_env=False).text
        (project / "openapi.json").write_text(described, encoding="utf-8")
        runs(project, "openapi-typescript", "openapi.json", "-o", "api.d.ts")
        runs(project, "tsc")
        key = key_of(served.portal)
        said = json.loads(runs(project, "node", "built/client.js", API_ORIGIN=served.origin, API_KEY=key))
        assert (said["status"], said["state"]) == (202, "requested")
        assert said["location"] == "/v1/customers/%C3%9Cn%C3%AFcode%20%26%20Co"
        assert sorted(said["seen"]) == ["acme", "bolt", "Ünïcode & Co"]
        assert said["links"][0] == said["links"][1]
        assert (said["paused"], said["resumed"]) == ("API key our ATS", 204)
        assert said["moves"] == [["APPLY_WITH_LINKEDIN", "us"]]
        assert (said["looks"], said["nextAfter"]) == (1, 0)
        assert said["problems"] == ["UNKNOWN_CUSTOMER", "UNAUTHENTICATED"]
        is_on_record(served)


def is_on_record(served: Street) -> None:
    portal = served.portal
    assert [row["customer_name"] for row in portal.rows(Customer, "Ünïcode & Co")] == ["Ünïcode"]
    assert [row["customer_id"] for row in portal.rows(ProvisioningRequest)] == ["Ünïcode & Co"]
    assert [row["customer_id"] for row in portal.rows(Integration) if row["look_due_at"]] == ["acme"]
    assert portal.rows(Pause) == []


def test_a_call_that_the_api_does_not_have_is_no_program(project: Path, database: Database) -> None:
    """The types say what the document says: a field by another name is found before anything runs."""
    with street(database) as served:
        (project / "openapi.json").write_text(
            httpx.get(f"{served.origin}/v1/openapi.json", trust_env=False).text, encoding="utf-8"
        )
    runs(project, "openapi-typescript", "openapi.json", "-o", "api.d.ts")
    client = project / "client.ts"
    as_it_is = client.read_text(encoding="utf-8")
    try:
        for right, wrong in (("customer_name:", "name:"), ('"/v1/changes"', '"/v1/change"'), ("next_cursor", "next")):
            client.write_text(as_it_is.replace(right, wrong), encoding="utf-8")
            with pytest.raises(AssertionError, match="error TS"):
                runs(project, "tsc", "--noEmit")
    finally:
        client.write_text(as_it_is, encoding="utf-8")
