"""Parent, provision, portal, link, a click: as users type and do them; then every file is searched for secrets."""

import html
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Fault, Parent, World
from tests.cli.conftest import TALKATIVE, Home
from tests.cli.secrecy import found

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

PARENT = {"client_id": "vendorparent", "client_secret": "the/parents+own=secret-CANARY"}
NAME = "Acme <img src=x onerror=alert(1)>"


@contextmanager
def vendors_home(folder: Path, *faults: Fault, **settings: str) -> Iterator[Home]:
    """A vendor's home, whose LinkedIn has its parent application."""
    app = create_app(World(parents=[Parent(faults=list(faults), **PARENT)], new_application_delay_seconds=1))
    with serving_in_thread(app) as address, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings |= {
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_LINKEDIN_WIDGET_URL": f"{address}/uas/in.js",
            "GREENLIGHT_PORTAL_URL": f"http://127.0.0.1:{free.getsockname()[1]}",
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.1,0.1",
        }
        free.close()
        yield Home(folder, settings, app.state.sandbox)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One whose LinkedIn loses the answer to the first create."""
    with vendors_home(tmp_path_factory.mktemp("vendor"), Fault(on="create", fault="lost")) as home:
        yield home


@contextmanager
def portal(home: Home) -> Iterator[str]:
    """`greenlight portal` by itself: with a Prefect server and a worker of its own."""
    log = home.folder / "portal.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "portal"],
            cwd=home.folder,
            env=home.environment(**TALKATIVE),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        address = home.settings["GREENLIGHT_PORTAL_URL"]
        try:
            give_up = time.monotonic() + 90
            while True:
                try:
                    assert httpx.get(f"{address}/readyz").status_code == 200
                    break
                except httpx.TransportError:
                    assert process.poll() is None, log.read_text()[-500:]
                    assert time.monotonic() < give_up
                    time.sleep(0.2)
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_from_a_name_to_enabled(vendor: Home, subtests: pytest.Subtests) -> None:
    home, secrets = vendor, []
    with subtests.test("nothing can be provisioned without the parent's credentials, and the sentence says what to do"):
        done = home.run("provision", "--new", f"acme={NAME}")
        assert done.code == 1
        assert done.err.count("\n") == 1
        assert "`greenlight parent`" in done.err
    with subtests.test("the parent's credentials come from standard input"):
        done = home.run("parent", "-", "--json", stdin=json.dumps(PARENT), **TALKATIVE)
        assert (done.code, done.json()["client_id"]) == (0, "vendorparent")
    with subtests.test("provision"):
        done = home.run("provision", "--new", f"acme={NAME}", "--json", **TALKATIVE)
        assert done.code == 0, done.err
        (item,) = done.json()["items"]
        assert (item["outcome"], item["reason"]) == ("adopted", "APPLICATION_WORKS"), "its answer was lost"
        assert "secret" not in done.out
    with subtests.test("a second time there is nothing to do"):
        assert home.run("provision", "--json").json()["items"] == []
    with subtests.test("a click becomes enabled"), portal(home) as address:
        # The link is meant for its customer's eyes, so it is on the terminal on purpose.
        link = home.run("link", "acme").out.strip()
        home.said[-2:] = []
        with httpx.Client(base_url=address, follow_redirects=True) as browser:
            for _ in ("a mail scanner", "a preview in a chat"):
                assert httpx.get(link).status_code == 200
            page = browser.post(link, headers={"Origin": address})
            assert page.status_code == 200
            assert html.escape(NAME) in page.text
            assert NAME not in page.text
            assert httpx.get(link).status_code == 404, "it opens one session"
            token = html.unescape(re.findall(r'name="csrf-token" content="([^"]+)"', page.text)[0])
            secrets += [browser.cookies["greenlight"], token, link.rpartition("/")[2]]
            headers = {"Origin": address, "X-CSRF-Token": token}
            plugin = f"{home.settings['GREENLIGHT_LINKEDIN_API_URL']}/plugin/request"
            asked = {"api_key": item["client_id"], "bundle": "APPLY_WITH_LINKEDIN"}
            answer = browser.post(plugin, json=asked, headers=headers).json()
            body = {"integrations": answer["bundles"]["APPLY_WITH_LINKEDIN"]["integrations"]}
            assert browser.post("/requests", json=body, headers=headers).json() == {"accepted": 1}
            give_up = time.monotonic() + 60
            while (state := browser.get("/integrations.json").json()["integrations"][0]["state"]) != "enabled":
                assert time.monotonic() < give_up, state
                time.sleep(0.2)
    with subtests.test("status knows it"):
        (item,) = home.run("status", "--json").json()["items"]
        assert (item["customer_id"], item["observed"], item["outcome"]) == ("acme", "ENABLED", "enabled")
    with subtests.test("no traceback was shown"):
        home.said.append((home.folder / "portal.log").read_text())
        assert home.tracebacks() == []
    with subtests.test("secrets, tokens, sessions and links are nowhere on disk or on the terminal"):
        (client,) = home.linkedin.clients.values()
        secrets += [PARENT["client_secret"], *client.secrets, *home.linkedin.tokens]
        assert len(secrets) > 7
        assert found(home, secrets) == []


BAD = [
    pytest.param("not json", "client_id", id="no JSON"),
    pytest.param('{"client_id": "a"}', "client_secret", id="half of it"),
    pytest.param('{"client_id": "a b", "client_secret": "s"}', "client_id must be", id="an id with a blank"),
    pytest.param('{"client_id": "a", "client_secret": "s\\nt"}', "client_secret must be", id="a secret of two lines"),
    pytest.param('{"client_id": "a", "client_secret": "s", "x": 1}', "x cannot be read", id="something else"),
    pytest.param("x" * 20_000, "too long", id="far too long"),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_parent_credentials_that_cannot_be_used(home: Home, text: str, why: str) -> None:
    done = home.run("parent", "-", stdin=text)
    assert done.code == 1
    assert why in done.err
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    assert not list(Path(home.folder).rglob("*.db")), "nothing was written"


REFUSED = [
    pytest.param(["provision", "--new", "acme"], "ID=NAME", id="a new customer without a name"),
    pytest.param(["provision", "--new", "a=b", "--new", "a=c"], "two names", id="two names for one customer"),
    pytest.param(["provision", "--new", " a=b"], "begins or ends with a blank", id="an id with a blank"),
    pytest.param(["provision", "--customer", "nobody"], "no customer 'nobody'", id="an unknown customer"),
    pytest.param(["link", "nobody"], "no customer 'nobody'", id="a link for an unknown customer"),
    pytest.param(["approve", "nope"], "no plan 'nope'", id="an approval of no plan"),
    pytest.param(["plan", "--customer", "a", "--except", "a"], "nobody is left", id="a selection of nobody"),
    pytest.param(["worker"], "PREFECT_API_URL", id="a worker that nobody can ring"),
    pytest.param(["portal", "--port", "99999999"], "port 99999999", id="a port that is none"),
    pytest.param(["parent", "no-such-file"], "no-such-file", id="a file that is not there"),
]


@pytest.mark.parametrize(("command", "why"), REFUSED)
def test_bad_input_is_one_sentence(home: Home, command: list[str], why: str) -> None:
    assert home.run("migrate").code == 0
    done = home.run(*command)
    assert (done.code, done.out) == (1, "")
    assert why in done.err
    assert "Traceback" not in done.err


def test_behind_a_proxy_the_portal_listens_on_this_machine_alone(home: Home) -> None:
    """The host and the port of an https address are the proxy's."""
    assert home.run("migrate").code == 0
    with suppress(OSError), socket.create_server(("127.0.0.1", 8780)):
        done = home.run(
            "portal", GREENLIGHT_PORTAL_URL="https://portal.example.com:8443", PREFECT_API_URL="http://127.0.0.1:9/api"
        )
        assert (done.code, "cannot listen on 127.0.0.1 port 8780" in done.err) == (1, True), done.err
        return
    pytest.skip("somebody else has port 8780")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GREENLIGHT_JS_SDK_DOMAINS", "https://jobs.example.com/"),
        ("GREENLIGHT_JS_SDK_DOMAINS", "jobs.example.com"),
        ("GREENLIGHT_PORTAL_URL", "http://portal.example.com"),
        ("GREENLIGHT_ATS_NAME", "LinkedIn Helper"),
    ],
)
def test_settings_are_refused_before_the_first_request(home: Home, name: str, value: str) -> None:
    done = home.run("provision", "--new", "acme=Acme", **{name: value})
    assert done.code == 1
    assert done.err.startswith(f"greenlight: {name} ")
    assert done.err.count("\n") == 1
