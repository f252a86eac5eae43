"""What the vendor's own page asks for: the script, the state of a customer's integrations, and the callback.

A token says whose they are. No cookie is read or set, so nothing that a browser sends by itself counts.
"""

from datetime import timedelta

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from greenlight.ats.applications import Applications
from portal.bodies import EMBEDDED_SCHEMA, MAX_BODY, check_declared, parse_embedded, read_body
from portal.context import PortalContext, origins_of
from portal.cross_origin import ORIGIN
from portal.embed_script import Script
from portal.limiter import POSTS_OF_CUSTOMER, POSTS_OF_SESSION, READS_OF_SESSION
from portal.receiving import keep_requests, state_of
from portal.refusals import Refusal
from portal.schema import REFUSAL, STATE_PARTS, answers, json_of
from portal.texts import TEXTS, texts_in

#: So long a browser goes on with a script of an older release.
SCRIPT_SECONDS = 300

_LANGUAGE = {"name": "lang", "in": "query", "required": False, "schema": {"enum": sorted(TEXTS)}}
_BEARER = {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}}


def add_embedding(router: APIRouter, context: PortalContext, script: Script) -> None:
    """Adds the routes under `/embed/`."""
    refusals = {
        "_401": "No token of this page.",
        "_403": "Not a page that may show them.",
        "_429": "Too many requests.",
    }

    @router.get(
        "/embed/v1.js",
        responses={
            200: {"description": "The script.", "content": {"text/javascript": {"schema": {"type": "string"}}}},
            304: {"description": "The one that is there already is the newest."},
        },
    )
    async def v1(request: Request) -> Response:
        """The script that the vendor's page loads. Nothing in it is anybody's."""
        headers = {
            "ETag": script.tag,
            "Cache-Control": f"public, max-age={SCRIPT_SECONDS}",
            # It is the same for everybody. A page that isolates itself loads nothing that does not say so.
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if script.tag in [
            each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")
        ]:
            return Response(status_code=304, headers=headers)
        return Response(script.text, media_type="text/javascript; charset=utf-8", headers=headers)

    @router.get(
        ORIGIN,
        response_class=JSONResponse,
        responses={200: {"description": "Whether it is.", "content": json_of(named={"type": "boolean"})}},
    )
    async def origin(request: Request) -> Response:
        """Whether the page that asks may show anything. Any page may read it, of itself alone."""
        origins = origins_of(request, context.settings)
        named = len(origins) == 1 and origins[0] in context.settings.embed_origins
        return JSONResponse({"named": named}, headers={"Access-Control-Allow-Origin": "*"})

    @router.get(
        "/embed/v1/integrations",
        response_class=JSONResponse,
        openapi_extra={"parameters": [_LANGUAGE, _BEARER]},
        responses={
            200: {
                "description": "The state.",
                "content": json_of(**STATE_PARTS, expires_in={"type": "integer", "minimum": 0}),
            },
            **answers(REFUSAL, **refusals),
        },
    )
    async def integrations(request: Request) -> Response:
        """The state of the customer's integrations in the asked language, and what the plugin is shown with."""
        portal_session, expires_at = await context.embedded(request)
        context.limiter.count(READS_OF_SESSION, portal_session.session_digest)
        state = await state_of(context, portal_session, texts_in(request.query_params.get("lang", "")))
        # By whose clock it ends is ours to know, not the browser's.
        left = (expires_at - context.clock()) // timedelta(seconds=1)
        return JSONResponse(state | {"expires_in": max(left, 0)})

    @router.post(
        "/embed/v1/requests",
        status_code=202,
        response_class=JSONResponse,
        openapi_extra={
            "parameters": [_BEARER],
            "requestBody": {"required": True, "content": {"application/json": {"schema": EMBEDDED_SCHEMA}}},
        },
        responses={
            202: {"description": "On record.", "content": json_of(accepted={"type": "integer", "minimum": 1})},
            **answers(
                REFUSAL,
                _400="The body ended early.",
                _408="The body took too long.",
                _409="Requested in another customer's plugin, or more integrations than any customer has.",
                _413="The body is too large.",
                _415="Not JSON.",
                _422="Not what the script sends.",
                **refusals,
            ),
        },
    )
    async def requests(request: Request) -> Response:
        """Put on record what the plugin's callback names, and tell the worker."""
        portal_session, _ = await context.embedded(request)
        check_declared(request, ("application/json",), MAX_BODY)
        context.limiter.count(POSTS_OF_SESSION, portal_session.session_digest)
        context.limiter.count(POSTS_OF_CUSTOMER, portal_session.customer_id)
        api_key, named = parse_embedded(await read_body(request, MAX_BODY))
        application = await run_in_threadpool(Applications(context.database).on_record, portal_session.customer_id)
        if application is None or api_key != application.client_id:
            # A page has one plugin for as long as it lasts, and may have come to show another customer since.
            raise Refusal(409, "The plugin of this page is another customer's; reload the page.")
        return await keep_requests(context, portal_session, named)
