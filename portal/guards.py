"""What stands before every route: headers on every answer, the one host that we are, and an answer for every error."""

import logging
import traceback
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from yarl import URL

from greenlight.linkedin.errors import clean
from greenlight.settings import Settings
from portal.neighbours import Neighbours
from portal.refusals import Refusal, status_of

logger = logging.getLogger(__name__)

#: A year, as browsers want it before they rely on it.
HSTS_SECONDS = 31_536_000
#: What LinkedIn's loader and its extensions are known to come from.
LINKEDIN_ORIGINS = ("https://www.linkedin.com", "https://platform.linkedin.com")
#: Logos of companies, shown in the plugin.
LINKEDIN_IMAGES = "https://*.licdn.com"
#: A load balancer asks by address; the answers say nothing about anybody.
_PROBES = ("/healthz", "/readyz")

#: A page with that status.
Pages = Callable[[Request, int], Awaitable[Response]]


def security_headers(settings: Settings) -> dict[str, str]:
    """The headers that every answer carries."""
    ancestors = " ".join(settings.portal_frame_ancestors) or "'none'"
    policy = _policy(settings)
    headers = {
        # No path: that of a link is a secret, and proxies log where a request came from.
        "Referrer-Policy": "strict-origin",
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "X-Content-Type-Options": "nosniff",
    }
    if settings.portal_csp_report_only:
        headers["Content-Security-Policy-Report-Only"] = policy
        # Browsers do not act on this one where it is only reported.
        headers["Content-Security-Policy"] = f"frame-ancestors {ancestors}"
    else:
        headers["Content-Security-Policy"] = f"{policy}; frame-ancestors {ancestors}"
    if not settings.portal_frame_ancestors:
        headers["X-Frame-Options"] = "DENY"
    if is_https(settings):
        headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
    return headers


def _policy(settings: Settings) -> str:
    plugin = (str(URL(url).origin()) for url in (settings.linkedin_widget_url, settings.linkedin_widget_extension))
    sources = " ".join(dict.fromkeys(["'self'", *plugin, *LINKEDIN_ORIGINS, *settings.portal_extra_sources]))
    # Whose script is run may bring its stylesheet; styles within the page are the setting's word.
    inline = " 'unsafe-inline'" if settings.portal_inline_styles else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {sources}",
            f"connect-src {sources}",
            f"frame-src {sources}",
            f"img-src {sources} data: {LINKEDIN_IMAGES}",
            f"style-src {sources}{inline}",
            "base-uri 'none'",
            "form-action 'self'",
            "report-uri /csp-reports",
        )
    )


def is_https(settings: Settings) -> bool:
    return settings.portal_url.startswith("https://")


class SecurityHeaders:
    """Outermost: puts the headers on every answer, and ends a connection whose request was answered half-read."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        read = asked.get("content-length", "0") == "0" and "transfer-encoding" not in asked

        async def receiving() -> Message:
            nonlocal read
            message = await receive()
            read = read or not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
                if not read:
                    # Who is still sending would be listened to for as long as it likes.
                    headers["Connection"] = "close"
            await send(message)

        await self._app(scope, receiving, sending)


class OneHost:
    """Answers requests for the portal's own host alone. What a proxy says about hosts is not looked at.

    `ambiguous` answers a request whose body has two lengths.
    """

    def __init__(self, app: ASGIApp, neighbours: Neighbours, ambiguous: Callable[[Scope], Response]) -> None:
        self._app = app
        self._neighbours = neighbours
        self._ambiguous = ambiguous

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # Nothing here speaks anything but HTTP; the server closes what nobody answers.
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy in front may have read another end of the body, and then what follows is anybody's request.
            await self._ambiguous(scope)(scope, receive, send)
            return
        if scope["path"] not in _PROBES:
            self._neighbours.notice(HTTPConnection(scope))
            if not self._neighbours.is_for_us(headers.getlist("host")):
                await PlainTextResponse("Not found.", 404)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Errors:
    """Turns whatever went wrong into one page, and one log line that quotes nothing of the request."""

    def __init__(self, app: ASGIApp, page: Pages) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http":
                raise
            logger.error("%s failed: %s", _route(scope), _where(error))
            if started:
                # The server ends the connection, which is how the browser learns of it.
                raise RuntimeError("an answer broke off") from None
            response = await self._page(Request(scope), status_of(error))
            await response(scope, receive, send)


def _route(scope: Scope) -> str:
    # The path of a link is the link; a route's pattern is nobody's secret.
    return clean(f"{scope['method']} {getattr(scope.get('route'), 'path', 'an unknown path')}")


def _where(error: Exception) -> str:
    # Not its text: a database's error quotes the values it was given.
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"


def check_same_origin(request: Request, settings: Settings) -> None:
    """Raise Refusal (403) unless the browser says that a page of ours sent this."""
    if request.headers.getlist("origin") != [settings.portal_url]:
        raise Refusal(403, "This request does not come from the portal's page.")
    if set(request.headers.getlist("sec-fetch-site")) - {"same-origin"}:
        raise Refusal(403, "This request does not come from the portal's page.")
