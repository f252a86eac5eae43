"""Taking back what is ours, as a user types it: against LinkedIn's stand-in, with Prefect's blocks and a database."""

import json
from collections.abc import Iterator

import pytest

from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Application, Integration, World
from tests.cli.conftest import Home

SECRET = "the-only-copy-of-it"
CONTEXT = "urn:li:organization:acme"
ROW = {
    "customer_id": "acme",
    "customer_name": "Jane Doe Consulting",
    "client_id": "acmeclient",
    "client_secret": SECRET,
    "integration_context": CONTEXT,
    "integration_type": "APPLY_WITH_LINKEDIN",
    "tenant_type": "JOBS",
    "integration_name": "Jane Doe's jobs",
}


def town() -> World:
    integration = Integration(
        integration_context=CONTEXT,
        integration_type="APPLY_WITH_LINKEDIN",
        tenant_type="JOBS",
        onboarding_status="REQUESTED",
    )
    return World(
        applications=[
            Application(client_id="acmeclient", client_secret=SECRET, customer="acme", integrations=[integration])
        ]
    )


@pytest.fixture
def acme(home: Home) -> Iterator[Home]:
    """A home whose only customer has been imported from `customers.jsonl`."""
    app = create_app(town())
    with serving_in_thread(app) as address:
        home.settings |= {
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
        }
        home.linkedin = app.state.sandbox
        assert home.run("import", home.file("customers.jsonl", json.dumps(ROW))).code == 0
        yield home


def enables(home: Home) -> int:
    (application,) = home.linkedin.state()["applications"]
    return sum(one["enables"]["effective"] for one in application["integrations"])


def codes(home: Home, *command: str) -> list[tuple[str, str]]:
    document = home.run(*command, "--json").json()
    return [(item["reason"], item["observed"]) for item in document["items"]]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_withdrawn_and_wanted_again_then_forgotten_and_back(acme: Home) -> None:
    home = acme

    withdrawn = home.run("withdraw", "acme", "APPLY_WITH_LINKEDIN", "--by", "ann", "--json")
    assert (withdrawn.code, withdrawn.json()["reason"], withdrawn.json()["withdrawn_by"]) == (0, "WITHDRAWN", "ann")
    applied = home.run("apply", "--yes", "--json")
    assert (applied.json()["items"], enables(home)) == ([], 0)
    assert codes(home, "status") == [("WITHDRAWN", "UNKNOWN")]
    assert "has withdrawn it" in home.run("explain", "acme").out

    assert "1 integrations that had been withdrawn are wanted again" in home.run("import", "customers.jsonl").out
    assert home.run("apply", "--yes").code == 0
    assert enables(home) == 1
    assert "cannot be undone" in home.run("withdraw", "acme", "APPLY_WITH_LINKEDIN").out
    assert codes(home, "status") == [("ENABLED_BUT_WITHDRAWN", "ENABLED")]

    refused = home.run("forget", "acme")
    assert (refused.code, "add --yes" in refused.err) == (1, True)
    forgotten = home.run("forget", "acme", "--yes", "--json").json()
    assert (forgotten["secret_deleted"], len(forgotten["withdrawn"])) == (True, 1)
    assert home.run("forget", "acme", "--yes", "--json").json()["secret_deleted"] is False
    shown = home.run("explain", "acme").out + home.run("status").out + home.run("status", "--json").out
    assert "Jane" not in shown
    assert "was sent" in shown or "sent at" in shown, "what an auditor needs is kept"

    assert home.run("import", "customers.jsonl").code == 0
    assert codes(home, "apply", "--yes") == [("ENABLED", "ENABLED")]
    assert enables(home) == 1


@pytest.mark.long
def test_what_cannot_be_taken_back_changes_nothing(acme: Home) -> None:
    home = acme
    for arguments, says in (
        (["withdraw", "nobody", "APPLY_WITH_LINKEDIN"], "no customer 'nobody'"),
        (["withdraw", "acme", "APPLY_CONNECT"], "has no such integration"),
        (["withdraw", "acme", "APPLY_WITH_LINKEDIN", "--by", " "], "--by"),
        (["forget", "nobody", "--yes"], "no customer 'nobody'"),
        (["sessions", "end", "nobody"], "no customer 'nobody'"),
    ):
        done = home.run(*arguments)
        assert (done.code, done.out) == (1, ""), done
        assert says in done.err
        assert "Traceback" not in done.err
    assert home.run("sessions", "list", "--json").json() == {"schema": "greenlight.sessions/1", "sessions": []}
    assert home.run("sessions", "end", "acme", "--json").json()["ended"] == 0
    assert codes(home, "plan") == [("READY_TO_ENABLE", "REQUESTED")]
