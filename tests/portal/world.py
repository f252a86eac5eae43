"""A portal with two customers, its clock, and browsers that visit it."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
from fastapi import FastAPI
from sqlmodel import SQLModel, col, select

from greenlight.ats.database import Database
from greenlight.ats.registry import Registration, register
from greenlight.ats.tables import ChildApplication, Customer, Integration, PortalSession, RequestEvidence
from greenlight.domain.keys import IntegrationKey
from greenlight.settings import Settings
from portal.app import create_app
from portal.links import Links

KEYS = ("an old signing key", "the newest signing key")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HTTPS = "https://portal.example.com"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Portal:
    settings: Settings
    database: Database
    clock: Clock
    rings: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app: FastAPI = create_app(
            self.settings,
            self.database,
            KEYS,
            ring=lambda: self.rings.append(self.clock()),
            clock=self.clock,
            seconds=self.clock.seconds,
        )
        self.links = Links(KEYS, self.clock.seconds)

    def link(self, customer_id: str) -> str:
        return f"/open/{self.links.issue(customer_id)}"

    @asynccontextmanager
    async def browser(self, address: str = "192.0.2.1", **headers: str) -> AsyncIterator["Browser"]:
        transport = httpx.ASGITransport(self.app, client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=self.settings.portal_url, headers=headers) as client:
            yield Browser(self, client)

    @asynccontextmanager
    async def visit(self, customer_id: str, **headers: str) -> AsyncIterator["Browser"]:
        """A browser that has opened the customer's page."""
        async with self.browser(**headers) as browser:
            await browser.open(self.link(customer_id))
            yield browser

    def rows(self, table: type[SQLModel], customer_id: str | None = None) -> list[dict[str, Any]]:
        """All rows of a table, or those of one customer, as values."""
        with self.database.reading() as session:
            query: Any = select(table)
            owner: Any = table
            if customer_id is not None and table is RequestEvidence:
                query = query.join(Integration).where(col(Integration.customer_id) == customer_id)
            elif customer_id is not None:
                query = query.where(owner.customer_id == customer_id)
            return sorted((row.model_dump() for row in session.exec(query)), key=repr)

    def everything(self, customer_id: str | None = None) -> dict[str, list[dict[str, Any]]]:
        tables = (Customer, ChildApplication, Integration, PortalSession, RequestEvidence)
        return {table.__name__: self.rows(table, customer_id) for table in tables}


class Browser:
    """What a browser does on our page: keeps cookies, sends Origin and Sec-Fetch-Site, reads the token in the page."""

    def __init__(self, portal: Portal, client: httpx.AsyncClient) -> None:
        self.portal = portal
        self.client = client
        self.csrf = ""

    async def spend(self, link: str, **fields: str) -> httpx.Response:
        """Press the button on a link's page; without its fields as a client does that has never looked at it."""
        return await self.client.post(link, headers={"Origin": self.portal.settings.portal_url}, data=fields)

    async def open(self, link: str) -> httpx.Response:
        shown = await self.client.get(link)
        assert shown.status_code == 200, shown.text
        response = await self.spend(link, **Page(shown.text).fields)
        assert response.status_code == 303, response.text
        page = await self.client.get("/")
        assert page.status_code == 200
        self.csrf = Page(page.text).csrf
        return page

    def headers(self) -> dict[str, str]:
        return {
            "Origin": self.portal.settings.portal_url,
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": self.csrf,
            "Content-Type": "application/json",
        }

    async def post(
        self, *integrations: Mapping[str, Any], headers: Mapping[str, str | None] | None = None, **more: Any
    ) -> httpx.Response:
        """Post a callback; a header that is None is left out, `more` goes beside the integrations."""
        return await self.send(json.dumps({"integrations": list(integrations), **more}), headers)

    async def send(self, content: Any, headers: Mapping[str, str | None] | None = None) -> httpx.Response:
        merged = {**self.headers(), **(headers or {})}
        given = {name: value for name, value in merged.items() if value is not None}
        return await self.client.post("/requests", content=content, headers=given)


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and the bodies of its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data
        else:
            self.text += data

    @property
    def csrf(self) -> str:
        (content,) = (a["content"] for tag, a in self.elements if tag == "meta" and a.get("name") == "csrf-token")
        return content or ""

    @property
    def fields(self) -> dict[str, str]:
        """What the page's form would send."""
        inputs = [a for tag, a in self.elements if tag == "input"]
        return {a["name"] or "": a["value"] or "" for a in inputs}

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """What elements there are, with the names of their attributes."""
        return [(tag, tuple(sorted(attributes))) for tag, attributes in self.elements]


def named(
    context: str = "urn:li:organization:4gX03uw", type: str = "APPLY_CONNECT", tenant: str = "JOBS"
) -> dict[str, str]:
    """An integration as the plugin's callback names it."""
    return {"integrationContext": context, "integrationType": type, "tenantType": tenant}


def add_customer(
    database: Database, customer_id: str, name: str = "", client_id: str = "", types: Sequence[str] = ()
) -> None:
    keys = [IntegrationKey(f"urn:li:organization:of-{customer_id}", type, "JOBS") for type in types]
    registration = Registration(
        customer_id,
        name or f"{customer_id} Ltd",
        (client_id or f"client{customer_id}", f"child-app-{customer_id}"),
        [(key, f"{key.integration_type} of {customer_id}") for key in keys],
    )
    register(database, [registration], START)


async def statuses(
    portal: Portal, times: int, path: str = "/open/guess", address: str = "192.0.2.1", **headers: str
) -> Counter[int]:
    async with portal.browser(address, **headers) as browser:
        return Counter([(await browser.client.get(path)).status_code for _ in range(times)])
