"""One customer from nothing to ENABLED where everything on the way is somebody else's.

LinkedIn stands behind an egress proxy with a password and under a company's own CA, the ATS database behind PgBouncer,
the portal behind nginx, and each part of Greenlight is a process of its own, with a browser before it.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Parent, World
from tests.ats.postgres import Server
from tests.browser.chromium import do_without, find_chromium, what_is_missing
from tests.cli.conftest import Home
from tests.cli.secrecy import found
from tests.linkedin.networks import certificates
from tests.system.programs import (
    block_of,
    free_port,
    listens,
    nginx,
    own_address,
    pgbouncer,
    replaced,
    running,
    tinyproxy,
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

PARENT = {"client_id": "vendorparent", "client_secret": "the/parents+own=secret-CANARY"}
USER, PASSWORD = "corporate", "pass-CANARY"


@dataclass
class Town:
    """A home whose settings lead through all of that."""

    home: Home
    portal: str
    linkedin: str
    proxy_log: Path

    @contextmanager
    def process(self, *command: str, port: int | None = None) -> Iterator[None]:
        arguments = (sys.executable, "-m", "cli", *command)
        folder = self.home.folder / command[0]
        folder.mkdir()
        ready = (lambda: listens(port)) if port else (lambda: True)
        with running(*arguments, cwd=folder, ready=ready, environment=self.home.environment()):
            yield


@pytest.fixture
def town(server: Server, prefect_server: str, tmp_path: Path) -> Iterator[tuple[Town, int]]:
    address = own_address()
    ca, pem = certificates(tmp_path, address)
    app = create_app(World(parents=[Parent.model_validate(PARENT)]))
    linkedin_port, portal_port, upstream = free_port(address), free_port(address), free_port()
    linkedin, portal = f"https://{address}:{linkedin_port}", f"https://{address}:{portal_port}"
    with ExitStack() as stack:
        sandbox = stack.enter_context(serving_in_thread(app))
        of_linkedin = (
            f"server {{\n listen {address}:{linkedin_port} ssl;\n ssl_certificate {pem};\n ssl_certificate_key {pem};\n"
            f" location / {{ proxy_pass {sandbox}; proxy_set_header Host $http_host; }}\n}}\n"
        )
        of_the_portal = replaced(
            block_of("nginx"),
            ("listen 443 ssl", f"listen {address}:{portal_port} ssl"),
            ("portal.example.com", address),
            (f"/etc/ssl/{address}.pem", str(pem)),
            (f"/etc/ssl/{address}.key", str(pem)),
            ("127.0.0.1:8780", f"127.0.0.1:{upstream}"),
        )
        stack.enter_context(nginx(tmp_path, of_linkedin + of_the_portal, (address, portal_port)))
        proxy_port = stack.enter_context(tinyproxy(tmp_path, USER, PASSWORD))
        bouncer_port = stack.enter_context(pgbouncer(Path(str(server.url.query["host"])), address, pem))
        checked = {"sslmode": "verify-full", "sslrootcert": str(ca)}
        database = server.url.set(host=address, port=bouncer_port, query=checked)
        (tmp_path / "database.url").write_text(database.render_as_string(hide_password=False), encoding="utf-8")
        (tmp_path / "proxy.url").write_text(f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy_port}\n", encoding="utf-8")
        settings = {
            "GREENLIGHT_DATABASE_URL_FILE": str(tmp_path / "database.url"),
            "GREENLIGHT_LINKEDIN_API_URL": linkedin,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{linkedin}/oauth/v2/accessToken",
            "GREENLIGHT_LINKEDIN_WIDGET_URL": f"{linkedin}/uas/in.js",
            "GREENLIGHT_HTTPS_PROXY_FILE": str(tmp_path / "proxy.url"),
            "GREENLIGHT_CA_FILE": str(ca),
            "GREENLIGHT_PORTAL_URL": portal,
            "GREENLIGHT_PORTAL_TRUSTED_PROXIES": "127.0.0.1",
            "GREENLIGHT_ATS_NAME": "Talentgrid",
            "PREFECT_API_URL": prefect_server,
            "GREENLIGHT_LOG_FORMAT": "json",
            # A stray variable of the company's own, which is nobody's way to LinkedIn.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
        }
        (tmp_path / "home").mkdir()
        home = Home(tmp_path / "home", settings, app.state.sandbox)
        yield Town(home, portal, linkedin, tmp_path / "tinyproxy.log"), upstream


def a_database_under_another_ca_is_refused(home: Home) -> None:
    another, _ = certificates(home.folder, "another.example")
    url = Path(home.settings["GREENLIGHT_DATABASE_URL_FILE"]).read_text(encoding="utf-8")
    file = home.folder / "untrusted.url"
    file.write_text(re.sub(r"sslrootcert=[^&]*", f"sslrootcert={another}", url), encoding="utf-8")
    refused = home.run("status", GREENLIGHT_DATABASE_URL_FILE=str(file))
    assert refused.code == 1
    assert re.fullmatch(r"greenlight: GREENLIGHT_DATABASE_URL \S+ cannot be opened: .*certificate.*\n", refused.err)


async def test_from_nothing_to_enabled_through_everything_that_is_somebody_elses(town: tuple[Town, int]) -> None:
    there, upstream = town
    home = there.home
    if why := what_is_missing():
        do_without(why)
    from tests.browser.visitor import APPLY, Visitor, chromium_running, expect

    done = home.run("parent", "-", stdin=json.dumps(PARENT))
    assert done.code == 0, done.err
    done = home.run("provision", "--new", "acme=Acme GmbH", "--json")
    assert done.code == 0, done.err
    (application,) = done.json()["items"]
    assert home.linkedin.clients[application["client_id"]].js_sdk_domains == [there.portal]
    with there.process("portal", "--port", str(upstream), port=upstream), there.process("worker"):
        link = home.run("link", "acme").out.strip()
        async with chromium_running(find_chromium() or "", there.portal.split("/")[2].split(":")[0]) as browser:
            context = await browser.new_context(ignore_https_errors=True)
            visitor = Visitor(context, {there.portal, there.linkedin})
            await visitor.begin()
            await visitor.open(link)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
            await expect(visitor.entries).to_contain_text([APPLY])
            await visitor.check()
            await context.close()
    for name, said in (("portal", "a link of customer acme was opened"), ("worker", "acme: 1 enabled")):
        (log,) = (home.folder / name).glob("*.said")
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        assert any(said in line["message"] for line in lines), lines
    assert "/open/" not in (home.folder.parent / "access.log").read_text(encoding="utf-8"), "a link is a secret"
    shown = home.run("status", "--json").json()
    assert {item["reason"] for item in shown["items"]} == {"ENABLED"}
    (client,) = home.linkedin.clients.values()
    assert {(one.status, one.received, one.effective) for one in client.integrations.values()} == {("ENABLED", 1, 1)}
    done = home.run("doctor", "--json")
    a_database_under_another_ca_is_refused(home)
    checks: dict[str, Any] = {check["name"]: check for check in done.json()["checks"]}
    assert checks["way to LinkedIn"]["state"] == "ok", checks
    connects = there.proxy_log.read_text(encoding="utf-8")
    assert f"CONNECT {there.linkedin.removeprefix('https://')}" in connects
    assert (
        found(home, [PASSWORD, PARENT["client_secret"], *client.secrets, *home.linkedin.tokens], covers=".said") == []
    )
