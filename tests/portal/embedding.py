"""Pages of the vendor's, as the portal meets them: an origin, a token, and what a browser sends of its own."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from greenlight.ats.embed_tokens import EmbedTokens
from tests.portal.world import Portal

APP, OTHER, STRANGER = "https://app.ats.example", "https://eu.ats.example", "https://evil.example"


def token_for(portal: Portal, customer_id: str, origin: str = APP) -> str:
    tokens = EmbedTokens(portal.database, portal.settings.embed_origins)
    return tokens.issue(customer_id, origin, portal.clock())[0]


class VendorsPage:
    """Sends what the script sends. A header that is None is left out."""

    def __init__(self, client: httpx.AsyncClient, token: str, origin: str) -> None:
        self.client = client
        self.usual: dict[str, str | None] = {"Origin": origin, "Authorization": f"Bearer {token}"}

    def _headers(self, more: Mapping[str, str | None] | None) -> dict[str, str]:
        merged = {**self.usual, **(more or {})}
        return {name: value for name, value in merged.items() if value is not None}

    async def state(self, lang: str = "", headers: Mapping[str, str | None] | None = None) -> httpx.Response:
        return await self.client.get("/embed/v1/integrations", params={"lang": lang}, headers=self._headers(headers))

    async def post(
        self, *integrations: Any, api_key: str = "clientacme", headers: Mapping[str, str | None] | None = None
    ) -> httpx.Response:
        return await self.send(json.dumps({"apiKey": api_key, "integrations": list(integrations)}), headers)

    async def send(self, content: Any, headers: Mapping[str, str | None] | None = None) -> httpx.Response:
        given = self._headers({"Content-Type": "application/json", **(headers or {})})
        return await self.client.post("/embed/v1/requests", content=content, headers=given)


@asynccontextmanager
async def vendors_page(portal: Portal, customer_id: str = "acme", origin: str = APP) -> AsyncIterator[VendorsPage]:
    async with portal.browser() as browser:
        yield VendorsPage(browser.client, token_for(portal, customer_id, origin), origin)
