"""A portal on a real socket and browsers on real connections, with nothing in between."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from greenlight.ats.database import Database
from greenlight.settings import Settings
from tests.portal.serving import listening, serving, talk
from tests.portal.world import Clock, Page, Portal, add_customer


@dataclass
class Visitor:
    """A browser that holds a session of one customer."""

    client: httpx.Client
    cookie: str
    csrf: str

    def post(self, content: Any, headers: Mapping[str, str | None] | None = None) -> httpx.Response:
        """Post a callback as the page does; a header that is None is left out."""
        usual: dict[str, str | None] = {
            "Origin": str(self.client.base_url).rstrip("/"),
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": self.csrf,
            "Content-Type": "application/json",
        }
        given = {name: value for name, value in {**usual, **(headers or {})}.items() if value is not None}
        body = {"content": content} if isinstance(content, bytes) else {"json": content}
        for _ in range(4):
            # An answer that is sent before the body was read may be overtaken by the end of the connection.
            with suppress(httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                return self.client.post("/requests", headers=given, **body)
        raise AssertionError("four times no answer")

    def state(self) -> dict[str, Any]:
        return self.client.get("/integrations.json").json()


@dataclass
class Street:
    """`portal` looks behind the counter: its rows, its clock, its links."""

    portal: Portal
    origin: str

    def stranger(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.origin, headers=headers, trust_env=False, timeout=10)

    @contextmanager
    def visitor(self, customer_id: str) -> Iterator[Visitor]:
        with self.stranger() as client:
            assert self.spend(client, self.portal.link(customer_id)).status_code == 303
            page = client.get("/")
            yield Visitor(client, client.cookies["greenlight"], Page(page.text).csrf)

    def spend(self, client: httpx.Client, link: str, **headers: str) -> httpx.Response:
        """Press the button of a link's page."""
        return client.post(link, headers={"Origin": self.origin, **headers})

    def raw(self, visitor: Visitor, headers: str, *pieces: bytes, pause: float = 0.0) -> bytes:
        """The same post by hand: any headers, any bytes; all that the portal said."""
        head = (
            f"POST /requests HTTP/1.1\r\nHost: {self.origin.removeprefix('http://')}\r\nOrigin: {self.origin}\r\n"
            f"Cookie: greenlight={visitor.cookie}\r\nX-CSRF-Token: {visitor.csrf}\r\n"
            f"Content-Type: application/json\r\n{headers}\r\n"
        )
        return talk(self.origin, head.encode(), *pieces, pause=pause)


def status_of(answer: bytes) -> int:
    """The status of a raw answer; 0 where the connection was cut before there was one."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


@contextmanager
def street(database: Database, clock: Clock | None = None) -> Iterator[Street]:
    """The portal with the customers acme and bolt, at the present time unless there is a clock."""
    add_customer(database, "acme", types=["APPLY_WITH_LINKEDIN"])
    add_customer(database, "bolt", types=["ONE_CLICK_EXPORT"])
    if clock is None:
        clock = Clock()
        clock.now = datetime.now(UTC)
    with listening() as (listener, origin):
        known = {"portal_url": origin, "ats_name": "Hirely", "embed_origins": ("https://app.ats.example",)}
        settings = Settings(_env_file=None, **known)  # pyright: ignore
        portal = Portal(settings, database, clock)
        with serving(portal.app, listener):
            yield Street(portal, origin)
