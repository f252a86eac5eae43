"""The vendor's page as an application of one page: pages that come and go, other customers, tokens that end."""

from datetime import UTC, datetime
from typing import Any

from greenlight.ats.tables import Integration, PortalSession, RequestEvidence
from greenlight.ats.withdrawals import BrowserSessions
from tests.browser.stage import until
from tests.browser.visitor import APPLY, Visitor, expect

SHOW = "(id) => window.show(id)"
GIVE = """() => document.addEventListener('greenlight:token-needed', async ({ target }) => {
  target.dataset.greenlightToken = await window.tokenFor(window.customer);
})"""
NAMES = "window.events.map((event) => event.detail.code ?? event.name)"


def requested(there: Any) -> set[str]:
    return {row.customer_id for row in there.rows(Integration) if row.requested_at}


async def test_a_page_that_comes_and_goes_shows_the_plugin_each_time(company: Any) -> None:
    """LinkedIn's script is loaded once and draws when it is told to; what is gone asks for nothing any more."""
    async with company() as (there, vendor), there.worker():
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.plugin).to_have_count(1)
            await visitor.page.evaluate("window.leave()")
            await expect(visitor.plugin).to_have_count(0)
            await expect(visitor.page.get_by_text("Another page of the application")).to_be_visible()
            asked = len(vendor.given)
            for _ in range(3):
                await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.plugin).to_have_count(1)
            assert len(vendor.given) == asked + 3
            # Out of the document and back, as a framework does when it moves things about.
            await visitor.page.evaluate("window.kept = window.place; window.kept.remove()")
            await expect(visitor.plugin).to_have_count(0)
            await visitor.page.evaluate("document.getElementById('app').append(window.kept)")
            # And drawn over.
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            await visitor.page.evaluate("window.kept.textContent = ''")
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
            assert await visitor.page.locator("script[src$='in.js']").count() == 1
        assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}


async def test_a_request_is_kept_whose_page_has_gone_before_it_was_taken(company: Any) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            visitor.provokes("status of 503")
            await visitor.context.route("**/embed/v1/requests", lambda route: route.fulfill(status=503))
            await visitor.button(f"Request: {APPLY}").click()
            await expect(visitor.page.locator("#outbox-text")).to_contain_text("We keep it")
            await visitor.page.evaluate("window.leave()")
            await visitor.context.unroute("**/embed/v1/requests")
            await until(lambda: there.rows(RequestEvidence))
        assert requested(there) == {customer.id}


async def test_another_customer_in_the_same_page_is_never_mixed_with_the_first(company: Any) -> None:
    """LinkedIn's script is one customer's while the page lasts: the second one is shown, and asked to reload."""
    async with company() as (there, vendor):
        acme, bolt = await vendor.add("Acme GmbH"), await vendor.add("Bolt AG")
        there.want(bolt, "APPLY_WITH_LINKEDIN")
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, acme.id)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            await visitor.page.evaluate(SHOW, bolt.id)
            await visitor.shows("Not checked yet")
            await expect(visitor.page.locator("#another-text")).to_contain_text(
                "Reload the page to request integrations for Bolt AG"
            )
            await expect(visitor.plugin).to_have_count(0)
            assert "another_customer" in await visitor.page.evaluate(NAMES)
            # What LinkedIn's script still brings is the first one's, and waits for it.
            key = {
                "integrationContext": "urn:li:organization:1",
                "integrationType": "APPLY_CONNECT",
                "tenantType": "JOBS",
            }
            await visitor.page.evaluate("(key) => window.greenlightOnIntegrate([key])", key)
            await until(lambda: there.rows(RequestEvidence))
            assert requested(there) == {acme.id}
            async with visitor.page.expect_navigation():
                await visitor.button("Reload the page").click()
            await visitor.page.evaluate(SHOW, bolt.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
        assert requested(there) == {acme.id, bolt.id}
        assert there.at_linkedin(acme.client_id) == {}
        assert there.at_linkedin(bolt.client_id)["APPLY_WITH_LINKEDIN"][0] == "REQUESTED"


async def test_a_token_of_another_customer_takes_nothing_of_the_first_along(company: Any) -> None:
    """A back end whose session has changed hands gives another customer's token to the page that is open."""
    async with company() as (there, vendor):
        acme, bolt = await vendor.add("Acme GmbH"), await vendor.add("Bolt AG")
        there.want(bolt, "APPLY_CONNECT")
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, acme.id)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            await visitor.context.route("**/embed/v1/requests", lambda route: route.abort())
            visitor.provokes("ERR_FAILED", "dialog: beforeunload")
            await visitor.button(f"Request: {APPLY}").click()
            await expect(visitor.page.locator("#outbox-text")).to_contain_text("We keep it")
            await visitor.page.evaluate("(token) => window.handle.setToken(token)", vendor.token(bolt.id))
            await visitor.shows("Not checked yet")
            await expect(visitor.plugin).to_have_count(0)
            await visitor.context.unroute("**/embed/v1/requests")
            await visitor.page.evaluate("window.dispatchEvent(new Event('online'))")
            await visitor.page.wait_for_timeout(2_000)
            assert there.rows(RequestEvidence) == []
            # It is the first one's, and is sent when that one is here again.
            await visitor.page.reload()
            await visitor.page.evaluate(SHOW, acme.id)
            await until(lambda: there.rows(RequestEvidence))
        assert requested(there) == {acme.id}


async def test_two_customers_in_two_tabs_never_mix(company: Any) -> None:
    async with company() as (there, vendor), there.worker():
        acme, bolt = await vendor.add("Acme GmbH"), await vendor.add("Bolt AG")
        async with vendor.visit() as visitor:
            first = visitor.page
            await first.evaluate(SHOW, acme.id)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            second = visitor.page = await visitor.context.new_page()
            await second.goto(vendor.origin)
            await second.evaluate(SHOW, bolt.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
            assert requested(there) == {bolt.id}
            visitor.page = first
            await first.bring_to_front()
            await expect(visitor.entries).to_have_count(0)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
        for customer in (acme, bolt):
            assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}
        evidence = {row.session_digest: row.times for row in there.rows(RequestEvidence)}
        whose = {row.session_digest: row.customer_id for row in there.rows(PortalSession)}
        assert sorted((whose[digest], times) for digest, times in evidence.items()) == sorted(
            [(acme.id, 1), (bolt.id, 1)]
        )


def end_sessions(there: Any, visitor: Visitor, customer_id: str) -> None:
    visitor.provokes("status of 401")
    assert BrowserSessions(there.database).end(customer_id, datetime.now(UTC))


async def test_a_token_that_is_over_is_replaced_without_a_word(company: Any) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            assert len(vendor.given) == 1
            end_sessions(there, visitor, customer.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
            assert len(vendor.given) == 2
            assert await visitor.page.evaluate(NAMES) == ["ready", "requested", "change"]
        assert requested(there) == {customer.id}


async def test_a_token_is_replaced_before_it_is_over(company: Any) -> None:
    async with company() as (_, vendor):
        customer = await vendor.add()
        vendor.old_by = 29 * 60
        token, vendor.old_by = vendor.token(customer.id), 0
        async with vendor.visit() as visitor:
            await visitor.page.evaluate("([id, token]) => window.show(id, { token })", [customer.id, token])
            await until(lambda: len(vendor.given) == 2)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            assert await visitor.page.evaluate(NAMES) == ["ready"]


async def test_an_element_says_by_itself_whose_integrations_it_shows(company: Any) -> None:
    """For pages without a script of their own: the event asks for a token, an attribute gives it."""
    async with company() as (there, vendor):
        customer = await vendor.add()
        vendor.body = (
            f'<div id="here" data-greenlight-token="{vendor.token(customer.id)}" data-greenlight-lang="de"></div>'
        )
        async with vendor.visit() as visitor:
            await expect(visitor.page.get_by_role("heading", name="Ihre Integrationen")).to_be_visible()
            end_sessions(there, visitor, customer.id)
            await visitor.page.evaluate(GIVE)
            await visitor.page.evaluate("(id) => { window.customer = id; }", customer.id)
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Wird bei LinkedIn geprüft")
        assert requested(there) == {customer.id}


async def test_who_gets_no_new_token_is_told_and_can_go_on(company: Any) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(
                "(id) => window.show(id, { token: 'x'.repeat(43), getToken: () => null })", customer.id
            )
            visitor.provokes("status of 401")
            await expect(visitor.page.locator("#ended-text")).to_contain_text("no longer connected to us")
            await expect(visitor.button("Reload the page")).to_be_visible()
            assert await visitor.page.evaluate(NAMES) == ["over"]
            await visitor.page.evaluate("(token) => window.handle.setToken(token)", vendor.token(customer.id))
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
        assert requested(there) == {customer.id}


async def test_a_page_that_has_loaded_linkedins_script_for_somebody_else_shows_no_plugin_of_ours(company: Any) -> None:
    async with company() as (there, vendor):
        acme, bolt = await vendor.add("Acme GmbH"), await vendor.add("Bolt AG")
        extension = there.settings.linkedin_widget_extension
        vendor.body = (
            f'<script src="{there.linkedin_url}/uas/in.js">\n  api_key: {bolt.client_id}\n'
            f"  extensions: ATSIntegrationWidget@{extension}\n</script>"
        )
        async with vendor.visit() as visitor:
            # The script stays in the page, beside what is shown.
            await visitor.page.evaluate("(id) => { app.replaceChildren = app.append; window.show(id); }", acme.id)
            await expect(visitor.page.locator("#another-text")).to_contain_text("for Acme GmbH")
            await expect(visitor.plugin).to_have_count(0)
            assert await visitor.page.evaluate(NAMES) == ["another_customer", "ready"]


async def test_what_the_plugin_says_and_nobody_can_read_is_said(company: Any) -> None:
    async with company() as (there, vendor):
        customer = await vendor.add()
        async with vendor.visit() as visitor:
            await visitor.page.evaluate(SHOW, customer.id)
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            for given in ([{"integrationContext": "x"}], [], None, "text", [[]]):
                await visitor.page.evaluate("(given) => window.greenlightOnIntegrate(given)", given)
                await expect(visitor.page.locator("#outbox-text")).to_contain_text("could not read")
            assert there.rows(RequestEvidence) == []
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Checking with LinkedIn")
        assert requested(there) == {customer.id}
