"""Names that are markup, pages that frame ours, scripts that slipped in: a browser's own view of our defences."""

from typing import Any

from tests.browser.framing import framing
from tests.browser.stage import until
from tests.browser.visitor import APPLY, expect

NAME = "Acme <img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\"'&</title></bdi>\u202eevil"


async def test_a_customer_whose_name_is_markup_is_shown_by_that_name(stage: Any) -> None:
    """Names come from customers. What is escaped leaves no trace: no element, no dialog, no report."""
    async with stage() as there, there.worker():
        async with there.visit(await there.add(NAME)) as visitor:
            heading = visitor.page.get_by_role("heading", level=1)
            assert await heading.text_content() == f"LinkedIn integrations for {NAME}"
            assert await visitor.page.title() == f"LinkedIn integrations: {NAME}"
            assert await visitor.page.locator("img").count() == 0
            await visitor.button(f"Request: {APPLY}").click()
            await visitor.shows("Enabled")
            await visitor.shoot("hostile-name")
        assert there.reports == []


async def test_no_other_page_can_put_ours_in_a_frame(stage: Any) -> None:
    """Framed invisibly under something harmless, our page would have its Request clicked by who sees another one."""
    async with stage() as there:
        customer = await there.add()
        async with framing([f"{there.settings.portal_url}/"]) as port, there.visit(customer) as visitor:
            await expect(visitor.plugin).to_be_visible()
            foreign = f"http://127.0.0.1:{port}"
            visitor.origins.add(foreign)
            visitor.provokes("frame-ancestors 'none'")
            # The session's cookie is sent along, so it is not for want of a session that nothing is shown.
            async with visitor.page.expect_response(f"{there.settings.portal_url}/") as framed:
                await visitor.page.goto(f"{foreign}/")
            assert (await framed.value).status == 200
            await expect(visitor.page.frame_locator("iframe").locator("#live")).to_have_count(0)
            assert [frame.url for frame in visitor.page.frames[1:]] == ["chrome-error://chromewebdata/"]


async def test_a_script_that_got_into_the_page_is_not_run_and_is_reported(stage: Any) -> None:
    """Shows that the policy is in force: with it, a hole in our escaping would still run nothing."""
    async with stage() as there:
        async with there.visit(await there.add()) as visitor:

            async def inject(route: Any) -> None:
                response = await route.fetch()
                injected = "<body><script>window.ran = 1</script><img src='data:,' onerror='window.ran = 2'>"
                await route.fulfill(response=response, body=(await response.text()).replace("<body>", injected))

            blocked = ("script-src-elem blocked inline", "script-src-attr blocked inline")
            visitor.provokes(*blocked, "Content Security Policy")
            await visitor.context.route(f"{there.settings.portal_url}/", inject)
            await visitor.page.reload()
            await expect(visitor.button(f"Request: {APPLY}")).to_be_visible()
            assert await visitor.page.locator("body > img").count() == 1
            assert await visitor.page.evaluate("window.ran") is None
            await until(lambda: len(there.reports) == 2)
        assert {report.rpartition(": ")[2] for report in there.reports} == set(blocked)
