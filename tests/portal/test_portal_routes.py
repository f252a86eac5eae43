"""The routes as a customer's browser meets them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, update

from greenlight.ats.callbacks import MOST_INTEGRATIONS
from greenlight.ats.database import Database
from greenlight.ats.tables import ChildApplication, Integration, PortalSession, RequestEvidence
from greenlight.domain.reasons import Outcome, Reason
from greenlight.settings import Settings
from portal.app import create_app
from portal.context import SESSION_HOURS
from portal.links import LINK_SECONDS
from portal.view import SLOW_AFTER
from tests.portal.world import KEYS, START, Clock, Page, Portal, named


async def test_a_link_opens_a_session_once(portal: Portal) -> None:
    link = portal.link("acme")
    async with portal.browser() as browser, portal.browser() as other:
        opened = await browser.spend(link)
        assert (opened.status_code, opened.headers["location"], opened.content) == (303, "/", b"")
        cookie = opened.headers["set-cookie"]
        assert cookie.startswith("__Host-greenlight=")
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert parts == {"httponly", "samesite=lax", "secure", "path=/", f"max-age={SESSION_HOURS * 3600}"}
        assert (await other.client.get(link)).status_code == 404
        assert (await other.spend(link)).status_code == 404
        assert (await browser.client.get("/")).status_code == 200
        assert (await other.client.get("/")).status_code == 404
    (visit,) = portal.rows(PortalSession)
    assert (visit["customer_id"], visit["expires_at"] - visit["opened_at"]) == ("acme", timedelta(hours=SESSION_HOURS))
    assert visit["session_digest"] not in cookie


async def test_the_reload_and_back_buttons_keep_the_session(portal: Portal, clock: Clock) -> None:
    link = portal.link("acme")
    async with portal.browser() as browser:
        await browser.open(link)
        for seconds in (1, LINK_SECONDS + 60):
            clock.advance(seconds)
            for again in (await browser.client.get(link), await browser.spend(link)):
                assert (again.status_code, again.headers.get("set-cookie")) == (303, None)
        clock.advance(SESSION_HOURS * 3600)
        assert (await browser.client.get(link)).status_code == 404
    assert len(portal.rows(PortalSession)) == 1


async def test_head_does_not_spend_a_link(portal: Portal) -> None:
    link = portal.link("acme")
    async with portal.browser() as browser:
        assert (await browser.client.head(link)).status_code == 405
        assert portal.rows(PortalSession) == []
        await browser.open(link)


async def test_a_second_link_opens_a_new_session(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        page = await browser.open(portal.link("bolt"))
        assert "bolt Ltd" in page.text
        assert "acme" not in page.text


async def test_a_session_ends(portal: Portal, clock: Clock) -> None:
    async with portal.visit("acme") as browser:
        clock.advance(SESSION_HOURS * 3600 - 1)
        assert (await browser.client.get("/")).status_code == 200
        # The browser would drop the cookie too; what counts is what we know.
        cookie = f"__Host-greenlight={browser.client.cookies['__Host-greenlight']}"
        clock.advance(1)
        assert (await browser.client.get("/", headers={"Cookie": cookie})).status_code == 404
        assert (await browser.post(named(), headers={"Cookie": cookie})).status_code == 404


async def test_without_https_the_cookie_has_a_plain_name(
    settings: Settings, database: Database, clock: Clock, portal: Portal
) -> None:
    local = Portal(settings.model_copy(update={"portal_url": "http://127.0.0.1:8780"}), database, clock)
    async with local.browser() as browser:
        opened = await browser.spend(local.link("acme"))
        assert opened.headers["set-cookie"].startswith("greenlight=")
        assert "secure" not in opened.headers["set-cookie"].lower()
        assert "strict-transport-security" not in opened.headers
        page = await browser.client.get("/")
        assert page.status_code == 200
        browser.csrf = Page(page.text).csrf
        assert (await browser.post(named())).status_code == 202


async def test_a_callback_is_stored_with_evidence_and_rings_once(portal: Portal, clock: Clock) -> None:
    async with portal.visit("acme") as browser:
        clock.advance(5)
        answer = await browser.post(named(), named(), named(type="CSA_API", context="urn:li:contract:9"))
        assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
        assert portal.rings == [clock()]
        state = (await browser.client.get("/integrations.json")).json()
    stored = {row["integration_type"]: row for row in portal.rows(Integration, "acme")}
    assert set(stored) == {"APPLY_WITH_LINKEDIN", "APPLY_CONNECT", "CSA_API"}
    assert stored["APPLY_CONNECT"]["requested_at"] == clock()
    assert stored["APPLY_WITH_LINKEDIN"]["requested_at"] is None
    assert [(row["times"], row["first_at"]) for row in portal.rows(RequestEvidence)] == [(1, clock())] * 2
    assert portal.rings == [clock()] * 2, "what was imported and never looked at is due once its page is open"
    states = {entry["type"]: entry["state"] for entry in state["integrations"]}
    assert states["APPLY_CONNECT"] == states["CSA_API"] == "requested"
    assert state["moving"]


async def test_a_worker_that_cannot_be_told_does_not_lose_a_request(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise OSError("canary-of-the-bell")

    portal.app = create_app(
        portal.settings, portal.database, KEYS, ring=broken, clock=portal.clock, seconds=portal.clock.seconds
    )
    async with portal.visit("acme") as browser:
        assert (await browser.post(named())).status_code == 202
    assert len(portal.rows(RequestEvidence)) == 1
    assert "the worker could not be told: OSError" in caplog.text
    assert "canary" not in caplog.text


async def test_more_integrations_than_any_customer_has(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        before = portal.everything("acme")
        many = [named(f"urn:li:organization:{n}") for n in range(MOST_INTEGRATIONS)]
        answer = await browser.post(*many)
        assert answer.status_code == 409
        assert "more integrations than one customer can have" in answer.json()["error"]
        assert portal.everything("acme") == before
        assert (await browser.post(*many[1:])).json() == {"accepted": MOST_INTEGRATIONS - 1}
    assert len(portal.rows(Integration, "acme")) == MOST_INTEGRATIONS
    assert len(portal.rings) == 1


@pytest.mark.parametrize(
    ("provisioned_ago", "application"), [(None, "ready"), (timedelta(0), "new"), (timedelta(minutes=5), "ready")]
)
async def test_a_new_application_is_said_to_be_new(
    portal: Portal, clock: Clock, provisioned_ago: timedelta | None, application: str
) -> None:
    with portal.database.writing() as session:
        since = START - provisioned_ago if provisioned_ago is not None else None
        session.exec(
            update(ChildApplication).where(col(ChildApplication.customer_id) == "acme").values(provisioned_at=since)
        )
    async with portal.visit("acme") as browser:
        assert (await browser.client.get("/integrations.json")).json()["application"] == application


async def test_the_page_embeds_the_plugin_as_the_seed_shows_it(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        page = Page((await browser.client.get("/")).text)
    (loader,) = (
        a for tag, a in page.elements if tag == "script" and a.get("src") == "https://www.linkedin.com/uas/in.js"
    )
    assert loader
    (body,) = (body for body in page.scripts if "api_key" in body)
    assert [line.strip() for line in body.strip().splitlines()] == [
        "api_key: clientacme",
        "extensions: ATSIntegrationWidget@https://platform.linkedin.com/rsc/extensions/onboarding-widget",
    ]
    (plugin,) = (a for tag, a in page.elements if a.get("type") == "IN/ATSIntegrationWidget")
    assert plugin["data-onintegrate"] == "greenlightOnIntegrate"
    assert plugin["data-supported-bundled-integration-types"] == (
        "RECRUITER_SYSTEM_CONNECT_COMPANY,RECRUITER_SYSTEM_CONNECT_CONTRACT,APPLY_WITH_LINKEDIN"
    )


async def test_what_is_wrong_first_is_said_first(portal: Portal) -> None:
    def faults(*names: str) -> dict[str, str]:
        every = {
            "host": ("Host", "evil.example"),
            "session": ("Cookie", "none=1"),
            "origin": ("Origin", "https://evil.example"),
            "csrf": ("X-CSRF-Token", "x"),
            "type": ("Content-Type", "text/plain"),
            "size": ("Content-Length", "99999"),
        }
        return dict(every[name] for name in names)

    async with portal.visit("acme") as browser:
        for _ in range(60):
            assert (await browser.post(named())).status_code == 202
        order = ["host", "session", "origin", "csrf", "type", "size"]
        answers = [await browser.send("{", faults(*order[first:])) for first in range(len(order) + 1)]
    assert [answer.status_code for answer in answers] == [404, 404, 403, 403, 415, 413, 429]
    assert answers[0].text == "Not found."
    assert "session" in answers[1].text


@pytest.mark.parametrize(
    ("headers", "content", "said"),
    [
        pytest.param({"X-CSRF-Token": "canary"}, "{}", "(403): This request does not come from", id="a forged token"),
        pytest.param({"Origin": "https://canary.example"}, "{}", "(403)", id="another site"),
        pytest.param({"Cookie": "greenlight=canary"}, "{}", "(404): There is no session", id="nobody's session"),
        pytest.param({"Content-Type": "text/canary"}, "{}", "(415)", id="no JSON"),
        pytest.param({}, '{"canary": 1', "(422)", id="broken JSON"),
        pytest.param({}, '{"integrations": "canary"}', "(422)", id="not what the plugin sends"),
    ],
)
async def test_a_refused_callback_is_one_line_in_the_log(
    portal: Portal, caplog: pytest.LogCaptureFixture, headers: dict[str, str], content: str, said: str
) -> None:
    """Whoever runs the portal sees that something is refused, and why; nothing that a stranger wrote."""
    async with portal.visit("acme") as browser:
        await browser.send(content, headers)
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("portal")]
    assert line.startswith("a callback was refused")
    assert said in line
    assert "canary" not in line


async def test_one_bad_entry_does_not_lose_the_good_ones(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    """LinkedIn adds to what its plugin says without notice, and an admin's click must not be lost for it."""
    bad = [{}, None, 7, named(context="urn:li:company:1"), named(type="no constant"), {**named(), "tenantType": None}]
    async with portal.visit("acme") as browser:
        answer = await browser.send(json.dumps({"integrations": [*bad, named(), named()]}))
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "unreadable": 6})
        assert (await browser.send(json.dumps({"integrations": bad}))).status_code == 422
    assert {row["integration_type"] for row in portal.rows(Integration, "acme")} == {
        "APPLY_CONNECT",
        "APPLY_WITH_LINKEDIN",
    }
    assert "a callback of customer acme had 6 unreadable entries" in caplog.text


async def test_what_linkedin_does_not_know_takes_no_place_of_what_is_real(portal: Portal) -> None:
    """A browser had filled all fifty places with things that do not exist, and nobody could take them out again."""
    junk = [named(f"urn:li:organization:{n}") for n in range(MOST_INTEGRATIONS - 1)]
    async with portal.visit("acme") as browser:
        assert (await browser.post(*junk)).status_code == 202
        assert (await browser.post(named("urn:li:organization:real"))).status_code == 409
        with portal.database.writing() as session:
            session.exec(
                update(Integration)
                .where(col(Integration.integration_type) == "APPLY_CONNECT")
                .values(reason=Reason.REJECTED_REQUEST, outcome=Outcome.WAITING)
            )
        assert (await browser.post(named("urn:li:organization:real"))).status_code == 202
        answer = None
        for part in range(3):
            many = [named(f"urn:li:organization:{part}-{n}") for n in range(MOST_INTEGRATIONS - 2)]
            answer = await browser.post(*many)
            with portal.database.writing() as session:
                session.exec(
                    update(Integration)
                    .where(col(Integration.integration_context).like(f"%:{part}-%"))
                    .values(reason=Reason.REJECTED_REQUEST, outcome=Outcome.WAITING)
                )
        assert answer is not None
        assert answer.status_code == 409, "that has an end as well"


async def test_checking_has_an_end_also_where_nobody_checks(portal: Portal, clock: Clock) -> None:
    """Without a worker the page said for ever that this usually takes a few seconds."""
    async with portal.visit("acme") as browser:
        await browser.post(named())

        async def shown() -> dict[str, Any]:
            state = (await browser.client.get("/integrations.json")).json()
            assert state["moving"] == (state["integrations"][1]["state"] == "requested")
            return state["integrations"][1]

        clock.advance(SLOW_AFTER.total_seconds())
        assert (await shown())["headline"] == "Checking with LinkedIn"
        clock.advance(1)
        late = await shown()
        assert (late["state"], late["headline"], late["turn"]) == ("problem", "Not checked yet", "We take care of it")
        assert (late["calm"], late["since"]) == (True, None)
        assert "could not check it with LinkedIn so far" in late["explanation"]
        # What is requested anew is waited for anew.
        await browser.post(named())
        assert (await shown())["headline"] == "Checking with LinkedIn"
