"""To be stopped is how a worker and the demo's page end: with 0, and without a word of Prefect's.

A demo that was killed is gone on with, and what the next one tells is what happened.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest
from sqlmodel import col, select

from greenlight.ats.database import open_database
from greenlight.ats.ledger import Attempt
from greenlight.ats.tables import Integration
from greenlight.domain.conditions import AttemptOutcome


def stopped(command: list[str], says: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Run a command until it says this, stop it, and return how it ended and all that it said."""
    said = folder / "said"
    with said.open("wb") as output:
        process = _started(command, output, folder, environment)
        try:
            give_up = time.monotonic() + 150
            while says not in said.read_text():
                assert process.poll() is None, said.read_text()[-500:]
                assert time.monotonic() < give_up
                time.sleep(0.2)
            # Long enough for it to be at work.
            time.sleep(4)
            process.send_signal(signal.SIGTERM)
            return process.wait(40), said.read_text()
        finally:
            process.kill()
            process.wait()


def _started(command: list[str], output: IO[bytes], folder: Path, more: dict[str, str]) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GREENLIGHT_", "PREFECT_"))}
    ours = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "PREFECT_HOME": str(folder / "prefect")}
    program = [sys.executable, "-m", "cli", *command]
    return subprocess.Popen(
        program, cwd=folder, env={**clean, **ours, **more}, stdout=output, stderr=output, start_new_session=True
    )


def test_a_worker_that_is_stopped(prefect_server: str, sqlite_template: Path, tmp_path: Path) -> None:
    settings = {"PREFECT_API_URL": prefect_server, "GREENLIGHT_DATABASE_URL": f"sqlite:///{sqlite_template}"}
    code, said = stopped(["worker"], "Acting on what customers request", tmp_path, **settings)
    assert code == 0
    assert "StopTaskWorker" not in said
    assert "Traceback" not in said


def killed(command: list[str], says: str, folder: Path) -> int:
    """Run a command until it says this and kill it a moment later; its process group, which its children are in."""
    said = folder / "said before"
    with said.open("wb") as output:
        process = _started(command, output, folder, {})
        give_up = time.monotonic() + 150
        while says not in said.read_text():
            assert process.poll() is None, said.read_text()[-500:]
            assert time.monotonic() < give_up
            time.sleep(0.05)
        # Some of the enables have been sent by now, or all of them; the story has to be true of either.
        time.sleep(0.2)
        process.kill()
        process.wait()
    return process.pid


def had_effect(folder: Path) -> list[tuple[str, str]]:
    """The customer and type of each enable in the demo's database that was seen to have an effect."""
    database = open_database(f"sqlite:///{folder / 'data/greenlight/demo/greenlight.db'}")
    with database.reading() as session:
        closed = select(Integration.customer_id, Integration.integration_type).join(Attempt).order_by(col(Attempt.id))
        found = list(
            session.exec(
                closed.where(col(Attempt.outcome).in_([AttemptOutcome.CONFIRMED, AttemptOutcome.CONFIRMED_BY_LOOKING]))
            )
        )
    database.close()
    return found


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_demo_that_was_killed_is_gone_on_with_and_then_stopped_at_its_page(tmp_path: Path) -> None:
    group = killed(["demo"], "5. The plan is applied", tmp_path)
    try:
        before = had_effect(tmp_path)
        code, said = stopped(["demo", "--portal"], "in a browser. Stop with Ctrl-C.", tmp_path)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    assert code == 0
    assert "StopTaskWorker" not in said
    assert "Traceback" not in said
    # Where somebody else has the page's port by now, its origin is another one.
    assert "2 unchanged." in said or "2 updated." in said, "what the killed one provisioned"
    assert "1 credentials changed" in said, "the mistyped secret is mended now, since the killed one did not come to it"
    assert "Nothing is left for us to do." in said
    told = [line.split() for line in said.splitlines()]
    now_enabled = {(words[1], words[2]) for words in told if words[:1] == ["+"] and words[3:4] == ["enabled"]}
    assert now_enabled.isdisjoint(before), "nothing is told as enabled now that was enabled before"
    everything = had_effect(tmp_path)
    assert len(set(everything)) == len(everything) == 11, "each once"
    assert now_enabled <= set(everything)
