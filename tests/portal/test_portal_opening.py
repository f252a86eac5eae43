"""What a link does: looked at nothing, pressed a session; never another customer's page without a question."""

import pytest

from greenlight.ats.database import Database
from greenlight.ats.tables import PortalSession, RequestEvidence
from greenlight.settings import Settings
from portal.context import SESSION_HOURS
from portal.limiter import LOOKS_AT_LINK
from portal.links import LINK_SECONDS
from tests.portal.world import HTTPS, Clock, Page, Portal, named

FRAMED = {"Sec-Fetch-Dest": "iframe"}


async def test_a_look_changes_nothing_and_spends_nothing(portal: Portal) -> None:
    """Scanners, previews and prefetching browsers look; a link that they killed was a customer who gave up."""
    link = portal.link("acme")
    before = portal.everything()
    async with portal.browser() as scanner:
        for purpose in ({}, {"Sec-Purpose": "prefetch;prerender"}, {"User-Agent": "Slackbot-LinkExpanding 1.0"}):
            shown = await scanner.client.get(link, headers=purpose)
            assert (shown.status_code, shown.headers.get("set-cookie")) == (200, None)
        assert ("form", {"method": "post", "autocomplete": "off"}) in Page(shown.text).elements
        # Previews show titles.
        assert "acme" not in shown.text.partition("</title>")[0]
    assert portal.everything() == before
    async with portal.browser() as browser:
        assert "acme Ltd" in (await browser.open(link)).text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": HTTPS, "Sec-Fetch-Site": "cross-site"},
        {"Origin": HTTPS, "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_attack_04_a_foreign_page_presses_the_button(portal: Portal, headers: dict[str, str]) -> None:
    """It would put the browser onto the page of a customer of the attacker's choice."""
    link = portal.link("acme")
    async with portal.browser() as browser:
        refused = await browser.client.post(link, headers=headers)
        assert (refused.status_code, refused.headers.get("set-cookie")) == (403, None)
        assert "the link still works" in refused.text
        assert portal.rows(PortalSession) == []
        await browser.open(link)


async def test_another_customers_page_is_asked_for(portal: Portal) -> None:
    link = portal.link("bolt")
    async with portal.visit("acme") as browser:
        asked = await browser.client.get(link)
        assert "Open the page of <bdi>bolt Ltd</bdi> instead?" in asked.text
        assert "has the LinkedIn page of <bdi>acme Ltd</bdi> open" in asked.text
        assert "acme Ltd" in (await browser.client.get("/")).text, "asking is no switch"
        assert "bolt Ltd" in (await browser.open(link)).text


async def test_a_page_that_was_opened_since_is_asked_about_before_it_is_left(portal: Portal) -> None:
    """The button was shown when this browser had nothing open, and another tab has opened acme's page since."""
    link = portal.link("bolt")
    async with portal.browser() as browser:
        plain = Page((await browser.client.get(link)).text).fields
        await browser.open(portal.link("acme"))
        asked = await browser.spend(link, **plain)
        assert asked.status_code == 409
        assert "Open the page of <bdi>bolt Ltd</bdi> instead?" in asked.text
        assert len(portal.rows(PortalSession)) == 1
        assert "acme Ltd" in (await browser.client.get("/")).text
        assert (await browser.spend(link, **Page(asked.text).fields)).status_code == 303


async def test_a_tab_acts_for_its_own_customer_or_not_at_all(portal: Portal) -> None:
    """All tabs of a browser share one cookie, and the one that was open first listed the other's integrations."""
    async with portal.visit("acme") as browser:
        first = {"X-CSRF-Token": browser.csrf}
        assert (await browser.client.get("/integrations.json", headers=first)).status_code == 200
        await browser.open(portal.link("bolt"))
        refused = await browser.client.get("/integrations.json", headers=first)
        assert (refused.status_code, list(refused.json())) == (409, ["error"])
        assert "ONE_CLICK_EXPORT" not in refused.text
        assert (await browser.post(named(), headers=first)).status_code == 403
        assert portal.rows(RequestEvidence) == []
        for own in ({"X-CSRF-Token": browser.csrf}, {}):
            state = (await browser.client.get("/integrations.json", headers=own)).json()
            assert state["customer"] == "bolt Ltd"


async def test_another_link_of_the_same_customer_keeps_its_tabs_going(portal: Portal, clock: Clock) -> None:
    """Admins open the page from the ATS again and again; that must not break what is open already."""
    first, second = portal.link("acme"), portal.link("acme")
    async with portal.browser() as browser:
        await browser.open(first)
        token, cookie = browser.csrf, browser.client.cookies["__Host-greenlight"]
        clock.advance(60)
        await browser.open(second)
        assert browser.client.cookies["__Host-greenlight"] == cookie
        assert (await browser.post(named(), headers={"X-CSRF-Token": token})).status_code == 202
        for link in (first, second):
            assert (await browser.client.get(link)).status_code == 303, "a reload is no use"
        async with portal.browser() as other:
            assert (await other.spend(second)).status_code == 404
        # It is as long as the newest link makes it.
        clock.advance(SESSION_HOURS * 3600 - 1)
        assert (await browser.client.get("/", headers={"Cookie": f"__Host-greenlight={cookie}"})).status_code == 200
        clock.advance(1)
        assert (await browser.client.get("/", headers={"Cookie": f"__Host-greenlight={cookie}"})).status_code == 404


async def test_in_a_frame_of_another_site_nothing_is_spent(
    portal: Portal, settings: Settings, database: Database, clock: Clock
) -> None:
    """There a browser keeps no cookie of ours, so the session would be lost with the link."""
    changed = settings.model_copy(update={"portal_frame_ancestors": ("https://ats.example.org",)})
    framed = Portal(changed, database, clock)
    link = framed.link("acme")
    async with framed.browser(**FRAMED) as browser:
        refused = await browser.client.get(link, headers={"Sec-Fetch-Site": "cross-site"})
        assert refused.status_code == 403
        assert "opens in a window of its own" in refused.text
        assert refused.headers.get("set-cookie") is None
    async with framed.browser(**FRAMED) as browser:
        # A frame in a frame: the one around it is ours, and the one around that is not.
        shown = await browser.client.get(link, headers={"Sec-Fetch-Site": "same-origin"})
        assert shown.status_code == 200
        browser.client.cookies.clear()
        refused = await browser.spend(link, **Page(shown.text).fields)
        assert (refused.status_code, refused.headers.get("set-cookie")) == (403, None)
        assert framed.rows(PortalSession) == []
        assert "acme Ltd" in (await browser.open(link)).text


async def test_looking_at_one_link_has_a_limit(portal: Portal, clock: Clock) -> None:
    link = portal.link("acme")
    async with portal.browser() as browser:
        answers = [(await browser.client.get(link)).status_code for _ in range(LOOKS_AT_LINK.amount + 1)]
        assert answers[-2:] == [200, 429]
        clock.advance(61)
        await browser.open(link)


async def test_a_link_that_ran_out_while_its_page_was_shown(portal: Portal, clock: Clock) -> None:
    link = portal.link("acme")
    async with portal.browser() as browser:
        await browser.client.get(link)
        clock.advance(LINK_SECONDS + 1)
        assert (await browser.spend(link)).status_code == 404


@pytest.mark.parametrize("body", [b"\xff", b"instead_of", b"a=1&" * 50, b"instead_of=%ff&instead_of=2", b""])
async def test_what_no_form_of_ours_sends_opens_the_page_all_the_same(portal: Portal, body: bytes) -> None:
    async with portal.browser() as browser:
        answer = await browser.client.post(portal.link("acme"), content=body, headers={"Origin": HTTPS})
        assert answer.status_code == 303


async def test_attack_08_a_form_that_is_no_form(portal: Portal) -> None:
    async with portal.browser() as browser:
        answer = await browser.client.post(portal.link("acme"), content=b"x" * 5000, headers={"Origin": HTTPS})
        assert answer.status_code == 413
    assert portal.rows(PortalSession) == []
