"""What is around the plugin: older browsers, other scripts of the page, closed panels, two of it at once."""

import asyncio
from typing import Any

import pytest

from greenlight.ats.tables import Integration, RequestEvidence
from portal.texts import Wording, texts_in
from tests.browser.stage import until
from tests.browser.visitor import APPLY, Visitor, expect

SHOW = "(id) => window.show(id)"
#: Safari before 16.4.
NO_SHEETS = """Object.defineProperty(window, 'CSSStyleSheet', { value: function () {
  throw new TypeError('Illegal constructor');
} })"""
NO_TREES = "Element.prototype.attachShadow = () => { throw new TypeError('no shadow trees here'); }"

#: Whether what has this id in our tree is hidden.
IN_TREE = "(id) => window.place.firstChild.shadowRoot.getElementById(id).hidden"
PLUGIN_WIDTH = "window.place.querySelector('script[type^=IN]')?.dataset.width"


async def until_ready(visitor: Visitor) -> None:
    await visitor.page.wait_for_function("() => window.events.some(({ name }) => name === 'ready')")


async def heading_is_styled(visitor: Visitor) -> None:
    heading = "(window.place ?? document.getElementById('mount')).firstChild.shadowRoot.getElementById('list-heading')"
    await visitor.page.wait_for_function(f"() => getComputedStyle({heading}).fontSize === '19px'")


async def test_a_browser_without_stylesheets_of_a_script_shows_both_pages(company: Any) -> None:
    async with company() as (there, vendor):
        acme, bolt = await vendor.add("Acme GmbH"), await there.add("Bolt AG")
        async with there.visitor() as visitor:
            visitor.origins.add(vendor.origin)
            await visitor.context.add_init_script(NO_SHEETS)
            await visitor.open(there.link(bolt.id))
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
            await heading_is_styled(visitor)
            await visitor.page.goto(vendor.origin)
            await visitor.page.evaluate(SHOW, acme.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
            await heading_is_styled(visitor)
        assert {row.customer_id for row in there.rows(Integration) if row.requested_at} == {acme.id, bolt.id}


async def test_where_nothing_can_be_shown_the_portals_page_still_takes_requests(company: Any) -> None:
    async with company() as (there, _):
        customer = await there.add()
        there.want(customer, "APPLY_CONNECT")
        async with there.visitor() as visitor:
            visitor.provokes("no shadow trees here")
            await visitor.context.add_init_script(NO_TREES)
            await visitor.open(there.link(customer.id))
            await visitor.button(f"Request: {APPLY}").click()
            await until(lambda: there.rows(RequestEvidence))
            # As the page was made.
            await expect(visitor.page.get_by_role("heading", name="Apply Connect")).to_be_visible()
            assert len(visitor.noise) == 1
        assert there.at_linkedin(customer.client_id)["APPLY_WITH_LINKEDIN"][0] == "REQUESTED"


async def test_the_pages_own_function_for_linkedins_plugin_and_ours_leave_each_other_alone(company: Any) -> None:
    """The name in LinkedIn's sample is what a page of the vendor's may have used for years."""
    async with company() as (there, vendor):
        customer = await vendor.add()
        vendor.body = '<script src="/own.js"></script>'
        async with vendor.visit() as visitor:
            assert await visitor.page.evaluate("window.handleIntegrations.name") == "ofThePage"
            await visitor.page.evaluate(SHOW, customer.id)
            await visitor.page.evaluate("window.handleIntegrations = (given) => { window.mine = given; }")
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
            assert await visitor.page.evaluate("window.mine") is None
        assert len(there.rows(RequestEvidence)) == 1


async def test_in_a_panel_that_is_opened_later_the_plugin_is_as_wide_as_the_panel(company: Any) -> None:
    async with company() as (_, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate("(id) => { app.style.display = 'none'; window.show(id); }", customer.id)
            await until_ready(visitor)
            # Much later.
            await visitor.page.evaluate(
                "(() => { const then = performance.now(); performance.now = () => then + 1e6; })()"
            )
            await visitor.page.wait_for_timeout(1_500)
            assert await visitor.page.evaluate(IN_TREE, "absent") is True
            assert await visitor.page.evaluate(PLUGIN_WIDTH) is None
            await visitor.page.evaluate("app.style.display = ''")
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            shown = await visitor.page.evaluate("window.place.firstChild.firstChild.clientWidth")
            assert int(await visitor.page.evaluate(PLUGIN_WIDTH)) == min(shown, 700) > 240
            assert "has not appeared" not in str(await visitor.page.evaluate("window.said"))
            # No window was resized for it.
            await visitor.page.evaluate("app.style.width = '420px'")
            await visitor.page.wait_for_function(f"() => Number({PLUGIN_WIDTH}) < 400")
            await expect(visitor.plugin).to_have_count(1)


@pytest.mark.parametrize("own", ["a loader that has gone", "a loader without a key that has not arrived"])
async def test_a_page_that_uses_linkedins_script_for_something_else_is_told_so(company: Any, own: str) -> None:
    """Share buttons, say. Reloading would bring the same page again, so nobody is offered to."""
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            if own == "a loader that has gone":
                await visitor.page.evaluate("() => { window.IN = { parse() {} }; }")
            else:
                await visitor.context.route("**/in.js", lambda route: asyncio.sleep(0))
                await visitor.page.evaluate(
                    "(src) => document.head.append(Object.assign(document.createElement('script'), { src }))",
                    f"{there.linkedin_url}/uas/in.js",
                )
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.page.locator("#another-text")).to_contain_text("LinkedIn’s script for something else")
            await expect(visitor.button("Reload the page")).to_be_hidden()
            assert await visitor.page.evaluate("window.events.map(({ name, detail }) => detail.code ?? name)") == [
                "another_script",
                "ready",
            ]
            assert await visitor.page.locator("script[src$='in.js']").count() == (own != "a loader that has gone")
            await expect(visitor.page.locator("#none")).to_be_visible()


async def test_only_what_changes_is_said_aloud_and_once_for_all_who_show_it(company: Any) -> None:
    texts = texts_in("ja")
    async with company() as (there, vendor):
        acme, bolt = await vendor.add("Acme GmbH"), await vendor.add("Bolt AG")
        for customer in (acme, bolt):
            there.want(customer, "APPLY_CONNECT")
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(
                """(id) => {
                  window.place = document.createElement('div');
                  window.second = document.createElement('div');
                  app.replaceChildren(window.place, window.second);
                  for (const place of [window.place, window.second]) {
                    window.handle = Greenlight.mount(place, { getToken: () => tokenFor(id), lang: 'ja' });
                  }
                }""",
                acme.id,
            )
            await expect(visitor.headlines).to_have_count(2)
            title = texts.title_of("APPLY_CONNECT")
            assert [text for text in await visitor.page.evaluate("window.said") if title in text] == []
            await visitor.button(f"Request: {APPLY}").first.click()
            await expect(visitor.headlines).to_have_count(4)
            await expect(visitor.page.locator("#outbox-text").last).to_have_text(texts.page["sent"])
            said = await visitor.page.evaluate("window.said")
            assert said.count(f"{APPLY}：{texts.of(Wording.REQUESTED).headline}。") == 1
            assert said.count(texts.page["sent"]) == 1
            # Another customer's state is no change of this one's.
            await visitor.page.evaluate("window.said = []")
            await visitor.page.evaluate("(token) => window.handle.setToken(token)", vendor.token(bolt.id))
            await expect(visitor.headlines).to_have_count(3)
            assert [text for text in await visitor.page.evaluate("window.said") if title in text] == []
