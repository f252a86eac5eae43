"""A back end's whole way, over HTTP alone: a name, its application, a link, a click, ENABLED; no secret anywhere."""

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import TALKATIVE, Home
from tests.cli.secrecy import found
from tests.cli.test_cli_new_customer import PARENT, portal, vendors_home

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


@pytest.fixture
def vendor(empty_database_url: str, tmp_path: Path) -> Iterator[Home]:
    """A vendor's home with an empty database."""
    folder = tmp_path / "home"
    folder.mkdir()
    with vendors_home(folder, GREENLIGHT_DATABASE_URL=empty_database_url) as home:
        yield home


def until(look: Callable[[], Any], seconds: float = 150) -> Any:
    give_up = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < give_up, "it did not come about in time"
        time.sleep(0.1)
    return seen


def test_from_a_name_to_enabled(vendor: Home) -> None:
    home = vendor
    assert home.run("migrate").code == 0
    assert home.run("parent", "-", "--json", stdin=json.dumps(PARENT), **TALKATIVE).code == 0
    key = home.run("api-key", "create", "our ATS", "--json").json()["key"]
    # It is shown on purpose, this once.
    home.said[-2:] = []
    with portal(home) as address, httpx.Client(base_url=address, trust_env=False) as back_end:
        back_end.headers["Authorization"] = f"Bearer {key}"
        made = back_end.put("/v1/customers/acme", json={"customer_name": "Acme Ltd"})
        assert made.status_code == 202
        where = made.headers["location"]
        customer = until(lambda: (c := back_end.get(where).json())["application"]["state"] == "ready" and c)
        assert customer["application"]["reason"] == "APPLICATION_WORKS"
        link = back_end.post(f"{where}/links", headers={"Idempotency-Key": "one"}).json()["link"]
        clicked(home, address, link, customer["application"]["client_id"])

        def enabled() -> Any:
            return [i for i in back_end.get(f"{where}/integrations").json()["integrations"] if i["status"] == "ENABLED"]

        (integration,) = until(enabled)
        assert (integration["reason"], integration["whose_move"]) == ("ENABLED", "nobody")
        changes = back_end.get("/v1/changes").json()["changes"]
        assert changes[-1]["status"] == "ENABLED"
        asked = back_end.post(f"{where}/looks").json()
        assert asked["looks"] == 0, "the last minute showed it"
        assert [a["unique_foreign_id"] for a in home.linkedin.state()["applications"]] == ["acme"]
    home.said.append((home.folder / "portal.log").read_text())
    assert home.tracebacks() == []
    (client,) = home.linkedin.clients.values()
    secrets = [PARENT["client_secret"], *client.secrets, *home.linkedin.tokens, link.rpartition("/")[2], key]
    assert found(home, secrets) == []


def clicked(home: Home, address: str, link: str, client_id: str) -> None:
    """The customer's admin opens the link and requests an integration in the plugin."""
    with httpx.Client(base_url=address, follow_redirects=True, trust_env=False) as browser:
        page = browser.post(link, headers={"Origin": address})
        token = html.unescape(re.findall(r'name="csrf-token" content="([^"]+)"', page.text)[0])
        headers = {"Origin": address, "X-CSRF-Token": token}
        plugin = f"{home.settings['GREENLIGHT_LINKEDIN_API_URL']}/plugin/request"
        answer = browser.post(plugin, json={"api_key": client_id, "bundle": "APPLY_WITH_LINKEDIN"}, headers=headers)
        body = {"integrations": answer.json()["bundles"]["APPLY_WITH_LINKEDIN"]["integrations"]}
        assert browser.post("/requests", json=body, headers=headers).json() == {"accepted": 1}
