"""`rotate` as users type it, and where its secrets do not go."""

import json
from collections.abc import Iterator

import pytest

from sandbox.app import create_app
from sandbox.server import serving_in_thread
from sandbox.world import Application, Parent, World
from tests.cli.conftest import TALKATIVE, Home
from tests.cli.secrecy import found

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

PARENT = {"client_id": "vendorparent", "client_secret": "the/parents+own=secret-CANARY"}
OWN = {"client_id": "appcsa", "client_secret": "csa/secret+CANARY="}


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    app = create_app(World(parents=[Parent(**PARENT)], applications=[Application(**OWN)]))
    with serving_in_thread(app) as address:
        settings = {
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.1,0.1",
        }
        yield Home(tmp_path_factory.mktemp("vendor"), settings, app.state.sandbox)


def test_a_rotation_from_the_command_line(vendor: Home, subtests: pytest.Subtests) -> None:
    home = vendor
    assert home.run("parent", "-", stdin=json.dumps(PARENT)).code == 0
    assert home.run("provision", "--new", "acme=Acme").code == 0
    (client,) = [each for each in home.linkedin.clients.values() if each.unique_foreign_id == "acme"]
    secrets = [PARENT["client_secret"], OWN["client_secret"], *client.secrets]
    with subtests.test("somebody has to be named, and not in two ways"):
        for arguments in ([], ["--all", "--customer", "acme"]):
            done = home.run("rotate", *arguments)
            assert (done.code, done.out, "--all" in done.err) == (1, "", True)
    with subtests.test("an imported application is refused by name, in one sentence"):
        key = {"integration_context": "urn:li:contract:7", "integration_type": "CSA_API", "tenant_type": "RECRUITER"}
        row = {"customer_id": "csa", "customer_name": "Csa", **OWN, **key}
        home.file("in.jsonl", json.dumps(row))
        assert home.run("import", "in.jsonl").code == 0
        (home.folder / "in.jsonl").unlink()
        done = home.run("rotate", "--customer", "csa", "--customer", "acme")
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert "'csa'" in done.err
        assert "import the new keys" in done.err
        assert len(client.secrets) == 1
    with subtests.test("all whose application provisioning made"):
        done = home.run("rotate", "--all", "--json", **TALKATIVE)
        assert done.code == 0, done.err
        report = done.json()
        assert (report["schema"], report["command"], report["verdict"]) == ("greenlight.rotate/1", "rotate", "ok")
        assert report["counts"] == {"rotated": 1, "waiting": 0, "failed": 0}
        (item,) = report["items"]
        assert (item["customer_id"], item["outcome"], item["reason"]) == ("acme", "rotated", "APPLICATION_WORKS")
        assert len(client.secrets) == 2
        secrets += client.secrets
    with subtests.test("a third is not made, and people read what to do"):
        done = home.run("rotate", "--customer", "acme")
        assert done.code == 3
        assert "TOO_MANY_SECRETS" in done.out
        assert "delete the older one" in done.out
    with subtests.test("the old one stops mattering once a person has deleted it"):
        home.linkedin.delete_secret(client.client_id, "oldest")
        done = home.run("doctor", "--json", "--customer", "acme")
        assert done.code == 0, done.out
        done = home.run("rotate", "--customer", "acme", **TALKATIVE)
        assert done.code == 0
        assert "The old secrets still work until a person deletes them" in done.out
        secrets += client.secrets
    with subtests.test("no secret is on disk or on the terminal"):
        assert home.tracebacks() == []
        assert len(set(secrets)) == 5
        assert found(home, [*secrets, *home.linkedin.tokens]) == []
