"""Two workers at one run, with Prefect's server, PostgreSQL and processes as they are; one of them is killed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_machine_that_dies_in_the_middle_costs_nothing_but_time(tmp_path: Path) -> None:
    """The far end counts: whoever enables anything twice, or leaves anybody out, ends this command with an error."""
    command = [sys.executable, "-m", "tests.benchmarks.shards", "--kill", "--json", "--poll", "1"]
    command += ["--customers", "160", "--size", "10", "--connections", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (run,) = json.loads(done.stdout)
    assert run["killed"], "it was in the middle of a shard"
    assert (run["verdict"], run["items"], run["enabled"]) == ("ok", 161, 161)
