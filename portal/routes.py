"""The routes. Whose data it is comes from the session; whatever else a browser says is a hint."""

import asyncio
import logging
import math
import re
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse

from greenlight.ats.places import place_of
from greenlight.ats.revisions import is_newest
from greenlight.linkedin.errors import clean
from portal.bodies import CALLBACK_SCHEMA, MAX_BODY, check_declared, parse_callback, parse_json, read_body
from portal.context import PortalContext
from portal.embed_script import embed_script
from portal.embedding import add_embedding
from portal.guards import check_same_origin
from portal.limiter import (
    POSTS_OF_CUSTOMER,
    POSTS_OF_SESSION,
    READS_OF_SESSION,
    REPORTS_OF_ADDRESS,
)
from portal.opening import add_opening
from portal.receiving import keep_requests, state_of
from portal.refusals import NoPortalSession, Refusal
from portal.schema import HTML, REFUSAL, STATE, TEXT, answers, json_of
from portal.texts import DEFAULT_LANGUAGE, TEXTS

logger = logging.getLogger(__name__)

#: How long an answer to a probe is good for.
READY_FOR_SECONDS = 1.0
#: Browsers send a few hundred bytes for each violation.
MAX_REPORT = 8 * 1024

_LINK = re.compile(r"/open/[^/?#]*")


def build_router(context: PortalContext) -> APIRouter:
    router = APIRouter(default_response_class=PlainTextResponse)
    script = embed_script(context.settings)
    add_opening(router, context)
    _pages(router, context, script.tag)
    _callback(router, context)
    add_embedding(router, context, script)
    _reports(router, context)
    _probes(router, context)
    return router


def _pages(router: APIRouter, context: PortalContext, embed_tag: str) -> None:
    @router.get(
        "/", response_class=HTMLResponse, responses=answers(HTML, _404="No session.", _429="Too many requests.")
    )
    async def page(request: Request) -> Response:
        """The page of the session's customer."""
        portal_session = await context.session(request)
        context.limiter.count(READS_OF_SESSION, portal_session.session_digest)
        page, state = await context.page(portal_session)
        settings = context.settings
        return context.html(
            "page.html",
            200,
            customer_name=page.customer_name,
            client_id=page.client_id if state["application"] != "missing" else None,
            application_is_new=state["application"] == "new",
            csrf_token=context.links.csrf_for(portal_session.session_digest),
            widget_url=settings.linkedin_widget_url,
            widget_extension=settings.linkedin_widget_extension,
            bundled_types=",".join(settings.portal_integrations),
            ats_name=settings.ats_name,
            embed_tag=embed_tag.strip('"'),
            state=state,
        )

    @router.get(
        "/integrations.json",
        response_class=JSONResponse,
        responses={
            200: {"description": "The state.", "content": STATE},
            **answers(
                REFUSAL, _404="No session.", _409="The browser has opened another page.", _429="Too many requests."
            ),
        },
    )
    async def integrations(request: Request) -> Response:
        """The state of the customer's integrations, as the page's script reads it."""
        try:
            portal_session = await context.session(request)
        except NoPortalSession:
            raise Refusal(404, "There is no session; open the page from your ATS.") from None
        context.limiter.count(READS_OF_SESSION, portal_session.session_digest)
        token = request.headers.get("x-csrf-token")
        if token is not None and not context.links.check_csrf(portal_session.session_digest, token):
            # A tab whose page is of another session than the cookie, which all tabs of a browser share.
            raise Refusal(409, "Another page was opened in this browser since; open this one again from your ATS.")
        return JSONResponse(await state_of(context, portal_session, TEXTS[DEFAULT_LANGUAGE]))


def _callback(router: APIRouter, context: PortalContext) -> None:
    @router.post(
        "/requests",
        status_code=202,
        response_class=JSONResponse,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": CALLBACK_SCHEMA}}}},
        responses={
            202: {"description": "On record.", "content": json_of(accepted={"type": "integer", "minimum": 1})},
            **answers(
                REFUSAL,
                _400="The body ended early.",
                _403="Not from our page.",
                _404="No session.",
                _408="The body took too long.",
                _409="More integrations than any customer has.",
                _413="The body is too large.",
                _415="Not JSON.",
                _422="Not what the plugin sends.",
                _429="Too many requests.",
            ),
        },
    )
    async def requests(request: Request) -> Response:
        """Put on record what the plugin's callback names, and tell the worker."""
        try:
            portal_session = await context.session(request)
        except NoPortalSession:
            raise Refusal(404, "There is no session; open the page from your ATS.") from None
        check_same_origin(request, context.settings)
        if not context.links.check_csrf(portal_session.session_digest, request.headers.get("x-csrf-token", "")):
            raise Refusal(403, "This request does not come from the portal's page.")
        check_declared(request, ("application/json",), MAX_BODY)
        context.limiter.count(POSTS_OF_SESSION, portal_session.session_digest)
        context.limiter.count(POSTS_OF_CUSTOMER, portal_session.customer_id)
        named = parse_callback(await read_body(request, MAX_BODY))
        return await keep_requests(context, portal_session, named)


def _reports(router: APIRouter, context: PortalContext) -> None:
    @router.post(
        "/csp-reports",
        status_code=204,
        responses=answers(
            REFUSAL, _413="The report is too large.", _415="Not a report.", _422="Not JSON.", _429="Too many reports."
        ),
    )
    async def csp_report(request: Request) -> Response:
        """What a browser refused to load on our page, for the log."""
        context.limiter.count(REPORTS_OF_ADDRESS, context.address(request))
        check_declared(request, ("application/csp-report", "application/reports+json"), MAX_REPORT)
        report = parse_json(await read_body(request, MAX_REPORT))
        logger.warning("a browser reports: %s", _report_line(report))
        return Response(status_code=204)


def _report_line(report: Any) -> str:
    """The first violation in a report of either form, as one clean line without any address's query or link."""
    first = report[0] if isinstance(report, list) and report else report
    body = first.get("csp-report", first.get("body")) if isinstance(first, dict) else None
    if not isinstance(body, dict):
        return "nothing readable"
    directive = body.get("effective-directive") or body.get("violated-directive") or body.get("effectiveDirective")
    blocked = str(body.get("blocked-uri") or body.get("blockedURL") or "").partition("?")[0].partition("#")[0]
    return _LINK.sub("/open/[hidden]", clean(f"{directive} blocked {blocked}"))


def _probes(router: APIRouter, context: PortalContext) -> None:
    asking, asked_at, ready = asyncio.Lock(), -math.inf, False

    @router.get("/healthz")
    async def healthz() -> Response:
        """This process answers."""
        return PlainTextResponse("ok")

    @router.get(
        "/readyz",
        responses=answers(TEXT, _503="No database, not its newest schema, or one that cannot be written."),
    )
    async def readyz() -> Response:
        """The database can be reached, has the newest schema and takes what is written, as of a second ago."""
        nonlocal asked_at, ready
        # Whoever floods this costs the database one look a second, and no load balancer its answer.
        async with asking:
            if not 0 <= context.seconds() - asked_at < READY_FOR_SECONDS:
                try:
                    ready = await run_in_threadpool(_is_ready)
                finally:
                    asked_at = context.seconds()
        return PlainTextResponse("ok" if ready else "not ready", 200 if ready else 503)

    def _is_ready() -> bool:
        try:
            with context.database.engine.connect() as connection:
                if not is_newest(connection):
                    return False
            return place_of(context.database).closed is None
        except (SQLAlchemyError, OSError):
            return False
