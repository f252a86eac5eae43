"""How a link becomes a session: looking at it changes nothing, a button on its page spends it.

Mail scanners, previews in chats and prefetching browsers look at links; none of them presses buttons.
"""

import logging
from typing import NamedTuple
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from greenlight.ats.portal_sessions import LinkUsed, OpenSession, PortalSessions
from greenlight.linkedin.errors import clean
from portal.bodies import read_body
from portal.context import PortalContext
from portal.guards import check_same_origin
from portal.limiter import FAILURES_OF_ADDRESS, LOOKS_AT_LINK
from portal.links import BadLink, ExpiredLink, LinkClaim
from portal.refusals import NoPortalSession, Refusal
from portal.schema import HTML, REFUSAL, answers

logger = logging.getLogger(__name__)

#: The form has one field, which holds a token or nothing.
MAX_FORM = 4 * 1024
_FORM = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}

#: `Sec-Fetch-Dest` of what is shown inside another page.
_FRAMES = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})


class _Offer(NamedTuple):
    """An unspent link, whose page it opens, and the browser's session if it has one."""

    claim: LinkClaim
    customer_name: str
    portal_session: OpenSession | None

    @property
    def left(self) -> OpenSession | None:
        """The session of another customer that this browser would leave."""
        return (
            self.portal_session
            if self.portal_session is not None and self.portal_session.customer_id != self.claim.customer_id
            else None
        )


def add_opening(router: APIRouter, context: PortalContext) -> None:
    """Adds the routes of links."""
    shown = answers(HTML, _404="The link opens nothing.", _403="Not inside another site.", _429="Too many requests.")
    gone = {303: {"description": "This browser's session is what it opened."}}

    @router.get("/open/{token}", response_class=HTMLResponse, responses={**shown, **gone})
    async def look(token: str, request: Request) -> Response:
        """Show what a link opens, with a button that opens it."""
        offer = await _offer(context, token, request)
        if offer is None:
            return RedirectResponse("/", 303)
        if _in_frame(request) and request.headers.get("sec-fetch-site") == "cross-site":
            return _elsewhere(context)
        response = _ask(context, offer, 200)
        if _in_frame(request):
            # Whether the browser keeps it shows whether it would keep a session's.
            context.set_cookie(response, context.probe, "1", 600)
        return response

    @router.post(
        "/open/{token}",
        status_code=303,
        response_class=RedirectResponse,
        openapi_extra={"requestBody": {"required": False, "content": _FORM}},
        responses={
            **shown,
            **answers(HTML, _409="The browser would leave another customer's page: asked once more."),
            **answers(
                REFUSAL,
                _400="The body ended early.",
                _408="The body took too long.",
                _413="The body is too large.",
            ),
        },
    )
    async def spend(token: str, request: Request) -> Response:
        """Spend a link on a session in this browser."""
        try:
            check_same_origin(request, context.settings)
        except Refusal:
            return _elsewhere(context)
        agreed = _agreed(await read_body(request, MAX_FORM))
        offer = await _offer(context, token, request)
        response = RedirectResponse("/", 303)
        if offer is None:
            return response
        if _in_frame(request) and context.probe not in request.cookies:
            return _elsewhere(context)
        if agreed is not None and offer.left and not context.links.check_csrf(offer.left.session_digest, agreed):
            # Another tab has opened a page since this one was asked about.
            return _ask(context, offer, 409)
        try:
            await context.open_session(request, response, offer.claim, offer.portal_session)
        except LinkUsed:
            raise _used(offer.claim) from None
        logger.info("a link of customer %s was opened", clean(offer.claim.customer_id))
        return response


async def _offer(context: PortalContext, token: str, request: Request) -> _Offer | None:
    """What a link is good for; None where this browser's session is what it was spent on.

    Raises NoPortalSession, TooOften.
    """
    claim, fresh = None, False
    try:
        claim, fresh = context.links.read(token), True
    except ExpiredLink as error:
        claim = error.claim
    except BadLink:
        pass
    if claim is None:
        context.limiter.count(FAILURES_OF_ADDRESS, context.address(request))
        raise NoPortalSession
    context.limiter.count(LOOKS_AT_LINK, claim.link_id)
    portal_sessions, portal_session = PortalSessions(context.database), await context.find_session(request)
    if portal_session is not None and await run_in_threadpool(
        portal_sessions.was_spent_on, portal_session, claim.link_id
    ):
        # Reloading is no use of the link: the session is there already.
        return None
    if not fresh:
        raise NoPortalSession
    try:
        name = await run_in_threadpool(portal_sessions.offered, claim.link_id, claim.customer_id)
    except LinkUsed:
        raise _used(claim) from None
    return _Offer(claim, name, portal_session)


def _used(claim: LinkClaim) -> NoPortalSession:
    logger.info("a link of customer %s was used again", clean(claim.customer_id))
    return NoPortalSession()


def _ask(context: PortalContext, offer: _Offer, status: int) -> Response:
    return context.html(
        "open.html",
        status,
        ats_name=context.settings.ats_name,
        customer_name=offer.customer_name,
        left_name=offer.left.customer_name if offer.left else None,
        instead_of=context.links.csrf_for(offer.left.session_digest) if offer.left else "",
    )


def _agreed(body: bytes) -> str | None:
    """Which session the form said would be left, "" for none; None if it was not our form that was sent."""
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=9).get("instead_of", [None])[0]
    except ValueError:
        return None


def _in_frame(request: Request) -> bool:
    return request.headers.get("sec-fetch-dest") in _FRAMES


def _elsewhere(context: PortalContext) -> Response:
    return context.html("elsewhere.html", 403, ats_name=context.settings.ats_name)
