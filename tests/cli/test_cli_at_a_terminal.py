"""`greenlight apply` as a person at a terminal types it: it shows, asks, and enables on yes alone."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.cli.conftest import Home

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(500),
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's"),
]
QUESTION = "Only yes goes on: "


def at_a_terminal(home: Home, answer: str, *arguments: str, **settings: str) -> tuple[int, str]:
    """Exit code and all that the terminal shows; `answer` is typed once it asks."""
    ours, theirs = pty.openpty()
    command: Sequence[str] = [sys.executable, "-c", "from cli.app import main; main()", *arguments]
    environment = home.environment(TERM="xterm", COLUMNS="200", **settings)
    process = subprocess.Popen(command, cwd=home.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, answered = b"", False
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            # Linux says so when the last one that had the terminal open has gone.
            break
        if not piece:
            break
        shown += piece
        if not answered and QUESTION.encode() in shown:
            os.write(ours, answer.encode() + b"\n")
            answered = True
    os.close(ours)
    text = " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode(errors="replace")).split())
    home.said.append(text)
    return process.wait(60), text


def enabled(home: Home) -> set[str]:
    return {e.client_id for e in home.linkedin.log if e.operation == "enable"}


@pytest.fixture(scope="module")
def home(town_home: Home) -> Home:
    assert town_home.run("import", "customers.jsonl").code == 0
    return town_home


def test_apply_of_a_customer_asks_and_enables_on_yes_alone(home: Home, subtests: pytest.Subtests) -> None:
    with subtests.test("no"):
        code, shown = at_a_terminal(home, "no", "apply", "--customer", "plain")
        assert (code, "not confirmed; nothing was enabled" in shown) == (1, True), shown
        assert enabled(home) == set()
    with subtests.test("yes"):
        code, shown = at_a_terminal(home, "yes", "apply", "--customer", "plain", "--max-changes", "3")
        assert (code, "Traceback" in shown, "ValidationError" in shown) == (0, False, False), shown
        assert "Enable 1 integrations? An enabled integration cannot be disabled." in shown
        assert enabled(home) == {"appplain"}


def test_a_stored_plan_is_listed_and_asked_for_by_its_id(home: Home) -> None:
    plan_id = home.run("plan", "--customer", "e-lost", "--json").json()["plan_id"]
    _, shown = at_a_terminal(home, "yes", "apply", plan_id)
    assert "ValidationError" not in shown, shown
    assert f"of e-lost. `greenlight plans {plan_id}` lists them." in shown
    listed = home.run("plans", plan_id, "--json").json()
    assert (listed["schema"], listed["enables"]) == ("greenlight.plan/1", 1)
    assert [(item["customer_id"], item["action"]) for item in listed["items"]] == [("e-lost", "enable")]
    assert f"Plan {plan_id}: enables 1 of 1." in home.run("plans", plan_id).out
