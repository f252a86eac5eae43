"""From the click in the plugin to "Enabled" on our page, with LinkedIn, Prefect and a worker behind it."""

import hashlib
from typing import Any
from uuid import uuid4

from blocks.parent_app import save_parent
from flows.provision import provision
from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.tables import ChildApplication, PortalSession, RequestEvidence
from tests.browser.stage import PARENT, Customer
from tests.browser.visitor import APPLY, COMPANY, expect


async def test_a_click_in_the_plugin_is_enabled_before_the_eyes_of_who_clicked(stage: Any) -> None:
    """The whole promise with nothing left out: a provisioned customer, a link, a click, `greenlight worker`."""
    async with stage() as there, there.worker():
        await save_parent(PARENT)
        customer_id = f"acme-{uuid4().hex[:8]}"
        await provision(new={customer_id: "Acme GmbH & Co. KG"}, return_state=True)
        (application,) = there.rows(ChildApplication)
        async with there.visit(Customer(customer_id, "", application.client_id)) as visitor:
            await visitor.shows()
            await visitor.shoot("nothing-requested")
            await visitor.page.evaluate("window.marker = 'the same document'")
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
            assert await visitor.page.evaluate("window.marker") == "the same document"
            await expect(visitor.entries).to_contain_text([APPLY])
            await expect(visitor.plugin.locator("[data-bundle=APPLY_WITH_LINKEDIN]")).to_have_attribute(
                "data-state", "ENABLED"
            )
            await visitor.shoot("enabled")
            cookies = {cookie["name"]: cookie["value"] for cookie in await visitor.context.cookies()}

        assert there.at_linkedin(application.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}
        assert there.violations() == []
        (evidence,), (visit,) = there.rows(RequestEvidence), there.rows(PortalSession)
        assert evidence.times == 1
        assert evidence.session_digest == visit.session_digest
        assert evidence.session_digest == hashlib.sha256(cookies["greenlight"].encode()).hexdigest()
        assert visit.customer_id == customer_id


async def test_a_recruiter_bundle_waits_for_its_admin_and_then_shows_enabled_by_itself(stage: Any) -> None:
    """Recruiter integrations have a last step at the customer, which we only see when we look again."""
    async with stage() as there, there.worker():
        customer = await there.add()
        async with there.visit(customer) as visitor:
            await visitor.button(f"Request: {COMPANY}").click()
            await visitor.shows(*["Waiting for your admin"] * 3)
            await expect(visitor.entries.first).to_contain_text("Your Recruiter admin’s turn")
            await visitor.shoot("waiting-for-admin")
            keys = there.keys(customer, "RECRUITER_SYSTEM_CONNECT_COMPANY")
            for key in keys:
                there.linkedin.customer_switches_on(customer.client_id, key)
            await reconcile(What.APPLY, return_state=True)
            await visitor.shows(*["Enabled"] * 3)
        expected = {key.integration_type: ("ENABLED", 1, 1) for key in keys}
        assert there.at_linkedin(customer.client_id) == expected
        assert there.violations() == []


async def test_what_is_clicked_while_no_worker_runs_is_done_when_one_comes(stage: Any) -> None:
    """A worker that is down costs the customer time and nothing else, however often "Notify partner" is clicked."""
    async with stage() as there:
        customer = await there.add()
        (key,) = there.keys(customer, "APPLY_WITH_LINKEDIN")
        there.linkedin.request(customer.client_id, key)
        async with there.visit(customer) as visitor:
            await visitor.shows()
            for times in (1, 2):
                async with visitor.page.expect_response("**/requests") as posted:
                    await visitor.button(f"Notify partner: {APPLY}").click()
                assert (await posted.value).status == 202
                async with visitor.page.expect_response("**/integrations.json"):
                    await visitor.shows("Checking with LinkedIn")
                assert there.rows(RequestEvidence)[0].times == times
            assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("REQUESTED", 0, 0)}
            await visitor.shoot("checking")
            async with there.worker():
                await visitor.shows("Enabled")
        assert there.at_linkedin(customer.client_id) == {"APPLY_WITH_LINKEDIN": ("ENABLED", 1, 1)}
        assert there.violations() == []
