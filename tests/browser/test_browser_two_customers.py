"""Two customers' pages in one browser, a link that machines look at first, and our page inside another site's."""

from typing import Any

import httpx

from greenlight.ats.tables import PortalSession, RequestEvidence
from tests.browser.framing import framing
from tests.browser.visitor import APPLY, Visitor, expect


async def switched(visitor: Visitor) -> None:
    heading = visitor.page.get_by_role("heading", name="Another page was opened in this browser.")
    await expect(heading).to_be_visible()
    await expect(visitor.page.locator("#live")).to_be_hidden()


async def test_a_tab_never_shows_or_requests_for_the_customer_of_another_tab(stage: Any) -> None:
    """The tabs share a cookie; the older one listed the other customer's integrations under its own name."""
    async with stage() as there:
        acme, bolt = await there.add("Acme GmbH"), await there.add("Bolt AG")
        there.want(bolt, "APPLY_WITH_LINKEDIN")
        async with there.visit(acme) as visitor:
            await visitor.shows()
            first = visitor.page
            visitor.page = await visitor.context.new_page()
            await visitor.page.goto(there.link(bolt.id))
            await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Open the page of Bolt AG instead?")
            await expect(visitor.page.get_by_text("has the LinkedIn page of Acme GmbH open")).to_be_visible()
            await visitor.shoot("switch")
            # Asking is no switch.
            await first.evaluate("window.dispatchEvent(new Event('online'))")
            await expect(first.locator("#live")).to_be_visible()

            await visitor.button("Switch to Bolt AG").click()
            await visitor.shows("Not checked yet")
            second, visitor.page = visitor.page, first
            visitor.provokes("status of 409")
            await visitor.page.evaluate("window.dispatchEvent(new Event('online'))")
            await switched(visitor)
            await expect(visitor.page.locator("#switched-unsent")).to_be_hidden()
            await expect(visitor.entries).to_have_count(0)
            await visitor.shoot("switched")
            visitor.page = second
            await visitor.shows("Not checked yet")


async def test_a_click_in_the_older_tab_is_not_requested_for_the_other_customer(stage: Any) -> None:
    """It asks every 15 seconds at most; who clicks in between must not request for somebody else, nor unseen."""
    async with stage() as there:
        acme, bolt = await there.add("Acme GmbH"), await there.add("Bolt AG")
        async with there.visit(acme) as visitor:
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            first = visitor.page
            visitor.page = await visitor.context.new_page()
            await visitor.page.goto(there.link(bolt.id))
            await visitor.button("Switch to Bolt AG").click()
            await expect(visitor.page.locator("#live")).to_be_visible()
            visitor.page = first
            visitor.provokes("status of 403", "status of 409")
            await visitor.button(f"Request: {APPLY}").click()
            await switched(visitor)
            await expect(visitor.page.locator("#switched-unsent")).to_be_visible()
        assert there.rows(RequestEvidence) == []


async def test_tabs_of_one_customer_go_on_when_its_page_is_opened_again(stage: Any) -> None:
    async with stage() as there:
        acme = await there.add("Acme GmbH")
        async with there.visit(acme) as visitor:
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            first = visitor.page
            visitor.page = await visitor.context.new_page()
            await visitor.open(there.link(acme.id))
            visitor.page = first
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
        assert len(there.rows(RequestEvidence)) == 1


async def test_a_link_that_machines_have_looked_at_still_opens(stage: Any) -> None:
    """Mail scanners and previews in chats follow links; browsers fetch them before anybody has decided to."""
    async with stage() as there:
        acme = await there.add()
        link = there.link(acme.id)
        async with httpx.AsyncClient(trust_env=False) as machine:
            for headers in ({"User-Agent": "Slackbot-LinkExpanding 1.0"}, {"Sec-Purpose": "prefetch"}):
                assert (await machine.get(link, headers=headers)).status_code == 200
        assert there.rows(PortalSession) == []
        async with there.visitor() as visitor:
            await visitor.page.goto(link)
            await visitor.shoot("open")
            await visitor.page.reload()
            await visitor.open(link)
            # Back and forward lead to the page again, and to no question.
            await visitor.page.goto(link)
            await expect(visitor.page.locator("#live")).to_be_visible()
        assert len(there.rows(PortalSession)) == 1


async def test_in_a_frame_of_another_site_the_link_is_kept_and_a_window_is_offered(stage: Any) -> None:
    """The browser refused the cookie there, after the link had been spent on it: nobody could open the page again."""
    framed: list[str] = []
    async with framing(framed) as port, stage(GREENLIGHT_PORTAL_FRAME_ANCESTORS=f"http://localhost:{port}") as there:
        acme, elsewhere = await there.add(), f"http://localhost:{port}"
        framed.append(there.link(acme.id))
        async with there.visitor() as visitor:
            visitor.origins.add(elsewhere)
            visitor.provokes("status of 403")
            await visitor.page.goto(elsewhere)
            frame = visitor.page.frame_locator("iframe")
            await expect(frame.get_by_role("heading")).to_have_text("This page opens in a window of its own.")
            await visitor.shoot("elsewhere")
            assert there.rows(PortalSession) == []
            async with visitor.context.expect_page() as opened:
                await frame.get_by_role("link", name="Open it in a new window").click()
            visitor.page = await opened.value
            await visitor.button("Open the page").click()
            await expect(visitor.page.locator("#live")).to_be_visible()


async def test_in_a_frame_of_its_own_site_the_page_works(stage: Any) -> None:
    framed: list[str] = []
    async with framing(framed) as port, stage(GREENLIGHT_PORTAL_FRAME_ANCESTORS=f"http://127.0.0.1:{port}") as there:
        acme, own = await there.add(), f"http://127.0.0.1:{port}"
        framed.append(there.link(acme.id))
        async with there.visitor() as visitor:
            visitor.origins.add(own)
            await visitor.page.goto(own)
            frame = visitor.page.frame_locator("iframe")
            await frame.get_by_role("button", name="Open the page").click()
            await expect(frame.locator("#live")).to_be_visible()
        assert len(there.rows(PortalSession)) == 1
