"""Tokens that end, never come or are none, on a page that shows one customer once or twice."""

from typing import Any

import pytest

from greenlight.ats.tables import RequestEvidence
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
