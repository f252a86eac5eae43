"""What the routes work with, and whose session a request belongs to."""

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from greenlight.ats.database import Database
from greenlight.ats.embed_tokens import EmbedTokens
from greenlight.ats.portal_sessions import OpenSession, PortalSessions
from greenlight.ats.requests import CustomerPage, Requests
from greenlight.ats.writer import Writer
from greenlight.domain.applications import is_client_id
from greenlight.settings import Settings
from portal.guards import is_https
from portal.limiter import FAILURES_OF_ADDRESS, Limiter
from portal.links import LinkClaim, Links
from portal.neighbours import Neighbours
from portal.refusals import NoPortalSession, Refusal
from portal.texts import DEFAULT_LANGUAGE, TEXTS, Texts
from portal.view import SLOW_AFTER, Application, customer_view

_log = logging.getLogger("portal.context")

#: A working day; after that the ATS, where the admin is logged in, opens the page again.
SESSION_HOURS = 8
#: How long LinkedIn may take until a new application works (docs/linkedin.md#after-create).
NEW_FOR = timedelta(minutes=5)

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class PortalContext:
    """Everything a route needs. `ring` tells a worker that there is something to do, and returns at once."""

    settings: Settings
    database: Database
    #: One for all, so that what is asked of it at the same time is done together.
    requests: Requests
    portal_sessions: PortalSessions
    #: What is only looked up goes together as well, and never waits behind what is written.
    lookups: Writer
    links: Links
    limiter: Limiter
    neighbours: Neighbours
    ring: Callable[[], None]
    clock: Callable[[], datetime]
    seconds: Callable[[], float]
    templates: Environment

    def tell_worker(self) -> None:
        """Ring, after what is to be done is on record: a ring that fails changes nothing but the time."""
        try:
            self.ring()
        except Exception as error:
            # Whoever looks next finds it.
            _log.error("the worker could not be told: %s", type(error).__name__)

    @property
    def cookie(self) -> str:
        # The prefix makes browsers refuse it without https, with another path, or from a sibling host.
        return "__Host-greenlight" if is_https(self.settings) else "greenlight"

    @property
    def probe(self) -> str:
        return f"{self.cookie}-frame"

    def address(self, request: Request) -> str:
        return self.neighbours.address(request)

    def html(self, template: str, status: int, **context: Any) -> HTMLResponse:
        return HTMLResponse(self.templates.get_template(template).render(context), status)

    async def session(self, request: Request) -> OpenSession:
        """The live session of this browser.

        Raises NoPortalSession, and TooOften for an address that asks without one a lot.
        """
        portal_session = await self.find_session(request)
        if portal_session is None:
            self.limiter.count(FAILURES_OF_ADDRESS, self.address(request))
            raise NoPortalSession
        return portal_session

    async def find_session(self, request: Request) -> OpenSession | None:
        session_id = request.cookies.get(self.cookie)
        if not session_id or len(session_id) > 128:
            return None
        asked = digest_of(session_id), self.clock()
        return await self.lookups.join(self.portal_sessions.find_all, asked)

    async def open_session(
        self, request: Request, response: Response, claim: LinkClaim, portal_session: OpenSession | None
    ) -> None:
        """Spend a link on a session, whose cookie is put on `response`. Raises LinkUsed.

        A live `portal_session` of the same customer goes on instead, and with it the tabs that show it.
        """
        now, lasts = self.clock(), timedelta(hours=SESSION_HOURS)
        portal_sessions, until = PortalSessions(self.database), now + lasts
        session_id = request.cookies.get(self.cookie, "")
        if (
            portal_session is None
            or portal_session.customer_id != claim.customer_id
            or not await run_in_threadpool(portal_sessions.lengthen, claim.link_id, portal_session, now, until)
        ):
            session_id = secrets.token_urlsafe(32)
            digest = digest_of(session_id)
            await run_in_threadpool(portal_sessions.open, claim.link_id, claim.customer_id, digest, now, until)
        self.set_cookie(response, self.cookie, session_id, int(lasts.total_seconds()))

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        """A cookie for this host alone that no script reads and no page of another site makes a browser send."""
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=is_https(self.settings), httponly=True, samesite="lax"
        )

    async def embedded(self, request: Request) -> tuple[OpenSession, datetime]:
        """The session of this request's token, and when it ends, if the page is on the token's own origin.

        Raises Refusal (403, 401), and TooOften for an address that asks without one a lot.
        """
        origins, given = origins_of(request, self.settings), request.headers.getlist("authorization")
        if len(origins) != 1 or origins[0] not in self.settings.embed_origins:
            raise Refusal(403, "This page is not one that may show these integrations.")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        found = None
        if scheme.lower() == "bearer" and token:
            tokens = EmbedTokens(self.database, self.settings.embed_origins)
            found = await run_in_threadpool(tokens.find, token.strip(), origins[0], self.clock())
        if found is None:
            self.limiter.count(FAILURES_OF_ADDRESS, self.address(request))
            raise Refusal(401, "This token is not one of this page, or its time is over; get a new one.")
        return found

    async def page(
        self, portal_session: OpenSession, texts: Texts = TEXTS[DEFAULT_LANGUAGE]
    ) -> tuple[CustomerPage, dict[str, Any]]:
        """What is on record of the session's customer, and the state that its page shows, in words of `texts`."""
        page = await run_in_threadpool(Requests(self.database).page, portal_session.customer_id)
        now = self.clock()
        late = {key for key, since in page.open_since.items() if now - since > SLOW_AFTER}
        application = application_of(page, now)
        state = customer_view(page.customer_name, application, page.items, page.open_requests, now, late, texts)
        return page, state


def origins_of(request: Request, settings: Settings) -> list[str]:
    """Where the request says it is from. A browser leaves that out of a GET to the page's own origin."""
    named = request.headers.getlist("origin")
    if not named and request.method == "GET" and request.headers.getlist("sec-fetch-site") == ["same-origin"]:
        return [settings.portal_url]
    return named


def application_of(page: CustomerPage, now: datetime) -> Application:
    """Whether the plugin can be shown; a client id that is none would be a directive in the plugin's tag."""
    if page.client_id is None or not is_client_id(page.client_id):
        return "missing"
    is_new = page.provisioned_at is not None and now - page.provisioned_at < NEW_FOR
    return "new" if is_new else "ready"


def digest_of(session_id: str) -> str:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()


def templates() -> Environment:
    return Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)
