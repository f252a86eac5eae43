"""The portal as an ASGI application."""

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from os import PathLike, stat_result
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from greenlight.ats.database import Database
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.requests import Requests
from greenlight.ats.writer import Writer
from greenlight.linkedin.errors import clean
from greenlight.settings import Settings
from portal.api.application import API_PREFIX, create_api, docs_url_of
from portal.api.problems import Code, problem_of
from portal.context import HERE, PortalContext, templates
from portal.cross_origin import PREFIX, CrossOrigin
from portal.guards import Errors, OneHost, SecurityHeaders
from portal.limiter import Limiter
from portal.links import Links
from portal.neighbours import Neighbours
from portal.refusals import NoPortalSession, Refusal, TooOften
from portal.routes import build_router

_log = logging.getLogger("portal.app")


def _now() -> datetime:
    return datetime.now(UTC)


class _Static(StaticFiles):
    """Files that are asked for again each time, so that a new release is seen at once."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


class _Whole(Mount):
    """A part of the portal that answers for every path below its own, also for one with a line break in it."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        super().__init__(path, app)
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


def create_app(
    settings: Settings,
    database: Database,
    keys: Sequence[str],
    *,
    ring: Callable[[], None],
    clock: Callable[[], datetime] = _now,
    seconds: Callable[[], float] = time.time,
    lifespan: Any = None,
) -> FastAPI:
    """The portal. `keys` sign, oldest first; `ring` is called in the event loop once a request is on record.

    `clock` is the time of what is put on record, `seconds` that of links and of limits, by this host.
    Serve it without the server's own proxy handling, access log and `Server` header: the paths of links are secrets,
    and whose `X-Forwarded-For` counts is a setting here. Raises ValueError without a signing key.
    """
    app = FastAPI(
        title="Greenlight portal",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    links, limiter, neighbours = Links(keys, seconds), Limiter(seconds), Neighbours(settings)
    context = PortalContext(
        settings,
        database,
        Requests(database),
        PortalSessions(database),
        Writer(database),
        links,
        limiter,
        neighbours,
        ring,
        clock,
        seconds,
        templates(),
    )
    app.include_router(build_router(context))
    api = create_api(context)
    app.router.routes += (_Whole(API_PREFIX, api), Route(API_PREFIX, api))
    app.mount("/static", _Static(directory=HERE / "static"))
    _add_answers(app, context)
    return app


def _log_refused(request: Request, status: int, why: str) -> None:
    # Of other paths none is told: those of links are secrets.
    if request.url.path in ("/requests", "/embed/v1/requests"):
        _log.warning("a callback was refused (%s): %s", status, clean(why))


def _is_embedded(request: Request) -> bool:
    return request.url.path.startswith(PREFIX)


def _said(request: Request, sentence: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A sentence as whoever asks can read it: a script takes JSON, a person text."""
    if _is_embedded(request):
        return JSONResponse({"error": sentence}, status, headers)
    return PlainTextResponse(sentence, status, headers)


def _add_answers(app: FastAPI, context: PortalContext) -> None:
    async def gone(_: Request, __: Exception) -> Response:
        return context.html("gone.html", 404, ats_name=context.settings.ats_name)

    async def failed(request: Request, status: int) -> Response:
        if _is_embedded(request):
            return JSONResponse({"error": "Something went wrong on our side; try again in a minute."}, status)
        return context.html("error.html", status, ats_name=context.settings.ats_name)

    async def refused(request: Request, error: Exception) -> Response:
        refusal = cast(Refusal, error)
        _log_refused(request, refusal.status, refusal.sentence)
        headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
        return JSONResponse({"error": refusal.sentence}, refusal.status, headers)

    async def too_often(request: Request, error: Exception) -> Response:
        _log_refused(request, 429, "too many requests")
        headers = {"Retry-After": str(cast(TooOften, error).retry_after)}
        return _said(request, "Too many requests. Please wait a minute.", 429, headers)

    async def other(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            return _said(request, "Not allowed.", 405, error.headers)
        return _said(request, "Not found.", 404)

    def ambiguous(scope: Scope) -> Response:
        close = {"Connection": "close"}
        if f"{scope['path']}/".startswith(f"{API_PREFIX}/"):
            why = "The body has both Content-Length and Transfer-Encoding."
            return problem_of(Code.BAD_REQUEST, why, docs_url_of(context), close)
        return PlainTextResponse("Bad request.", 400, close)

    app.add_exception_handler(NoPortalSession, gone)
    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(TooOften, too_often)
    app.add_exception_handler(HTTPException, other)
    # The last one added is the outermost.
    app.add_middleware(Errors, page=failed)
    # Outside of errors, which the script has to read as well.
    app.add_middleware(CrossOrigin, settings=context.settings)
    app.add_middleware(OneHost, neighbours=context.neighbours, ambiguous=ambiguous)
    app.add_middleware(SecurityHeaders, settings=context.settings)
