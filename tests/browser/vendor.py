"""The ATS vendor's own site: a single-page application on another origin, with a back end that has tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from greenlight.ats.embed_tokens import EmbedTokens

_PAGE = """<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><title>Settings</title><link rel="icon" href="data:,">
<style>p, button, h2 {{ color: rgb(255, 0, 0) !important; font-size: 40px !important; }}</style>
<h1>Settings</h1><main id="app">{body}</main>
<script src="{portal}/embed/v1.js"></script><script src="/app.js"></script></html>"""
_APP = """
window.events = [];
for (const name of ['ready', 'change', 'requested', 'error', 'token-needed']) {
  document.addEventListener(`greenlight:${name}`, ({ detail }) => window.events.push({ name, detail }));
}
window.tokens = 0;
window.tokenFor = async (customer) => {
  window.tokens += 1;
  return (await fetch(`/token?customer=${customer}`)).text();
};
const app = document.getElementById('app');
window.show = (customer, options = {}) => {
  const place = document.createElement('div');
  app.replaceChildren(place);
  window.place = place;
  window.handle = window.Greenlight.mount(place, { getToken: () => window.tokenFor(customer), ...options });
};
window.leave = () => {
  window.handle.unmount();
  app.textContent = 'Another page of the application';
};
"""


@dataclass
class Vendor:
    """`host` is what browsers know the site by; the portal is on 127.0.0.1, so `localhost` is another site."""

    port: int
    host: str = "localhost"
    lang: str = "en"
    body: str = ""
    #: Seconds by which the tokens are older than now.
    old_by: float = 0
    stage: Any = None
    given: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def token(self, customer_id: str) -> str:
        tokens = EmbedTokens(self.stage.database, self.stage.settings.embed_origins)
        now = datetime.now(UTC) - timedelta(seconds=self.old_by)
        token, _ = tokens.issue(customer_id, self.origin, now)
        self.given.append(token)
        return token

    async def add(self, name: str = "Acme GmbH & Co. KG", **application: Any) -> Any:
        """A customer whose child application admits the plugin on this site."""
        return await self.stage.add(name, **{"js_sdk_domains": [self.origin], **application})

    @asynccontextmanager
    async def visit(self, **context: Any) -> AsyncIterator[Any]:
        """A browser on this site's page."""
        async with self.stage.visitor(**context) as visitor:
            visitor.origins.add(self.origin)
            await visitor.page.goto(self.origin)
            yield visitor

    def policy(self) -> str:
        """What `docs/embedding.md` says that a page needs; the style is this page's own."""
        portal, linkedin = self.stage.settings.portal_url, self.stage.linkedin_url
        return (
            f"default-src 'none'; script-src 'self' {portal} {linkedin}; connect-src 'self' {portal} {linkedin}; "
            f"img-src data:; style-src {portal} 'unsafe-inline'; base-uri 'none'"
        )

    def answer(self, target: str) -> tuple[str, str]:
        path = urlsplit(target)
        if path.path == "/token":
            return "text/plain", self.token(parse_qs(path.query)["customer"][0])
        if path.path == "/app.js":
            return "text/javascript", _APP
        if path.path == "/own.js":
            return "text/javascript", "window.handleIntegrations = function ofThePage() {};"
        return "text/html", _PAGE.format(lang=self.lang, body=self.body, portal=self.stage.settings.portal_url)


@asynccontextmanager
async def vendor_site() -> AsyncIterator[Vendor]:
    """Serves before it has a stage, whose settings have to name its origin."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            # Browsers open connections that they may need.
            writer.close()
            return
        kind, text = vendor.answer(request.split(b" ", 2)[1].decode())
        body = text.encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
        head += f"cache-control: no-store\r\ncontent-security-policy: {vendor.policy()}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    vendor = Vendor(server.sockets[0].getsockname()[1])
    try:
        yield vendor
    finally:
        server.close()
