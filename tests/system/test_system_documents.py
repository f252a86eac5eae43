"""What the README and the guide tell a newcomer to type is typed here, line by line, in a shell."""

import re
from typing import Any

import httpx
import pytest

from tests.system.documents import ROOT, Terminal, has_parent, lines_of, types
from tests.system.programs import free_port

_PLAN = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]


IN_SHORT = ("README.md", "greenlight migrate")


@types(IN_SHORT)
def test_the_readme_takes_a_file_of_customers_to_enabled(
    terminal: Terminal, linkedin: Any, prefect_server: str
) -> None:
    guide = (ROOT / "docs/using.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^```csv\n(customer_id,.*?)^```", guide, re.DOTALL | re.MULTILINE)
    (terminal.folder / "customers.csv").write_text(table.replace("…", ""))
    terminal.environment["PREFECT_API_URL"] = prefect_server
    codes = list[int]()
    for line in lines_of(IN_SHORT):
        done = terminal.type(line)
        codes.append(done.returncode)
        for plan_id in re.findall(_PLAN, done.stdout + done.stderr):
            terminal.words["PLAN_ID"] = plan_id
    assert codes == [0, 0, 2, 0, 0], "a plan with something to enable ends with 2"
    sandbox, _ = linkedin
    assert [one.status for one in sandbox.clients["77abc"].integrations.values()] == ["ENABLED"]
    assert "1 enabled" in done.stdout


PARTNER = ("docs/using.md", "greenlight parent parent.json")
SERVER = ("docs/using.md", ". .venv/bin/activate")
DEPLOYED = ("docs/using.md", "prefect work-pool create greenlight --type process")


@types(PARTNER, SERVER, DEPLOYED)
def test_the_guide_serves_a_new_customer_on_a_prefect_server(terminal: Terminal, linkedin: Any) -> None:
    port = free_port()
    terminal.environment["PREFECT_SERVER_API_PORT"] = str(port)
    terminal.words[":4200/"] = f":{port}/"
    has_parent(terminal)
    link = ""
    for line in (*lines_of(SERVER), *lines_of(PARTNER), *lines_of(DEPLOYED)):
        said = terminal.succeed(line)
        if line.startswith("prefect server"):
            terminal.wait_for_port(port)
        link = (re.findall(r"http://\S+/open/\S+", said) or [link])[0]
    sandbox, _ = linkedin
    assert len(sandbox.clients) == 2, "the customer that was named has an application"
    deployments = httpx.post(f"http://127.0.0.1:{port}/api/deployments/filter", json={}, trust_env=False).json()
    assert len(deployments) >= 9
    terminal.wait_for_port(int(terminal.environment["GREENLIGHT_PORTAL_URL"].rpartition(":")[2]))
    assert "Acme Ltd" in httpx.get(link, trust_env=False).text
    assert terminal.are_serving(), terminal.said()
    assert "Traceback" not in terminal.said()
