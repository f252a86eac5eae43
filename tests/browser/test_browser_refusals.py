"""What stands between a customer and the plugin, and that the page helps: domains, permissions, blocked scripts."""

import socket
from typing import Any

from flows.reconcile import reconcile
from flows.request import What
from tests.browser.visitor import APPLY, expect

WRONG_DOMAIN = "Domain validation failed for the api key. Please contact your ATS for further assistance."
NO_PERMISSION = "There seems to be a problem you do not have permissions"


async def test_a_domain_that_is_not_allowed_is_explained_and_mended_without_a_new_link(stage: Any) -> None:
    """The commonest mistake of a setup: the plugin says it in LinkedIn's words, our help says it in ours."""
    async with stage() as there, there.worker():
        customer = await there.add(js_sdk_domains=["https://jobs.example.com"])
        async with there.visit(customer) as visitor:
            await expect(visitor.refusal).to_have_text(WRONG_DOMAIN)
            visitor.provokes("error.origin.not.in.api.domains", "status of 403")
            explained = visitor.page.locator("details").filter(has_text=WRONG_DOMAIN)
            await explained.locator("summary").click()
            await expect(explained.locator("#origin")).to_have_text(there.settings.portal_url)
            await expect(explained.locator("#origin")).to_be_visible()
            await visitor.shoot("wrong-domain")

            there.linkedin.clients[customer.client_id].js_sdk_domains = [there.settings.portal_url]
            await visitor.button("Reload the plugin").click()
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
            await expect(visitor.refusal).to_have_text("")


async def test_who_has_no_permission_is_told_what_to_check_and_can_go_on(stage: Any) -> None:
    """Only an admin may request; once somebody is one, a reload of the plugin has to do."""
    async with stage() as there:
        customer = await there.add(admin=False)
        async with there.visit(customer) as visitor:
            await expect(visitor.refusal).to_have_text(NO_PERMISSION)
            visitor.provokes("error.no.permissions", "status of 403")
            explained = visitor.page.locator("details").filter(has_text=NO_PERMISSION)
            await explained.locator("summary").click()
            await expect(explained.locator("ol")).to_be_visible()
            await visitor.shoot("no-permission")

            there.linkedin.set_admin(customer.client_id, True)
            await visitor.button("Reload the plugin").click()
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            await expect(visitor.refusal).to_have_text("")


async def test_without_linkedins_script_the_page_still_shows_what_is_going_on(stage: Any) -> None:
    """Ad blockers stop LinkedIn's script; what it would have shown is explained, and our list stays alive."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with stage(GREENLIGHT_LINKEDIN_WIDGET_URL=f"{dead}/uas/in.js") as there:
        customer = await there.add()
        there.want(customer, "APPLY_WITH_LINKEDIN")
        (key,) = there.keys(customer, "APPLY_WITH_LINKEDIN")
        there.linkedin.request(customer.client_id, key)
        async with there.visitor() as visitor:
            visitor.origins.add(dead)
            visitor.provokes("ERR_CONNECTION_REFUSED")
            await visitor.open(there.link(customer.id))
            await expect(visitor.page.locator("#absent-blocked")).to_be_visible()
            await visitor.shows("Not checked yet")
            await visitor.shoot("script-blocked")
            await reconcile(What.APPLY, return_state=True)
            # What makes the page look at once, and not within its 15 seconds.
            await visitor.page.evaluate("window.dispatchEvent(new Event('online'))")
            await visitor.shows("Enabled")
            await expect(visitor.page.locator("#absent")).to_be_visible()

            async with visitor.page.expect_navigation():
                await visitor.button("Try again").click()
            await expect(visitor.page.locator("#absent-blocked")).to_be_visible()
            await visitor.shows("Enabled")
