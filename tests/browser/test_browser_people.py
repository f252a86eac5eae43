"""The page by keyboard, by ear and on a phone."""

from typing import Any

from greenlight.ats.tables import ChildApplication
from tests.browser.visitor import APPLY, COMPANY, PHONE, Visitor, expect

_FOCUS = """() => {
  let focus = document.activeElement;
  while (focus.shadowRoot?.activeElement) focus = focus.shadowRoot.activeElement;
  const style = getComputedStyle(focus);
  return {
    name: (focus.getAttribute('aria-label') ?? focus.textContent).trim(),
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
  };
}"""


async def tab_to(visitor: Visitor, name: str) -> list[str]:
    """Press Tab until something of this name has the focus; returns what had it on the way."""
    passed: list[str] = []
    for _ in range(20):
        await visitor.page.keyboard.press("Tab")
        focus = await visitor.page.evaluate(_FOCUS)
        assert focus["ring"], f"nobody sees that {focus['name']!r} has the focus"
        if focus["name"] == name:
            return passed
        passed.append(focus["name"])
    raise AssertionError(passed)


async def test_everything_can_be_done_with_the_keyboard_alone(stage: Any) -> None:
    """Some admins have no mouse; the focus must be seen, and not fall to the top of the page when a button goes."""
    async with stage() as there, there.worker(), there.visit(await there.add()) as visitor:
        await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
        await tab_to(visitor, f"Request: {APPLY}")
        await visitor.page.keyboard.press("Enter")
        await visitor.shows("Enabled")
        await expect(visitor.button(f"Notify partner: {APPLY}")).to_be_hidden()
        assert await visitor.page.evaluate("document.activeElement !== document.body")
        passed = await tab_to(visitor, "What “Notify partner” means")
        assert "Reload the plugin" in passed
        await visitor.page.keyboard.press("Enter")
        await expect(visitor.page.get_by_text("nothing happens twice")).to_be_visible()


async def test_a_screen_reader_finds_its_way_and_hears_what_changes(stage: Any) -> None:
    """The list changes without a reload, which is silent unless the page says it aloud; and it says it once."""
    async with stage() as there, there.worker(), there.visit(await there.add("Acme GmbH")) as visitor:
        await visitor.button(f"Request: {APPLY}").click()
        await visitor.shows("Enabled")
        snapshot = await visitor.page.locator("body").aria_snapshot()
        for part in (
            '- heading "LinkedIn integrations for Acme GmbH" [level=1]',
            '- region "Request an integration":',
            '- region "Your integrations":',
            f'- heading "{APPLY}" [level=3]',
            "- list:",
            f'- status: "{APPLY}: Enabled."',
            "- status: Your request has reached us.",
        ):
            assert part in snapshot, snapshot
        said = await visitor.page.evaluate("window.said")
        assert said.count(f"{APPLY}: Enabled.") == 1
        assert said.index("Sending your request …") < said.index(f"{APPLY}: Enabled.")


async def test_a_phone_shows_all_of_it_and_a_tap_requests(stage: Any) -> None:
    """Links are opened from mails on phones; the plugin has a width of its own, which must not break the page."""
    async with (
        stage() as there,
        there.worker(),
        there.visit(await there.add("Donaudampfschifffahrtsgesellschaft"), **PHONE) as visitor,
    ):
        await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
        assert await visitor.overflow() <= 0
        box = await visitor.plugin.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        await visitor.button(f"Request: {APPLY}").tap()
        await visitor.shows("Enabled")
        await visitor.button(f"Request: {COMPANY}").tap()
        await expect(visitor.headlines.filter(has_text="Waiting for your admin")).to_have_count(3)
        for details in await visitor.page.locator("summary").all():
            await details.tap()
        assert await visitor.overflow() <= 0
        await visitor.shoot("everything-open")


async def test_without_javascript_the_integrations_are_listed(stage: Any) -> None:
    """What the page was made with is there without any script."""
    async with stage() as there:
        customer = await there.add()
        there.want(customer, "APPLY_WITH_LINKEDIN")
        async with there.visitor(java_script_enabled=False) as visitor:
            await visitor.open(there.link(customer.id))
            await expect(visitor.page.get_by_role("listitem")).to_contain_text([APPLY])
            await expect(visitor.page.get_by_text("Not checked yet")).to_be_visible()
            await visitor.page.get_by_text("What “Notify partner” means").click()
            await expect(visitor.page.get_by_text("nothing happens twice")).to_be_visible()


async def test_a_connection_that_becomes_ready_brings_the_plugin_and_its_help(stage: Any) -> None:
    async with stage() as there:
        customer = await there.add()
        with there.database.writing() as session:
            application = session.get_one(ChildApplication, customer.id)
            known = application.model_dump()
            session.delete(application)
        async with there.visit(customer) as visitor:
            await expect(visitor.page.get_by_text("is not set up yet")).to_be_visible()
            for id in ("#help", "#lead"):
                await expect(visitor.page.locator(id)).to_be_hidden()
            with there.database.writing() as session:
                session.add(ChildApplication.model_validate(known))
            await visitor.page.evaluate("window.dispatchEvent(new Event('online'))")
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            for id in ("#help", "#lead"):
                await expect(visitor.page.locator(id)).to_be_visible()
