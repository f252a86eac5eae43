"""Attacks on whose request it is: other tenants' tokens, forged contexts, foreign pages, SQL in an id (1, 2, 4, 12)."""

from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenlight.ats.tables import Integration, RequestEvidence
from greenlight.domain.reasons import Outcome
from greenlight.domain.status import Status
from tests.portal.world import HTTPS, START, Portal, add_customer, named

#: What no answer to acme may hold.
BOLTS = ("bolt", "ONE_CLICK_EXPORT")

OURS = named("urn:li:organization:of-acme", "APPLY_CONNECT")
THEIRS = named("urn:li:organization:of-b0lt", "APPLY_CONNECT")
#: Names by which a body, a query or a header could claim to be somebody.
CLAIMS = (
    "customer_id",
    "customerId",
    "customer",
    "tenant",
    "tenant_id",
    "client_id",
    "api_key",
    "session",
    "dataProvider",
)

claims = st.dictionaries(st.sampled_from(CLAIMS), st.sampled_from(["bolt", "clientbolt", ["bolt"], None]), max_size=4)
actions = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["post", "page", "state", "link", "spend"]),
        "cookie": st.sampled_from(["acme", "bolt", "none"]),
        "csrf": st.sampled_from(["acme", "bolt", "none"]),
        "body": claims,
        "entry": claims,
        "query": claims,
        "integrations": st.lists(st.sampled_from([OURS, THEIRS]), min_size=1, max_size=3),
    }
)


async def perform(
    portal: Portal, action: dict[str, Any], held: dict[str, tuple[str, str]], link: str
) -> httpx.Response:
    """One request of somebody who holds all of this; never both of bolt's, which would be bolt's own."""
    cookie = held["acme" if action["cookie"] == "bolt" == action["csrf"] else action["cookie"]][0]
    headers = {
        "Cookie": f"__Host-greenlight={cookie}",
        "X-CSRF-Token": held[action["csrf"]][1],
        "X-Customer-Id": "bolt",
        "Origin": HTTPS,
    }
    query = {name: str(value) for name, value in action["query"].items()}
    body = {**action["body"], "integrations": [{**action["entry"], **entry} for entry in action["integrations"]]}
    async with portal.browser(**headers) as browser:
        if action["method"] == "post":
            return await browser.client.post("/requests", params=query, json=body)
        if action["method"] == "link":
            return await browser.client.get(link, params=query)
        if action["method"] == "spend":
            return await browser.client.post(link, params=query)
        # Reading with bolt's cookie is bolt's right, so here it is acme who reads.
        browser.client.headers["Cookie"] = f"__Host-greenlight={held['acme'][0]}"
        return await browser.client.get("/" if action["method"] == "page" else "/integrations.json", params=query)


async def hold(portal: Portal, customer_id: str) -> tuple[tuple[str, str], str]:
    link = portal.link(customer_id)
    async with portal.browser() as browser:
        await browser.open(link)
        return (browser.client.cookies["__Host-greenlight"], browser.csrf), link


@given(plan=st.lists(actions, min_size=1, max_size=4))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_attack_01_nothing_of_another_customer_is_read_or_changed(
    portal: Portal, plan: list[dict[str, Any]]
) -> None:
    portal.clock.advance(3600)
    acme, _ = await hold(portal, "acme")
    bolt, spent = await hold(portal, "bolt")
    held = {"acme": acme, "bolt": bolt, "none": ("", "")}
    before = portal.everything("bolt")
    for action in plan:
        answer = await perform(portal, action, held, spent)
        assert not any(mark in answer.text for mark in BOLTS), action
        own = action["cookie"] == "acme" or action["cookie"] == "bolt" == action["csrf"]
        if action["method"] == "post":
            right = own and action["csrf"] == "acme"
            expected = 202 if right else 404 if action["cookie"] == "none" else 403
            assert answer.status_code == expected, action
        elif action["method"] in ("link", "spend"):
            # Used already: it opens nothing, except for the browser that holds what it opened.
            assert answer.status_code == (404 if own or action["cookie"] == "none" else 303), action
            assert "set-cookie" not in answer.headers
        else:
            # The list is for the page of this very session; the page itself is asked for without a token.
            foreign = action["method"] == "state" and action["csrf"] != "acme"
            assert answer.status_code == (409 if foreign else 200), action
        assert portal.everything("bolt") == before, action


async def test_attack_01_the_names_of_a_tenant_in_the_body_have_no_effect(portal: Portal) -> None:
    before = portal.everything("bolt")
    async with portal.visit("acme") as browser:
        answer = await browser.post(
            {**named(), "customer_id": "bolt", "client_id": "clientbolt"},
            customer_id="bolt",
            tenant="bolt",
            client_id="clientbolt",
        )
    assert answer.status_code == 202
    assert portal.everything("bolt") == before
    assert Counter(row["customer_id"] for row in portal.rows(Integration)) == {"acme": 2, "bolt": 1}


async def test_attack_01_the_csrf_token_of_another_session(portal: Portal) -> None:
    async with portal.visit("bolt") as other, portal.visit("acme") as browser, portal.visit("acme") as colleague:
        before = portal.everything()
        for token in (other.csrf, colleague.csrf, "", browser.csrf[:-3], browser.csrf + "x", "x" * 9000):
            assert (await browser.post(named(), headers={"X-CSRF-Token": token})).status_code == 403
        assert (await browser.post(named(), headers={"X-CSRF-Token": None})).status_code == 403
    assert portal.everything() == before


async def test_attack_01_one_customers_client_id_is_not_on_anothers_page(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        page = (await browser.client.get("/")).text
    assert "clientacme" in page
    assert not any(mark in page for mark in BOLTS)


async def test_attack_02_a_forged_context_is_stored_as_a_hint_and_never_shown_as_enabled(portal: Portal) -> None:
    with portal.database.reading() as session:
        theirs = session.get_one(Integration, 2)
    forged = named(theirs.integration_context, theirs.integration_type, theirs.tenant_type)
    before = portal.everything("bolt")
    async with portal.visit("acme") as browser:
        assert (await browser.post(forged)).status_code == 202
        state = (await browser.client.get("/integrations.json")).json()
    assert portal.everything("bolt") == before
    (row,) = (r for r in portal.rows(Integration, "acme") if r["integration_context"] == forged["integrationContext"])
    assert (row["observed"], row["outcome"]) == (Status.UNKNOWN, Outcome.NOT_LOOKED_AT)
    (entry,) = (e for e in state["integrations"] if e["context"] == forged["integrationContext"])
    assert entry["state"] == "requested"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": HTTPS + "/"}, 403),
        ({"Origin": HTTPS + ".evil.example"}, 403),
        ({"Origin": HTTPS + ":443"}, 403),
        ({"Origin": HTTPS.replace("https", "http")}, 403),
        ({"Origin": HTTPS.upper()}, 403),
        ({"Origin": f"{HTTPS}, https://evil.example"}, 403),
        ({"Origin": None, "Referer": HTTPS + "/"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "same-origin, cross-site"}, 403),
        ({"Sec-Fetch-Site": None}, 202),
        ({"X-CSRF-Token": None}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/jsonp"}, 415),
        ({"Content-Type": None}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 202),
        ({"Content-Type": "Application/JSON"}, 202),
        ({}, 202),
    ],
)
async def test_attack_04_csrf_from_a_foreign_page(portal: Portal, headers: dict[str, str | None], status: int) -> None:
    async with portal.visit("acme") as browser:
        before = portal.everything()
        answer = await browser.post(named(), headers=headers)
    assert answer.status_code == status
    assert (portal.everything() == before) == (status != 202)
    assert bool(portal.rings) == (status == 202)


async def test_attack_04_csrf_with_two_origins(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        headers = httpx.Headers([*browser.headers().items(), ("Origin", "https://evil.example")])
        answer = await browser.client.post("/requests", json={"integrations": [named()]}, headers=headers)
    assert answer.status_code == 403
    assert portal.rows(RequestEvidence) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_attack_04_csrf_by_another_method(portal: Portal, method: str) -> None:
    async with portal.visit("acme") as browser:
        answer = await browser.client.request(
            method,
            "/requests",
            json={"integrations": [named()]},
            headers={**browser.headers(), "X-HTTP-Method-Override": "POST"},
        )
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
    assert portal.rows(RequestEvidence) == []


async def test_attack_04_a_session_is_looked_for_before_anything_is_said_about_the_rest(portal: Portal) -> None:
    async with portal.browser() as browser:
        for headers, content in [({}, "{}"), ({"Origin": "null"}, "x" * 50_000), ({"Content-Type": "text/plain"}, "")]:
            answer = await browser.send(content, headers)
            assert (answer.status_code, list(answer.json())) == (404, ["error"])


async def test_attack_12_a_customer_whose_id_is_sql(portal: Portal) -> None:
    hostile = "acme' OR '1'='1"
    add_customer(portal.database, hostile, name="Robert'); DROP TABLE visit;--", client_id="c3")
    before = portal.everything("acme")
    async with portal.visit(hostile) as browser:
        assert (await browser.post(named())).status_code == 202
        state = (await browser.client.get("/integrations.json")).json()
        assert [entry["type"] for entry in state["integrations"]] == ["APPLY_CONNECT"]
    assert portal.everything("acme") == before
    (row,) = portal.rows(Integration, hostile)
    assert row["requested_at"] == START
