"""A customer's admin at a browser: what the page shows, and everything it does that it should not."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.chromium import do_without

if not find_spec("playwright"):
    do_without("playwright is not installed")
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Request,
    async_playwright,
    expect,
)

__all__ = ["APPLY", "COMPANY", "PHONE", "Visitor", "chromium_running", "expect"]

APPLY = "Apply with LinkedIn"
COMPANY = "Recruiter System Connect (company)"

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}

#: Prefect's server, a worker and a browser share one machine, which may have little of everything.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that a test has changed on its way counts as one from outside, and the sandbox is on the loopback.
    "--disable-features=LocalNetworkAccessChecks",
)
#: Nothing here leaves this machine.
_HOSTS = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"
_WATCH = """
document.addEventListener('securitypolicyviolation', (event) =>
  window.__violation(`${event.effectiveDirective} blocked ${event.blockedURI}`));
window.said = [];
const listen = (root) => {
  for (const region of root.querySelectorAll('[role="status"]')) {
    new MutationObserver(() => window.said.push(region.textContent))
      .observe(region, { childList: true, characterData: true, subtree: true });
  }
};
document.addEventListener('DOMContentLoaded', () => listen(document));
// What is in a tree of its own is not found from the document.
const attachShadow = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) {
  const root = attachShadow.call(this, options);
  queueMicrotask(() => listen(root));
  return root;
};
"""
_SETTLED = """() => {
  const box = document.getElementById('plugin'), card = box?.querySelector('section');
  if (!card || !box.clientWidth) return true;
  const width = Number(box.querySelector('script').dataset.width);
  const drawn = card.querySelector('li') || card.querySelector('[role="alert"]').textContent;
  return drawn && Math.abs(width - Math.min(700, box.clientWidth)) < 40;
}"""


@asynccontextmanager
async def chromium_running(path: str, *more: str) -> AsyncIterator[Browser]:
    """`more` are hosts that are reached beside this machine, and arguments of Chromium's."""
    hosts = "".join([_HOSTS, *(f" , EXCLUDE {each}" for each in more if not each.startswith("--"))])
    arguments = [each for each in more if each.startswith("--")]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *arguments, hosts])
        try:
            yield browser
        finally:
            await browser.close()


class Visitor:
    """One browser context with one page. Whatever is untoward ends up in `noise`."""

    def __init__(self, context: BrowserContext, origins: set[str]) -> None:
        self.context = context
        self.origins = origins
        self.noise: list[str] = []
        self._provoked: set[str] = set()
        self.page: Page

    async def begin(self) -> None:
        await self.context.expose_binding("__violation", lambda _, text: self.noise.append(f"policy: {text}"))
        await self.context.add_init_script(_WATCH)
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.noise.append(f"uncaught: {error.error}"))
        self.context.on("request", self._request)
        self.context.on("dialog", self._dialog)
        self.page = await self.context.new_page()

    async def open(self, link: str) -> None:
        """Follow a link of the ATS and press the button that it shows."""
        await self.page.goto(link)
        await self.button("Open the page").click()
        await expect(self.page.locator("#live")).to_be_visible()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.noise.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme != "data" and f"{url.scheme}://{url.netloc}" not in self.origins:
            self.noise.append(f"request: {request.url}")

    async def _dialog(self, dialog: Dialog) -> None:
        self.noise.append(f"dialog: {dialog.type}")
        await dialog.accept()

    def provokes(self, *parts: str) -> None:
        """Noise with one of these parts is what the test is about: there has to be some of each."""
        self._provoked.update(parts)

    async def check(self) -> None:
        """Nothing untoward was met, but for all that was provoked. A browser tells of it a moment later."""
        end = time.monotonic() + PATIENCE / 1000
        while missing := {part for part in self._provoked if not any(part in one for one in self.noise)}:
            assert time.monotonic() < end, f"{missing} is not in {self.noise}"
            await asyncio.sleep(0.02)
        rest = [one for one in self.noise if not any(part in one for part in self._provoked)]
        assert rest == [], rest

    # ---- what is on the page ----

    @property
    def entries(self) -> Locator:
        """What is listed under "Your integrations"."""
        return self.page.locator("#integrations > li")

    @property
    def headlines(self) -> Locator:
        return self.page.locator("#integrations [data-part=headline]")

    @property
    def plugin(self) -> Locator:
        return self.page.locator("section[data-in-widget]")

    @property
    def refusal(self) -> Locator:
        return self.plugin.get_by_role("alert")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def shows(self, *headlines: str) -> None:
        """Wait until the list says so."""
        await expect(self.headlines).to_have_text(list(headlines))

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")

    async def shoot(self, name: str) -> None:
        """Keep a picture at two widths where the environment names a folder for it."""
        folder = os.environ.get("SCREENSHOTS")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - by hand only
        before = self.page.viewport_size
        for width, height in ((1280, 900), (360, 740)):
            await self.page.set_viewport_size({"width": width, "height": height})
            await self.page.wait_for_function(_SETTLED)
            await self.page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        if before:
            await self.page.set_viewport_size(before)
            await self.page.wait_for_function(_SETTLED)
