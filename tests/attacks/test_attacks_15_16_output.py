"""Attacks 15 and 16: secrets in what we put out, and foreign text that forges lines of it."""

import logging
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId, TaskRunFilter, TaskRunFilterFlowRunId
from pydantic import SecretStr
from sqlalchemy import MetaData, select

from flows.reconcile import reconcile
from flows.request import What
from greenlight.linkedin.oauth import Credentials
from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Fault
from tests.cli.conftest import Home
from tests.cli.secrecy import found
from tests.flows.fault_world import Case, import_file, world
from tests.linkedin.stage import SECRET, TOKEN, Stage

CANARY = "S3cr3t-canary/+=bird"


def _echoing(id: str, on: str, status: int) -> Case:
    """A customer whose LinkedIn repeats the secret in its refusal."""
    said = f"client_secret={CANARY} Bearer {CANARY} {CANARY}"
    fault = Fault.model_validate({"on": on, "fault": "status", "status": status, "message": said, "times": None})
    return Case(id, "an echo", ("failed", "", ""), (fault,))


ECHOES = (
    Case("plain", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")),
    *(_echoing(f"echo-{on}-{said}", on, said) for on in ("token", "verify", "enable") for said in (400, 403, 500)),
)


async def _all_of(there: Any, state: Any) -> str:
    """Everything that a run left: the database, and what Prefect shows of its parameters, tasks, logs and artifacts."""
    run_id = state.state_details.flow_run_id
    told = [repr(await there.artifacts(state))]
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        tasks = await client.read_task_runs(
            task_run_filter=TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[run_id]))
        )
        logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))
    told += [repr(run.model_dump()), *(repr(task.model_dump()) for task in tasks), *(log.message for log in logs)]
    metadata = MetaData()
    metadata.reflect(there.database.engine)
    with there.database.engine.connect() as connection:
        told += [repr(connection.execute(select(table)).all()) for table in metadata.tables.values()]
    return "\n".join(told)


async def test_attack_15_canaries_are_in_no_record_of_a_run(town: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Also where LinkedIn itself repeats a secret: ATS database, parameters, tasks, artifacts and every log line."""
    caplog.set_level(logging.DEBUG)
    async with town(world(ECHOES)) as there:
        text = import_file(ECHOES)
        for case in ECHOES:
            text = text.replace(case.secret, CANARY)
            (client,) = [c for c in there.linkedin.clients.values() if c.client_id == case.client_id]
            client.secrets[:] = [CANARY]
        await there.bring_in(text)
        state = await reconcile(What.APPLY, return_state=True)
        report = there.report(state)
        # httpx's own debug lines of the tests' sandbox are ours to read, so they count as well.
        told = await _all_of(there, state) + caplog.text + repr(report)
        tokens = list(there.linkedin.tokens)
    assert report.counts()["enabled"] >= 1
    assert "urn:li:organization:plain" in told, "the search covers the database"
    assert tokens
    for secret in (CANARY, *tokens):
        assert secret not in told


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_attack_15_tracebacks_with_locals_hold_no_secret(status: int) -> None:
    """What error trackers send home: every frame behind an error, with the values in it."""
    stage = Stage()
    if status == 401:
        stage.token.respond(status, json={"error": "invalid_client"})
    stage.look.respond(status, json={"message": "no"})
    stage.change.respond(status, json={"message": "no"})
    for error in (await stage.enable(), *(await stage.verify()).values()):
        assert isinstance(error, Exception)
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert SECRET not in shown + repr(error)
        assert TOKEN not in shown


def test_attack_15_reprs_hide_secrets() -> None:
    """A repr is what a debugger, a log line and a failing assertion show."""
    held = Credentials("acme-app", SecretStr(CANARY))
    assert CANARY not in f"{held!r} {held} {[held]} {vars(held) if hasattr(held, '__dict__') else ''}"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc")
def test_attack_15_secrets_are_not_in_ps_in_the_history_or_on_disk(home: Home) -> None:
    """They come in by a file, never as a word of a command; afterwards only Prefect's encrypted blocks have them."""
    cases = (Case("plain", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")),)
    app = create_app(world(cases))
    slow = Fault(on="verify", fault="hang", seconds=1.0)
    app.state.sandbox.set_faults(cases[0].client_id, [slow])
    with serving_in_thread(app) as address:
        home.settings |= {
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
        }
        file = home.file("customers.jsonl", import_file(cases))
        assert home.run("import", file).code == 0
        (home.folder / file).unlink()
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "apply", "--yes"],
            cwd=home.folder,
            env=home.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while process.poll() is None and not app.state.sandbox.tokens:
            time.sleep(0.05)
        shown = _processes()
        home.said.append(process.communicate(timeout=120)[0])
        secrets = [cases[0].secret, *app.state.sandbox.tokens]
    assert process.returncode == 0, home.said[-1]
    assert len(secrets) > 1
    assert "-m cli apply --yes" in shown
    assert not any(secret in shown for secret in secrets)
    assert found(home, secrets) == []


def _processes() -> str:
    """What `ps` shows: the words and the environment of every process that this user may look at."""
    told = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            for name in ("cmdline", "environ"):
                try:
                    told.append((folder / name).read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue
    return "\n".join(told)


FORGED = "broken\r\n2026-01-01 CRITICAL forged line\x1b[31m\x1b]0;title\x07\u2028\u202e\x00end"


async def test_attack_16_linkedins_words_cannot_forge_a_line(town: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An error's text is foreign: in the log, the database and the report it is one printable line."""
    caplog.set_level(logging.DEBUG)
    cases = tuple(
        Case(
            f"said-{on}",
            "control characters",
            ("failed", "", ""),
            (Fault.model_validate({"on": on, "fault": "status", "status": 400, "message": FORGED, "times": None}),),
        )
        for on in ("token", "verify", "enable")
    )
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        state = await reconcile(What.APPLY, return_state=True)
        report = there.report(state)
        async with get_client() as client:
            ours = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[state.state_details.flow_run_id]))
            logs = [log.message for log in await client.read_logs(ours)]
        artifacts = "".join((await there.artifacts(state)).values())
    details = [item.condition.detail or "" for item in report.items]
    assert any("forged line" in detail for detail in details), "the words are kept"
    assert all(detail.isprintable() for detail in details)
    assert all(item.message.isprintable() for item in report.items)
    mine = [r.getMessage() for r in caplog.records if r.name.startswith(("greenlight", "tasks", "flows", "portal"))]
    for line in [*logs, *mine]:
        assert "\x1b" not in line
        assert "forged" not in line or line.isprintable()
    assert "\x1b" not in artifacts
    assert "\\u001b" not in artifacts


def test_attack_16_names_cannot_forge_a_line_in_a_terminal(home: Home) -> None:
    """A name or a path with escapes is shown with its escapes, or refused; the terminal obeys nothing of it."""
    nasty = "Acme\x1b[2J\x1b]0;owned\x07"
    row = import_file((Case("acme", "", ("", "", "")),)).replace(
        "Customer acme", nasty.encode("unicode_escape").decode()
    )
    home.file("c.jsonl", row.replace("\\x1b", "\\u001b").replace("\\x07", "\\u0007"))
    refused = home.run("import", "c.jsonl")
    assert refused.code == 1
    assert "c.jsonl:1: customer_name: holds the control character U+001B" in refused.err
    elsewhere = home.run("import", "no\x1b[31m\nfile.csv")
    wrong = home.run("explain", "nobody\x1b[31m\nforged")
    for done in (refused, elsewhere, wrong):
        assert done.code == 1
        assert "\x1b" not in done.out + done.err
    assert "\nforged" not in wrong.err
