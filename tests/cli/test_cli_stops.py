"""To be stopped is how a worker and the demo's page end: with 0, and without a word of Prefect's."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest


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
    program = [sys.executable, "-m", "greenlight.cli", *command]
    return subprocess.Popen(program, cwd=folder, env={**clean, **ours, **more}, stdout=output, stderr=output)


def test_a_worker_that_is_stopped(prefect_server: str, sqlite_template: Path, tmp_path: Path) -> None:
    settings = {"PREFECT_API_URL": prefect_server, "GREENLIGHT_DATABASE_URL": f"sqlite:///{sqlite_template}"}
    code, said = stopped(["worker"], "Acting on what customers request", tmp_path, **settings)
    assert code == 0
    assert "StopTaskWorker" not in said
    assert "Traceback" not in said


@pytest.mark.timeout(300)
def test_a_demo_that_is_stopped_at_its_page(tmp_path: Path) -> None:
    code, said = stopped(["demo", "--portal"], "in a browser. Stop with Ctrl-C.", tmp_path)
    assert code == 0
    assert "StopTaskWorker" not in said
    assert "Traceback" not in said
