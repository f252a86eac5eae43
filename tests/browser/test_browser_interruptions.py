"""The portal is away for a while, or the session is over: no request is lost, and nobody is left guessing."""

from typing import Any

from greenlight.ats.tables import PortalSession, RequestEvidence
from tests.browser.visitor import APPLY, Visitor, expect

POST, LOOK = "**/requests", "**/integrations.json"


async def unavailable(visitor: Visitor) -> None:
    """The portal answers 503 from now on."""
    visitor.provokes("status of 503")
    for pattern in (POST, LOOK):
        await visitor.context.route(pattern, lambda route: route.fulfill(status=503, body="away"))


async def available(visitor: Visitor) -> None:
    for pattern in (POST, LOOK):
        await visitor.context.unroute(pattern)


async def test_a_request_that_the_portal_could_not_take_is_sent_when_it_is_back(stage: Any) -> None:
    """The plugin calls back once; a deployment of ours in that second must not lose the click."""
    async with stage() as there, there.worker():
        customer = await there.add()
        async with there.visit(customer) as visitor:
            await visitor.shows()
            await unavailable(visitor)
            await visitor.button(f"Request: {APPLY}").click()
            await expect(visitor.page.locator("#outbox-text")).to_contain_text("We keep it and try again in")
            await expect(visitor.page.locator("#stale")).to_be_hidden()
            await visitor.shoot("not-sent-yet")
            assert there.rows(RequestEvidence) == []
            await available(visitor)
            await visitor.shows("Enabled")
            await expect(visitor.page.locator("#outbox-text")).to_contain_text("Your request has reached us.")
        assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}
        assert [evidence.times for evidence in there.rows(RequestEvidence)] == [1]


async def test_a_request_that_was_not_taken_outlives_a_reload_of_the_page(stage: Any) -> None:
    """Reloading is what people do when something hangs."""
    async with stage() as there, there.worker():
        customer = await there.add()
        async with there.visit(customer) as visitor:
            await unavailable(visitor)
            await visitor.button(f"Request: {APPLY}").click()
            await expect(visitor.page.locator("#outbox-text")).to_contain_text("We keep it and try again in")
            await visitor.page.reload()
            visitor.provokes("dialog: beforeunload")
            await expect(visitor.page.locator("#outbox-text")).to_contain_text("We keep it and try again in")
            await expect(visitor.page.locator("#stale")).to_be_visible()
            await visitor.shoot("portal-away")
            assert there.rows(RequestEvidence) == []
            await available(visitor)
            await visitor.shows("Enabled")
            await expect(visitor.page.locator("#stale")).to_be_hidden()
            assert await visitor.page.evaluate("sessionStorage.length") == 0
        assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}


def end_session(there: Any, visitor: Visitor) -> None:
    visitor.provokes("status of 404")
    with there.database.writing() as session:
        for visit in there.rows(PortalSession):
            session.delete(session.get_one(PortalSession, visit.session_digest))


async def test_a_session_that_is_over_says_so_in_place(stage: Any) -> None:
    """A tab that stays open overnight must not pretend to be current."""
    async with stage() as there, there.visit(await there.add()) as visitor:
        await visitor.shows()
        end_session(there, visitor)
        await visitor.page.evaluate("window.dispatchEvent(new Event('online'))")
        gone = visitor.page.get_by_role("heading", name="This link no longer works.")
        await expect(gone).to_be_focused()
        await expect(visitor.page.locator("#live")).to_be_hidden()
        await expect(visitor.page.locator("#gone-unsent")).to_be_hidden()
        await expect(visitor.page).to_have_title("This link no longer works.")
        await visitor.shoot("session-over")


async def test_a_click_after_the_session_is_over_is_not_silently_lost(stage: Any) -> None:
    """LinkedIn has the request and we do not: only the admin can tell us again, so the page says that."""
    async with stage() as there:
        async with there.visit(await there.add()) as visitor:
            await visitor.shows()
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            end_session(there, visitor)
            await visitor.button(f"Request: {APPLY}").click()
            await expect(visitor.page.locator("#gone-unsent")).to_be_visible()
            await expect(visitor.page.locator("#gone-unsent")).to_contain_text("has not reached us")
            await visitor.shoot("session-over-unsent")
        assert there.rows(RequestEvidence) == []
