"""Tokens that end, never come or are none, on a page that shows one customer once or twice."""

from typing import Any

import pytest

from greenlight.ats.tables import RequestEvidence
from portal.texts import texts_in
from tests.browser.stage import until
from tests.browser.test_browser_embed_pages import NAMES, end_sessions, requested
from tests.browser.visitor import APPLY, Visitor, expect

#: The same customer twice; each part says what `getToken` is, and `window.place` is the second one.
TWICE = """([id, first, second, getFirst, getSecond]) => {
  const ways = { good: () => window.tokenFor(id), none: () => null };
  const places = [0, 1].map(() => document.createElement('div'));
  app.replaceChildren(...places);
  window.place = places[1];
  window.handles = [[first, getFirst], [second, getSecond]].map(([token, way], at) =>
    window.Greenlight.mount(places[at], { token, getToken: ways[way] }));
}"""


async def twice(visitor: Visitor, vendor: Any, customer_id: str, first: str, second: str) -> None:
    tokens = [vendor.token(customer_id), vendor.token(customer_id)]
    await visitor.page.evaluate(TWICE, [customer_id, *tokens, first, second])
    await expect(visitor.button(f"Request: {APPLY}")).to_have_count(2)


async def taken(there: Any) -> None:
    await until(lambda: there.rows(RequestEvidence))


async def test_what_was_requested_without_a_token_is_sent_when_there_is_one(company: Any) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            show = "([id, token]) => window.show(id, { token, getToken: () => null })"
            await visitor.page.evaluate(show, [customer.id, vendor.token(customer.id)])
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            end_sessions(there, visitor, customer.id)
            await visitor.button(f"Request: {APPLY}").click()
            await expect(visitor.page.locator("#ended-unsent")).to_be_visible()
            assert there.rows(RequestEvidence) == []
            await visitor.page.evaluate("(token) => window.handle.setToken(token)", vendor.token(customer.id))
            await visitor.shows("Checking with LinkedIn")
            await expect(visitor.page.locator("#outbox-text")).to_contain_text("has reached us")
            assert await visitor.page.evaluate("sessionStorage.length") == 0
        assert [row.times for row in there.rows(RequestEvidence)] == [1]
        assert requested(there) == {customer.id}


async def test_the_end_of_one_place_is_not_that_of_another_one_of_the_same_customer(company: Any) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await twice(visitor, vendor, customer.id, "none", "good")
            end_sessions(there, visitor, customer.id)
            await visitor.page.evaluate("window.handles[0].refresh()")
            await visitor.page.wait_for_function(f"({NAMES}).includes('over')")
            await visitor.button(f"Request: {APPLY}").last.click()
            await taken(there)
            await expect(visitor.page.locator("#outbox-text").last).to_contain_text("has reached us")
            assert await visitor.page.evaluate("sessionStorage.length") == 0
            told = await visitor.page.evaluate("window.events")
            assert [event["detail"] for event in told if event["name"] == "error"] == [
                {"code": "over", "unsent": False}
            ]
        assert requested(there) == {customer.id}


@pytest.mark.parametrize("ways", [("none", "good"), ("good", "none")], ids=" and ".join)
async def test_a_request_that_one_place_cannot_send_goes_by_another_one(company: Any, ways: tuple[str, str]) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await twice(visitor, vendor, customer.id, *ways)
            end_sessions(there, visitor, customer.id)
            await visitor.button(f"Request: {APPLY}").first.click()
            await taken(there)
            await visitor.page.wait_for_function("sessionStorage.length === 0")
        assert requested(there) == {customer.id}


async def test_a_place_that_is_gone_leaves_the_sending_to_the_one_that_is_there(company: Any) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await twice(visitor, vendor, customer.id, "good", "none")
            await visitor.page.evaluate("window.handles[1].unmount()")
            end_sessions(there, visitor, customer.id)
            await visitor.page.evaluate("window.handles[0].refresh()")
            await visitor.button(f"Request: {APPLY}").click()
            await taken(there)
            await visitor.shows("Checking with LinkedIn")
            assert "over" not in await visitor.page.evaluate(NAMES)
        assert requested(there) == {customer.id}


NEVER = "(id) => window.show(id, { getToken: () => new Promise(() => {}) })"


async def test_a_token_that_never_comes_does_not_keep_out_one_that_is_given(company: Any) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(NEVER, customer.id)
            await expect(visitor.page.locator("#connecting")).to_be_visible()
            await visitor.page.evaluate("(token) => window.handle.setToken(token)", vendor.token(customer.id))
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
        assert requested(there) == {customer.id}


async def test_a_token_that_never_comes_is_an_end_after_half_a_minute(company: Any) -> None:
    async with company() as (_, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.clock.install()
            await visitor.page.reload()
            await visitor.page.evaluate(NEVER, customer.id)
            await visitor.page.clock.fast_forward(29_000)
            assert await visitor.page.evaluate(NAMES) == []
            await visitor.page.clock.fast_forward(2_000)
            await expect(visitor.page.locator("#ended-text")).to_contain_text("no longer connected to us")
            await visitor.page.evaluate("(token) => window.handle.setToken(token)", vendor.token(customer.id))
            await expect(visitor.button("Reload the plugin")).to_be_visible()
            assert await visitor.page.evaluate(NAMES) == ["over", "ready"]


@pytest.mark.parametrize("given", ["'<html>\\n<h1>Log in</h1>'", "Promise.reject(new Error('503'))", "{ token: '' }"])
async def test_what_is_no_token_is_asked_for_anew_and_never_sent(company: Any, given: str) -> None:
    """A login page, an error of the vendor's back end, an answer that has none."""
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            show = f"(id) => window.show(id, {{ getToken: () => (window.tokens++ ? window.tokenFor(id) : {given}) }})"
            await visitor.page.evaluate(show, customer.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
            assert len(vendor.given) == 1
            assert await visitor.page.evaluate(NAMES) == ["ready", "requested", "change"]
        assert requested(there) == {customer.id}


async def test_who_gets_nothing_but_login_pages_is_told_to_reload(company: Any) -> None:
    async with company() as (_, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate("(id) => window.show(id, { getToken: () => '<h1>Log in</h1>' })", customer.id)
            await expect(visitor.page.locator("#ended-text")).to_contain_text("no longer connected to us")
            assert await visitor.page.evaluate(NAMES) == ["over"]


async def test_an_address_is_called_not_allowed_by_the_portal_alone(company: Any) -> None:
    """What is on the way may stop the answer, and a gateway's own answer says nothing of origins."""
    async with company() as (_, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            stale = visitor.page.locator("#stale")
            for stop in (
                lambda route: route.abort("connectionreset"),
                lambda route: route.fulfill(status=502, body="bad gateway"),
            ):
                await visitor.context.route("**/embed/v1/integrations*", stop)
                await visitor.page.evaluate("window.events.length = 0")
                await visitor.page.evaluate("(id) => window.show(id)", customer.id)
                await expect(stale).to_be_visible()
                await expect(stale).to_have_text(texts_in("en").page["stale"])
                assert await visitor.page.evaluate(NAMES) == ["unreachable"]
                await visitor.context.unroute("**/embed/v1/integrations*")
                await expect(stale).to_be_hidden()
            visitor.provokes("ERR_CONNECTION_RESET", "status of 502")
