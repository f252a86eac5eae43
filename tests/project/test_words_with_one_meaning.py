"""Names that were retired do not come back: what each was for has a name that the field knows, or that says more."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: A retired name, and what is said instead.
RETIRED = {
    r"\b_?[Dd]esk\b": "the portal's is a PortalContext, the worker's are _CustomerTurns",
    r"\bportal[./](desk|live|words)\b": "portal/context.py, lifespan.py, texts.py",
    r"tasks[./](telling[./](effects|publish|picture)|parts[./]window)\b": "outbox, artifacts, fleet_chart, best_effort",
    r"\bhand_over\b": "events are sent (`send_events`), and taken in by Prefect's server (`post_events`)",
    r"\bblocks[./](keeping|named)\b|\bKept\b": "blocks/backup.py with a BlockCopy, blocks/singletons.py",
    r"\bintake[./]names\b": "greenlight/intake/unknown_columns.py",
    r"\bdomain[./](memory|readable)\b|\bMemory\(|\bimport Memory\b": "greenlight/domain/backoff.py, formatting.py",
    r"\bimport current as\b": "current_provisioning, of the means of a run under the parent application",
    r"\b(class|-> |import |\()Looked\b": "LookResult",
    r"\bgreenlight[./]ats[./](visits|locks)\b|\b(Open)?Visits?\b": "PortalSessions; leases.py with Leases",
    r"\breconcile[./]locking\b|\bCustomerLocks\b": "greenlight/reconcile/customer_leases.py with CustomerLeases",
    r"\bRemaining\b": "WorkLeft",
    r"\bslices\b": "parameter_batches, since it is a database's parameters that are few",
    r"\bsaw\(session\b|(?<![_.\w])rows\(session\b": "record_observation, integration_rows",
    r"\b(leave_owed|owe)\b": "requests are reserved (`reserve`, `keep_reserve`); what is owed is an announcement",
    r"\bplan import .*(?<!\w)Requests\b|\bruns import .*(?<!\w)Scope\b": "RequestTotals, RunTarget",
    r"\bparts[./](provisioning_)?session\b|\b(planning|enabling|provisioning)_session\b": "resources, of a run",
    r"\bportal.* Gone\b|\bGOOD_FOR\b": "NoPortalSession, PLAN_LIFETIME",
    r"\bcli[./](holding|taking_back|planned)\b": "cli/tripwires.py, withdrawals.py, plans.py; typed in X_commands.py",
    r"\bBell\b|\brealtime[./]bell\b": "WorkerNotifier in tasks/realtime/notifier.py; worker.py answers",
}


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str]]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z", "*.py", "*.md"], cwd=ROOT, capture_output=True, check=True)
    files = [ROOT / name for name in os.fsdecode(listed.stdout).split("\0") if name]
    return [
        (f"{file.relative_to(ROOT).as_posix()}:{number}", line)
        for file in files
        if file.is_file() and file != Path(__file__)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    ]


@pytest.mark.parametrize("retired", RETIRED)
def test_a_retired_name_stays_retired(lines: list[tuple[str, str]], retired: str) -> None:
    used = [f"{where}: {line.strip()}" for where, line in lines if re.search(retired, line)]
    assert used == [], RETIRED[retired]


def test_a_limit_of_what_is_done_side_by_side_says_of_what(lines: list[tuple[str, str]]) -> None:
    """As in TURNS_AT_ONCE: a name like WIDTH, once there were several, said nothing where it was read about."""
    assert len([where for where, line in lines if re.match(r"WIDTH\b.*=", line)]) <= 1
