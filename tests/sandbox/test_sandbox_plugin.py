"""The plugin's loader and its two calls, as a customer's browser makes them (docs/linkedin.md#the-plugin)."""

import re
from typing import Any

import httpx
import pytest

from sandbox.plugin import NO_PERMISSION, NOT_READY, UNKNOWN_KEY, WRONG_DOMAIN
from sandbox.world import Application, Parent, World
from tests.sandbox.parent import DOMAIN, provisioner
from tests.sandbox.partner import AWLI, CSA, EXPORT, Partner, Theatre, integration

BUNDLES = {
    "APPLY_WITH_LINKEDIN": {("organization:9abc", "APPLY_WITH_LINKEDIN", "JOBS")},
    "APPLY_CONNECT": {("organization:9abc", "APPLY_CONNECT", "JOBS")},
    "RECRUITER_SYSTEM_CONNECT_COMPANY": {
        ("organization:9abc", "IN_ATS_INDICATOR", "RECRUITER"),
        ("organization:9abc", "ONE_CLICK_EXPORT", "RECRUITER"),
        ("organization:9abc", "PROFILE_PLUGIN", "RECRUITER"),
    },
    "RECRUITER_SYSTEM_CONNECT_CONTRACT": {("contract:555", "CSA_API", "RECRUITER")},
}


def widget_world(**changes: Any) -> World:
    acme = Application(
        client_id="acme",
        client_secret="acme-secret",
        js_sdk_domains=["http://other.example", DOMAIN],
        organization="9abc",
        contract="555",
    )
    return World(applications=[acme.model_copy(update=changes)])


class Page:
    """A customer's page on one origin."""

    def __init__(self, theatre: Theatre | None = None, origin: str | None = DOMAIN) -> None:
        self.theatre = theatre or Theatre(widget_world())
        self.http, self.sandbox = self.theatre.http, self.theatre.sandbox
        self.headers = {} if origin is None else {"Origin": origin}

    async def look(self, api_key: str = "acme") -> httpx.Response:
        return await self.http.get("/plugin/state", params={"api_key": api_key}, headers=self.headers)

    async def request(self, bundle: Any, api_key: Any = "acme") -> httpx.Response:
        body = {"api_key": api_key, "bundle": bundle}
        return await self.http.post("/plugin/request", json=body, headers=self.headers)

    async def states(self) -> dict[str, str]:
        return {name: one["state"] for name, one in (await self.look()).json()["bundles"].items()}

    def statuses(self, client_id: str = "acme") -> dict[str, str | None]:
        return {key.integration_type: one.status for key, one in self.sandbox.clients[client_id].integrations.items()}


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    assert answer.headers["access-control-allow-origin"] == answer.request.headers.get("origin", "*")
    return answer.status_code, answer.json()["error"], answer.json()["message"]


@pytest.mark.parametrize("path", ["/uas/in.js", "/xdoor/scripts/in.js"])
async def test_the_loader_is_a_script(path: str) -> None:
    page = Page()
    answer = await page.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "window.IN = {" in answer.text
    assert [(one.operation, one.status, one.notes) for one in page.sandbox.log] == [("plugin", 200, ["loader"])]


async def test_the_loader_does_nothing_that_a_strict_page_forbids() -> None:
    """A page without 'unsafe-inline' and 'unsafe-eval' lets none of these through."""
    text = (await Page().http.get("/uas/in.js")).text
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|cssText", text) == []
    )
    assert re.findall(r"setAttribute\(\"(?:style|on\w+)\"|createElement\(\"style\"", text) == []


async def test_at_first_nothing_is_requested() -> None:
    page = Page()
    answer = await page.look()
    shown = answer.json()["bundles"]
    assert answer.headers["access-control-allow-origin"] == DOMAIN
    assert {name: one["state"] for name, one in shown.items()} == dict.fromkeys(BUNDLES, "NOT_REQUESTED")
    assert page.sandbox.clients["acme"].integrations == {}


@pytest.mark.parametrize("bundle", BUNDLES)
async def test_a_request_makes_the_bundles_integrations_requested(bundle: str) -> None:
    page = Page()
    answer = await page.request(bundle)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, DOMAIN)
    one = answer.json()["bundles"][bundle]
    handed = {
        (each["integrationContext"].removeprefix("urn:li:"), each["integrationType"], each["tenantType"])
        for each in one["integrations"]
    }
    assert (one["state"], handed) == ("REQUESTED", BUNDLES[bundle])
    assert page.statuses() == {type: "REQUESTED" for _, type, _ in BUNDLES[bundle]}
    entry = page.sandbox.log[-1]
    assert (entry.client_id, entry.operation, entry.status, entry.notes) == ("acme", "plugin", 200, [bundle])
    assert len(entry.keys) == len(BUNDLES[bundle])


async def test_a_request_leaves_alone_what_has_a_status() -> None:
    page = Page()
    await page.request("RECRUITER_SYSTEM_CONNECT_COMPANY")
    client = page.sandbox.clients["acme"]
    for key, status in zip(client.integrations, ("ENABLED", "PARTNER_READY", None), strict=True):
        page.sandbox.set_status("acme", key, status)
    assert (await page.states())["RECRUITER_SYSTEM_CONNECT_COMPANY"] == "NOT_REQUESTED"
    await page.request("RECRUITER_SYSTEM_CONNECT_COMPANY")
    assert list(page.statuses().values()) == ["ENABLED", "PARTNER_READY", "REQUESTED"]


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("ENABLED", "ENABLED", "ENABLED"), "ENABLED"),
        (("ENABLED", "PARTNER_READY", "ENABLED"), "PARTNER_READY"),
        (("Partner Ready", "ENABLED", "requested"), "REQUESTED"),
        (("ENABLED", "ENABLED", None), "NOT_REQUESTED"),
        (("ENABLED", "SUSPENDED", "PARTNER_READY"), "SUSPENDED"),
    ],
)
async def test_a_bundle_is_as_far_as_its_last_integration(statuses: tuple[str | None, ...], state: str) -> None:
    page = Page()
    await page.request("RECRUITER_SYSTEM_CONNECT_COMPANY")
    for key, status in zip(page.sandbox.clients["acme"].integrations, statuses, strict=True):
        page.sandbox.set_status("acme", key, status)
    assert (await page.states())["RECRUITER_SYSTEM_CONNECT_COMPANY"] == state


async def test_what_was_requested_can_be_enabled() -> None:
    page = Page()
    await page.request("APPLY_WITH_LINKEDIN")
    partner = Partner(page.http, page.sandbox)
    await partner.log_in()
    key = ("urn:li:organization:9abc", "APPLY_WITH_LINKEDIN", "JOBS", "ATS")
    await partner.verify(key)
    assert (await partner.enable(key)).status_code == 200
    assert (await page.states())["APPLY_WITH_LINKEDIN"] == "ENABLED"
    assert partner.rules == []
    operations = [entry.operation for entry in page.sandbox.log]
    assert operations == ["plugin", "token", "verify", "enable", "plugin"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://ats.example/",
        "https://ats.example:8443",
        "http://ats.example",
        "https://ats.example.evil",
        "null",
        None,
    ],
)
async def test_another_origin_is_refused_and_may_read_so(origin: str | None) -> None:
    page = Page(origin=origin)
    for answer in (await page.look(), await page.request("APPLY_WITH_LINKEDIN")):
        assert refusal(answer) == (403, "error.origin.not.in.api.domains", WRONG_DOMAIN)
    assert page.statuses() == {}


@pytest.mark.parametrize("domain", [DOMAIN + "/", DOMAIN + "/settings", "ats.example"])
async def test_a_domain_that_is_no_full_origin_admits_nobody(domain: str) -> None:
    page = Page(Theatre(widget_world(js_sdk_domains=[domain])))
    assert refusal(await page.look())[1] == "error.origin.not.in.api.domains"


async def test_a_corrected_domain_admits_the_page() -> None:
    parent = await provisioner()
    page = Page(parent.theatre, "https://moved.example")
    assert (await page.look()).status_code == 403
    await parent.update("urn:li:developerApplication:11", validJsSdkDomains=["https://moved.example"])
    assert (await page.look()).status_code == 200


@pytest.mark.parametrize("api_key", ["", "nobody", "ACME"])
async def test_an_unknown_api_key(api_key: str) -> None:
    page = Page()
    assert refusal(await page.look(api_key)) == (403, "error.api.key", UNKNOWN_KEY)
    assert refusal(await page.request("APPLY_CONNECT", api_key)) == (403, "error.api.key", UNKNOWN_KEY)


async def test_a_parent_is_no_api_key() -> None:
    page = Page(Theatre(World(parents=[Parent(client_id="parent", client_secret="s")])))
    assert refusal(await page.look("parent"))[1] == "error.api.key"


async def test_a_new_application_is_not_ready_for_a_while() -> None:
    parent = await provisioner(new_application_delay_seconds=300)
    made = (await parent.create(validJsSdkDomains=[DOMAIN])).json()["credentials"]
    page = Page(parent.theatre)
    for seconds in (0, 299):
        parent.theatre.clock.now += seconds
        assert refusal(await page.look(made["client_id"])) == (403, "error.not.ready", NOT_READY)
        early = await parent.ask_token(made["client_secret"], made["client_id"])
        assert (early.status_code, early.json()["error"]) == (401, "invalid_client")
    await parent.http.post("/sandbox/clock", json={"seconds": 1})
    assert (await page.look(made["client_id"])).status_code == 200
    assert (await parent.ask_token(made["client_secret"], made["client_id"])).status_code == 200
    assert (await page.look("acme")).status_code == 200


async def test_who_is_no_admin_has_no_permissions() -> None:
    page = Page(Theatre(widget_world(admin=False)))
    for answer in (await page.look(), await page.request("APPLY_WITH_LINKEDIN")):
        assert refusal(answer) == (403, "error.no.permissions", NO_PERMISSION)
    assert page.statuses() == {}
    body = {"client_id": "acme", "admin": True}
    assert (await page.http.post("/sandbox/admin", json=body)).status_code == 200
    assert (await page.look()).status_code == 200
    assert (await page.http.post("/sandbox/admin", json=body | {"admin": False})).status_code == 200
    assert (await page.look()).status_code == 403
    assert (await page.http.post("/sandbox/admin", json=body | {"client_id": "x"})).status_code == 409


@pytest.mark.parametrize("bundle", ["CSA_API", "", None, ["APPLY_CONNECT"]])
async def test_an_unknown_bundle(bundle: Any) -> None:
    page = Page()
    assert refusal(await page.request(bundle))[:2] == (400, "unknown.bundle")
    assert page.statuses() == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
async def test_a_request_that_cannot_be_read(content: bytes) -> None:
    page = Page()
    answer = await page.http.post("/plugin/request", content=content, headers=page.headers)
    assert refusal(answer)[:2] == (400, "bad.request")


@pytest.mark.parametrize("path", ["/plugin/state", "/plugin/request"])
async def test_a_preflight_is_answered_and_not_logged(path: str) -> None:
    page = Page(origin="https://elsewhere.example")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = await page.http.options(path, headers=page.headers | asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://elsewhere.example"
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert (answer.headers["vary"], page.sandbox.log) == ("Origin", [])


async def test_what_another_application_has_requested_is_not_taken_from_it() -> None:
    world = widget_world()
    keys = [("urn:li:organization:9abc", *EXPORT[1:])]
    other = Application(client_id="b", client_secret="s", integrations=[integration(key, "REQUESTED") for key in keys])
    page = Page(Theatre(World(applications=[*world.applications, other])))
    answer = await page.request("RECRUITER_SYSTEM_CONNECT_COMPANY")
    assert refusal(answer)[:2] == (409, "other.application")
    assert page.statuses() == {}


async def test_an_application_without_ids_uses_those_of_its_integrations_or_makes_them_up() -> None:
    listed = Application(
        client_id="listed",
        client_secret="s",
        js_sdk_domains=[DOMAIN],
        integrations=[integration(AWLI, "REQUESTED"), integration(CSA, None)],
    )
    bare = [Application(client_id=name, client_secret="s", js_sdk_domains=[DOMAIN]) for name in ("a", "b")]
    clients = [
        {name: (one.organization, one.contract) for name, one in Theatre(world).sandbox.clients.items()}
        for world in (World(applications=[listed, *bare]), World(applications=[*bare[::-1], listed]))
    ]
    assert clients[0] == clients[1]
    assert clients[0]["listed"] == ("4gX03uw", "77")
    assert clients[0]["a"] != clients[0]["b"]
    for organization, contract in clients[0].values():
        assert re.fullmatch("[0-9][A-Za-z0-9]{6}", organization)
        assert re.fullmatch("[0-9]+", contract)
    page = Page(Theatre(World(applications=[listed])))
    shown = (await page.look("listed")).json()["bundles"]
    assert shown["APPLY_WITH_LINKEDIN"]["state"] == "REQUESTED"


async def test_a_secret_as_api_key_is_written_down() -> None:
    page = Page()
    await page.look("acme-secret")
    assert [one.rule for one in page.sandbox.violations] == ["credentials_in_url"]
