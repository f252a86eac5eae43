"""The tutorial's commands on the demo's customers, `dev.py`'s as they stand in the papers, and the sandbox's."""

import json
import os
import re
import shutil
import signal
from typing import Any

import httpx
import pytest

import dev
from cli.demo_world import MISTYPED, PARENT_ID, PARENT_SECRET, customers_file, new_world
from sandbox.world import World
from tests.system.documents import ROOT, Terminal, has_parent, lines_of, types
from tests.system.programs import free_port

pytestmark = [pytest.mark.timeout(500)]

NEW = ("docs/tutorial.md", "greenlight provision --new soylent=Soylent --new initrode=Initrode")
LINK = ("docs/tutorial.md", "greenlight link soylent")
PLANNED = ("docs/tutorial.md", "greenlight import customers.csv")
MENDED = ("docs/tutorial.md", "greenlight explain cyberdyne")


class TestTutorial:
    @pytest.fixture
    def world(self) -> World:
        return new_world()

    @pytest.mark.long
    @types(NEW, LINK, PLANNED, MENDED)
    def test_its_commands_do_what_the_demo_does(self, terminal: Terminal, linkedin: Any, prefect_server: str) -> None:
        terminal.environment["PREFECT_API_URL"] = prefect_server
        has_parent(terminal, PARENT_ID, PARENT_SECRET)
        terminal.succeed("greenlight parent parent.json")
        for line in (*lines_of(NEW), *lines_of(NEW)):
            said = terminal.succeed(line)
        assert said.count("unchanged") >= 2, "run it again and they are unchanged"
        (link,) = lines_of(LINK)
        assert "/open/" in terminal.succeed(link)
        file = terminal.folder / "customers.csv"
        file.write_text(customers_file(mistyped=True))
        imported, planned = lines_of(PLANNED)
        terminal.succeed(imported)
        plan = terminal.type(planned)
        assert plan.returncode == 2, plan
        (terminal.words["PLAN_ID"],) = set(re.findall(r"greenlight apply (\S+)", plan.stdout))
        assert "6 enabled" in terminal.succeed("greenlight apply PLAN_ID")
        file.write_text(customers_file(mistyped=False))
        codes = {line: terminal.type(line) for line in lines_of(MENDED)}
        assert [done.returncode for done in codes.values()] == [3, 0, 0, 0], codes
        assert "All well" in codes["greenlight status"].stdout
        sandbox, _ = linkedin
        (mended,) = sandbox.clients[f"demo{MISTYPED}"].integrations.values()
        assert mended.status == "ENABLED"


@pytest.fixture
def of_a_clone(empty_terminal: Terminal) -> Terminal:
    """`dev.py` goes to its own folder and to no other: it must find there what it is tested with."""
    if not dev.is_ready():
        pytest.skip("the tests run in another Python than the one that dev.py has made")
    return empty_terminal


OPEN = ("docs/tutorial.md", "python3 dev.py demo --portal")


@pytest.mark.long
@types(OPEN)
def test_the_demo_stays_open_with_a_page_to_click_on_until_it_is_stopped(of_a_clone: Terminal) -> None:
    (line,) = lines_of(OPEN)
    demo = of_a_clone.leave(line)
    (ats,) = of_a_clone.wait_for(lambda: re.findall(r"^Open (http://127\.0\.0\.1:\d+) ", of_a_clone.said(), re.M), 200)
    settings = httpx.get(ats, trust_env=False).text
    customers = re.findall(r'"(/open/\w+)"', settings)
    (recruiter, _) = re.findall(r'"(http://[^"]+/sandbox/recruiter/\w+)"', settings)
    assert len(customers) == 2, settings
    for customer in customers:
        page = httpx.get(ats + customer, trust_env=False, follow_redirects=True)
        assert (page.status_code, "Open the page" in page.text) == (200, True), page.text
    assert httpx.get(recruiter, trust_env=False).status_code == 200
    # As a terminal's Ctrl-C does, which all that run in it get.
    os.killpg(demo.pid, signal.SIGINT)
    assert demo.wait(60) == 0, of_a_clone.said()
    assert "Traceback" not in of_a_clone.said()


DEMO = ("docs/tutorial.md", "python3 dev.py demo")
README = ("README.md", "python3 dev.py demo")
CHANGING = ("CONTRIBUTING.md", "python3 dev.py test tests/domain")
TESTS = ("tests/README.md", "python3 dev.py test")


@pytest.mark.long
@types(DEMO, README, CHANGING, TESTS)
def test_what_dev_py_is_told_is_what_it_knows(of_a_clone: Terminal) -> None:
    """The checks are made before the tests are, and the tests are only counted here: they would run themselves."""
    site = ROOT / "site"
    shutil.rmtree(site, ignore_errors=True)
    for line in dict.fromkeys((*lines_of(DEMO), *lines_of(README), *lines_of(CHANGING), *lines_of(TESTS))):
        if line.startswith("python3 dev.py test"):
            assert re.search(r"\d+ tests collected|/\d+ tests collected", of_a_clone.succeed(line, "--collect-only -q"))
        elif line.startswith("python3 dev.py check"):
            assert "check" in of_a_clone.succeed(line, "--help")
        else:
            of_a_clone.succeed(line)
    assert (site / "index.html").is_file()


SANDBOX = ("sandbox/README.md", "python -m sandbox --port 8765 --world world.json")


@types(SANDBOX)
def test_the_sandbox_serves_the_world_that_its_readme_shows(empty_terminal: Terminal) -> None:
    readme = (ROOT / "sandbox/README.md").read_text(encoding="utf-8")
    world = re.findall(r"^```json\n(\{.*?)^```", readme, re.DOTALL | re.MULTILINE)[0]
    (empty_terminal.folder / "world.json").write_text(world)
    port = free_port()
    empty_terminal.words["8765"] = str(port)
    (line,) = lines_of(SANDBOX)
    empty_terminal.succeed(line)
    empty_terminal.wait_for_port(port)
    told = json.loads(world)["applications"][0]
    form = {key: told[key] for key in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    answer = httpx.post(f"http://127.0.0.1:{port}/oauth/v2/accessToken", data=form, trust_env=False)
    assert answer.json()["access_token"]
