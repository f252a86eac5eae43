"""What the README and the guide tell a newcomer to type is typed here, line by line, in a shell."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Application, Integration, Parent, World
from tests.system.programs import free_port, listens

ROOT = Path(__file__).parents[2]
#: What goes on until somebody ends it: "in one terminal".
_SERVES = ("prefect server start", "prefect worker start")
_PLAN = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]


def blocks(document: str) -> list[list[str]]:
    """The blocks of commands in a document, line by line."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = [block.splitlines() for block in re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)]
    return [lines for lines in found if re.match(r"(greenlight|prefect|python3|\.|export) ", lines[0])]


class Terminal:
    """A shell in a folder: what a line exports, the next one has."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            **environment,
        }
        self._serving: list[subprocess.Popen[bytes]] = []

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line to its end, with "yes" for whoever asks."""
        ours, theirs = pty.openpty()
        kept = self.folder / "environment"
        try:
            os.write(ours, b"yes\n")
            done = subprocess.run(
                ["bash", "-c", f"{line}\ncode=$?; env -0 > {kept}; exit $code"],
                cwd=self.folder,
                env=self.environment,
                stdin=theirs,
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
        finally:
            os.close(ours)
            os.close(theirs)
        self.environment = dict(pair.split("=", 1) for pair in kept.read_text().split("\0") if "=" in pair)
        return done

    def leave(self, line: str) -> None:
        """Run a line beside what follows."""
        with (self.folder / f"{len(self._serving)}.said").open("wb") as said:
            command = line.split("#")[0].strip().removesuffix("&")
            self._serving.append(
                subprocess.Popen(
                    ["bash", "-c", f"exec {command}"],
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def are_serving(self) -> bool:
        return all(process.poll() is None for process in self._serving)

    def said(self) -> str:
        return "\n".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.said")))

    def close(self) -> None:
        for process in reversed(self._serving):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in reversed(self._serving):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The repository as it lies before a newcomer after `dev.py setup`, where files of their own disturb nobody."""
    for entry in ROOT.iterdir():
        if entry.name not in (".venv", ".git", ".env"):
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def linkedin() -> Iterator[Any]:
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
    app = create_app(World(applications=[acme], parents=[Parent(client_id="vendor", client_secret="its-secret")]))
    with serving_in_thread(app) as address:
        yield app.state.sandbox, address


@pytest.fixture
def terminal(checkout: Path, linkedin: Any) -> Iterator[Terminal]:
    _, address = linkedin
    terminal = Terminal(
        checkout,
        GREENLIGHT_DATABASE_URL=f"sqlite:///{checkout}/greenlight.db",
        GREENLIGHT_LINKEDIN_API_URL=address,
        GREENLIGHT_LINKEDIN_TOKEN_URL=f"{address}/oauth/v2/accessToken",
        GREENLIGHT_LINKEDIN_WIDGET_URL=f"{address}/uas/in.js",
        GREENLIGHT_ATS_NAME="Talentgrid",
        GREENLIGHT_PORTAL_URL=f"http://127.0.0.1:{free_port()}",
    )
    yield terminal
    terminal.close()


def test_the_readme_takes_a_file_of_customers_to_enabled(
    terminal: Terminal, linkedin: Any, prefect_server: str
) -> None:
    guide = (ROOT / "docs/using.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^```\n(customer_id,.*?)^```", guide, re.DOTALL | re.MULTILINE)
    (terminal.folder / "customers.csv").write_text(table.replace("…", ""))
    terminal.environment["PREFECT_API_URL"] = prefect_server
    (lines,) = [block for block in blocks("README.md") if block[0].startswith("greenlight ")]
    codes, plan_id = list[int](), ""
    for line in lines:
        done = terminal.type(line.replace("PLAN_ID", plan_id))
        codes.append(done.returncode)
        plan_id = (re.findall(_PLAN, done.stdout + done.stderr) or [plan_id])[-1]
        assert "Traceback" not in done.stdout + done.stderr
    assert codes == [0, 0, 2, 0, 0], "a plan with something to enable ends with 2"
    sandbox, _ = linkedin
    assert [one.status for one in sandbox.clients["77abc"].integrations.values()] == ["ENABLED"]
    assert "1 enabled" in done.stdout


def test_the_guide_serves_a_new_customer_on_a_prefect_server(terminal: Terminal, linkedin: Any) -> None:
    port = free_port()
    terminal.environment["PREFECT_SERVER_API_PORT"] = str(port)
    partner, server, deployed = blocks("docs/using.md")
    assert [block[0].split()[0] for block in (partner, server, deployed)] == ["greenlight", ".", "prefect"]
    (terminal.folder / "parent.json").write_text('{"client_id": "vendor", "client_secret": "its-secret"}')
    (terminal.folder / "parent.json").chmod(0o600)
    link = ""
    for line in [*server, *partner, *deployed]:
        if line.startswith(_SERVES) or "&" in line.split("#")[0]:
            terminal.leave(line)
            waited = time.monotonic() + 60
            while line.startswith("prefect server") and not listens(port):
                assert time.monotonic() < waited, terminal.said()
                time.sleep(0.2)
            continue
        done = terminal.type(line.replace(":4200/", f":{port}/"))
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        link = (re.findall(r"http://\S+/open/\S+", done.stdout) or [link])[0]
    sandbox, _ = linkedin
    assert len(sandbox.clients) == 2, "the customer that was named has an application"
    deployments = httpx.post(f"http://127.0.0.1:{port}/api/deployments/filter", json={}, trust_env=False).json()
    assert len(deployments) >= 9
    waited = time.monotonic() + 60
    while not listens(int(terminal.environment["GREENLIGHT_PORTAL_URL"].rpartition(":")[2])):
        assert time.monotonic() < waited, terminal.said()
        time.sleep(0.2)
    assert "Acme Ltd" in httpx.get(link, trust_env=False).text
    assert terminal.are_serving(), terminal.said()
    assert "Traceback" not in terminal.said()
