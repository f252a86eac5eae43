"""What is at stake is shown and tried before it is replaced: lists of domains, the parent's keys, a customer's keys."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.app import create_app
from sandbox.keys import Key
from sandbox.server import serving_in_thread
from sandbox.world import Application, Parent, World
from tests.cli.conftest import Home
from tests.cli.test_cli_at_a_terminal import at_a_terminal

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's"),
]

PARENT = {"client_id": "vendorparent", "client_secret": "the/parents+own=secret-CANARY"}
JOBS, EU = "https://jobs.example.com", "https://eu.example.com"
HEADER = (
    "customer_id,customer_name,client_id,client_secret,integration_context,integration_type,tenant_type,"
    "integration_name"
)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A vendor with one provisioned customer, for whom LinkedIn has another application as well."""
    another = Application(client_id="another", client_secret="another+CANARY")
    app = create_app(World(parents=[Parent.model_validate(PARENT)], applications=[another]))
    with serving_in_thread(app) as address:
        settings = {
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_JS_SDK_DOMAINS": JOBS,
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.1,0.1",
        }
        home = Home(tmp_path_factory.mktemp("vendor"), settings, app.state.sandbox)
        assert home.run("parent", "-", stdin=json.dumps(PARENT)).code == 0
        done = home.run("provision", "--new", "acme=Acme")
        assert done.code == 0, done.err
        yield home


def domains(home: Home) -> list[str]:
    (acme,) = [c for c in home.linkedin.clients.values() if c.unique_foreign_id == "acme"]
    return list(acme.js_sdk_domains)


def test_domains_are_changed_on_yes_alone(vendor: Home, subtests: pytest.Subtests) -> None:
    wanted = {"GREENLIGHT_JS_SDK_DOMAINS": f"{JOBS},{EU}"}
    with subtests.test("without a terminal"):
        done = vendor.run("provision", **wanted)
        assert (done.code, "needs --yes" in done.err) == (1, True)
        assert f"acme: {JOBS} -> {JOBS}, {EU}" in done.err, "old and new"
        assert domains(vendor) == [JOBS]
    with subtests.test("no"):
        code, shown = at_a_terminal(vendor, "no", "provision", **wanted)
        assert (code, "not confirmed; nothing was changed" in shown) == (1, True), shown
        assert domains(vendor) == [JOBS]
    with subtests.test("yes"):
        code, shown = at_a_terminal(vendor, "yes", "provision", **wanted)
        assert (code, "1 updated" in shown) == (0, True), shown
        assert domains(vendor) == [JOBS, EU]
    with subtests.test("a mistyped portal"):
        mistyped = {"GREENLIGHT_JS_SDK_DOMAINS": "", "GREENLIGHT_PORTAL_URL": "http://127.0.0.1:8780"}
        done = vendor.run("provision", "--yes", **mistyped)
        assert (done.code, "1 applications have real domains" in done.err) == (1, True), done.err
        assert (domains(vendor), done.err.count("\n")) == ([JOBS, EU], 1)
    with subtests.test("--yes"):
        assert vendor.run("provision", "--yes").code == 0
        assert domains(vendor) == [JOBS]


def test_the_parents_keys_are_tried_before_those_held_go(vendor: Home) -> None:
    mistyped = json.dumps({**PARENT, "client_secret": "mistyped"})
    done = vendor.run("parent", "-", stdin=mistyped)
    assert done.code == 1
    assert "got no token from LinkedIn, so those of vendorparent stay in place" in done.err
    assert vendor.run("provision", "--customer", "acme").code == 0, "with those that were held"


def test_a_customers_keys_are_replaced_once_the_new_ones_have_worked(vendor: Home) -> None:
    """Through the whole command line: refused as mistyped, then taken, and looked at under the new application."""
    row = "acme,Acme,another,{},urn:li:organization:1,APPLY_WITH_LINKEDIN,JOBS,Acme"
    replacing = ("import", "c.csv", "--replace-credentials", "acme", "--yes")
    Path(vendor.folder, "c.csv").write_text(f"{HEADER}\n{row.format('mistyped')}\n", encoding="utf-8")
    assert "got no token from LinkedIn" in vendor.run(*replacing).err
    made = vendor.run("provision", "--customer", "acme", "--json").json()["items"][0]["client_id"]
    assert made != "another"
    Path(vendor.folder, "c.csv").write_text(f"{HEADER}\n{row.format('another+CANARY')}\n", encoding="utf-8")
    done = vendor.run(*replacing, "--json")
    assert (done.code, done.json()["credentials_written"]) == (0, 1), done.err
    # Until they have worked in a run, those that they replaced are kept, and their application with them.
    back = vendor.run("credentials", "restore", "acme", "--yes", "--json")
    assert (back.code, back.json()["client_id"]) == (0, made), back.err
    (item,) = vendor.run("provision", "--customer", "acme", "--json").json()["items"]
    assert (item["reason"], item["client_id"]) == ("APPLICATION_WORKS", made)
    assert vendor.run("credentials", "restore", "acme", "--yes").code == 1, "back in use, and nothing else is kept"
    refused = vendor.run("import", "c.csv")
    assert "the child application that provisioning made" in refused.err, "it is looked after as before"
    assert "credentials restore" in vendor.run(*replacing).out
    (item,) = vendor.run("plan", "--json").json()["items"]
    assert item["reason"] == "NOT_REQUESTED", "asked for under the new application, which LinkedIn accepts"
    assert vendor.linkedin.log[-1].client_id == "another"
    # An answer that shows nothing any application gets: what was replaced is kept until something was shown.
    vendor.linkedin.request("another", Key("urn:li:organization:1", "APPLY_WITH_LINKEDIN", "JOBS"))
    (item,) = vendor.run("plan", "--json").json()["items"]
    assert item["reason"] == "READY_TO_ENABLE"
    gone = vendor.run("credentials", "restore", "acme", "--yes")
    assert gone.code == 1
    assert "its credentials have worked" in gone.err
    assert "CANARY" not in "".join(vendor.said)
