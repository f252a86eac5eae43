"""The plugin on the vendor's own page, on another site than the portal: from the click to "Enabled", with no cookie."""

import hashlib
from typing import Any

import pytest

from greenlight.ats.tables import PortalSession, RequestEvidence
from portal.texts import Wording, texts_in
from tests.browser.chromium import find_chromium
from tests.browser.test_browser_people import tab_to
from tests.browser.visitor import APPLY, PHONE, Visitor, chromium_running, expect

SHOW = "(id) => window.show(id)"


async def events(visitor: Visitor) -> list[str]:
    return [event["name"] for event in await visitor.page.evaluate("window.events")]


async def test_a_click_on_the_vendors_page_is_enabled_before_the_eyes_of_who_clicked(company: Any) -> None:
    async with company() as (there, vendor), there.worker():
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
            await expect(visitor.plugin.locator("[data-bundle=APPLY_WITH_LINKEDIN]")).to_have_attribute(
                "data-state", "ENABLED"
            )
            await visitor.shoot("embedded")
            names = await events(visitor)
            assert names[0] == "ready"
            assert {"requested", "change"} <= set(names)
            assert "error" not in names
            assert await visitor.context.cookies() == []
            assert await visitor.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
            told = str(await visitor.page.evaluate("window.events"))
            assert [token for token in vendor.given if token in told] == []
        assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}
        assert there.violations() == []
        (evidence,), (row,) = there.rows(RequestEvidence), there.rows(PortalSession)
        digest = hashlib.blake2b(vendor.given[0].encode(), digest_size=32, person=b"embed token").hexdigest()
        assert evidence.session_digest == row.session_digest == digest
        assert (row.customer_id, row.origin) == (customer.id, vendor.origin)


async def test_without_third_party_cookies_it_is_the_same(company: Any) -> None:
    """Browsers block them for more people every year, and none of this needs one."""
    phased_out = "--test-third-party-cookie-phaseout"
    async with (
        company() as (there, vendor),
        there.worker(),
        chromium_running(find_chromium() or "", phased_out) as other,
    ):
        customer = await vendor.add()
        there.browser = other
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
        assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}


async def test_the_cookie_of_the_portals_own_page_is_not_sent_along(company: Any) -> None:
    """Who is at one customer's page on the portal is at another one's on the vendor's."""
    async with company() as (there, vendor):
        acme, bolt = await there.add("Acme GmbH"), await vendor.add("Bolt AG")
        there.want(bolt, "APPLY_CONNECT")
        async with there.visitor() as visitor:
            visitor.origins.add(vendor.origin)
            await visitor.open(there.link(acme.id))
            assert len(await visitor.context.cookies()) == 1
            sent: list[Any] = []
            visitor.context.on("request", lambda request: sent.append(request) if "/embed/v1/" in request.url else None)
            await visitor.page.goto(vendor.origin)
            await visitor.page.evaluate(SHOW, bolt.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Not checked yet", "Checking with LinkedIn")
            headers = [await request.all_headers() for request in sent]
            assert {"authorization"} == {name for each in headers for name in each} & {"authorization", "cookie"}
        (row,) = (row for row in there.rows(PortalSession) if row.origin)
        assert [evidence.session_digest for evidence in there.rows(RequestEvidence)] == [row.session_digest]


async def test_a_page_that_is_not_named_gets_nothing_and_says_so(company: Any) -> None:
    async with company(GREENLIGHT_EMBED_ORIGINS="https://another.example") as (there, vendor):
        customer = await vendor.add()
        there.settings = there.settings.model_copy(update={"embed_origins": (vendor.origin,)})
        async with vendor.visit() as visitor:
            visitor.provokes("CORS policy", "ERR_FAILED")
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.page.locator("#stale")).to_contain_text(f"at this address ({vendor.origin})")
            assert await events(visitor) == ["error"]
            await expect(visitor.entries).to_have_count(0)
            await expect(visitor.plugin).to_have_count(0)
            assert "Acme" not in await visitor.page.locator("body").aria_snapshot()


async def test_what_the_portal_could_not_take_is_sent_when_it_is_back(company: Any) -> None:
    async with company() as (there, vendor), there.worker():
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            visitor.provokes("ERR_CONNECTION_REFUSED")
            await visitor.context.route("**/embed/v1/*", lambda route: route.abort("connectionrefused"))
            await visitor.button(f"Request: {APPLY}").click()
            await expect(visitor.page.locator("#outbox-text")).to_contain_text("We keep it and try again in 1 second.")
            await visitor.page.reload()
            visitor.provokes("dialog: beforeunload")
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.page.locator("#stale")).to_be_visible()
            await expect(visitor.page.locator("#stale")).to_have_text(texts_in("en").page["stale"])
            assert there.rows(RequestEvidence) == []
            await visitor.context.unroute("**/embed/v1/*")
            await visitor.shows("Enabled")
            assert await visitor.page.evaluate("sessionStorage.length") == 0
        assert [evidence.times for evidence in there.rows(RequestEvidence)] == [1]
        assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}


async def test_everything_can_be_done_with_the_keyboard_alone_and_is_said_aloud(company: Any) -> None:
    async with company() as (there, vendor), there.worker():
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            await tab_to(visitor, f"Request: {APPLY}")
            await visitor.page.keyboard.press("Enter")
            await visitor.shows("Enabled")
            assert await visitor.page.evaluate("document.activeElement !== document.body")
            await tab_to(visitor, "Reload the plugin")
            await visitor.page.keyboard.press("Enter")
            await expect(visitor.plugin).to_have_count(1)
            snapshot = await visitor.page.locator("body").aria_snapshot()
            for part in (
                '- group "LinkedIn integrations":',
                '- region "Request an integration":',
                '- region "Your integrations":',
                f'- heading "{APPLY}" [level=3]',
                f'- status: "{APPLY}: Enabled."',
                "- status: Your request has reached us.",
            ):
                assert part in snapshot, snapshot
            said = await visitor.page.evaluate("window.said")
            assert said.count(f"{APPLY}: Enabled.") == 1


@pytest.mark.parametrize("language", ["de", "ja"])
async def test_every_word_is_in_the_pages_language(company: Any, language: str) -> None:
    """All but LinkedIn's own plugin, whose language is LinkedIn's."""
    texts, english = texts_in(language), texts_in("en")
    async with company() as (_, vendor):
        vendor.lang = f"{language}-CH"
        customer = await vendor.add()
        async with vendor.visit(locale=language) as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows(texts.of(Wording.REQUESTED).headline)
            await expect(visitor.page.locator("#outbox-text")).to_have_text(texts.page["sent"])
            await expect(visitor.entries).to_contain_text([texts.turns["us"]])
            shown = await visitor.page.locator("#greenlight").inner_text()
            assert [text for text in english.page.values() if text in shown] == []
            assert await visitor.page.locator("#greenlight").get_attribute("lang") == language
            await visitor.shoot(f"embedded-{language}")
            # What the page asks for goes before what its document says.
            await visitor.page.evaluate("(id) => window.show(id, { lang: 'en-GB' })", customer.id)
            await visitor.shows(english.of(Wording.REQUESTED).headline)


async def test_the_pages_styles_stay_outside_and_its_colours_come_in(company: Any) -> None:
    """The vendor's page writes every paragraph in red; of ours it decides the colours that it names."""
    style = "(id) => getComputedStyle(window.place.firstChild.shadowRoot.querySelector(id))"
    async with company() as (_, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.button("Reload the plugin")).to_be_visible()
            assert await visitor.page.evaluate(f"({style})('#none').color") != "rgb(255, 0, 0)"
            assert await visitor.page.evaluate(f"({style})('#list-heading').fontSize") == "19px"
            await visitor.page.evaluate("window.place.style.setProperty('--greenlight-text', 'rgb(1, 2, 3)')")
            assert await visitor.page.evaluate(f"({style})('#list-heading').color") == "rgb(1, 2, 3)"
            assert await visitor.page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"


async def test_a_phone_shows_all_of_it(company: Any) -> None:
    async with company() as (_, vendor):
        customer = await vendor.add("Donaudampfschifffahrtsgesellschaft")
        async with vendor.visit(**PHONE) as visitor:
            await visitor.page.evaluate(
                "document.head.append(Object.assign(document.createElement('meta'), "
                "{ name: 'viewport', content: 'width=device-width' }))"
            )
            await visitor.page.evaluate(SHOW, customer.id)
            await visitor.button(f"Request: {APPLY}").tap()
            await visitor.shows("Checking with LinkedIn")
            assert await visitor.overflow() <= 0
