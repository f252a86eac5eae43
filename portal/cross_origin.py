"""Who may read what is under `/embed/`: pages on the origins that the settings name, and nobody else."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenlight.settings import Settings

#: All that the script of the vendor's page asks for.
PREFIX = "/embed/"
#: Nothing in it is anybody's, so it says itself that anybody may read it.
SCRIPT = "/embed/v1.js"
#: A page that is not named has to be able to read that it is not.
ORIGIN = "/embed/v1/origin"
#: Whether it may is asked once in ten minutes.
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "600",
}


class CrossOrigin:
    """Lets pages on the named origins read the answers, errors too, and answers a browser that asks beforehand.

    Credentials are never allowed: a token is the script's own word, a cookie would be the browser's.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._origins = settings.embed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX) or scope["path"] in (SCRIPT, ORIGIN):
            await self._app(scope, receive, send)
            return
        origins = Headers(scope=scope).getlist("origin")
        named = len(origins) == 1 and origins[0] in self._origins

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if named:
                    headers["Access-Control-Allow-Origin"] = origins[0]
                    headers["Access-Control-Expose-Headers"] = "Retry-After"
            await send(message)

        if scope["method"] == "OPTIONS":
            answer = (
                Response(status_code=204, headers=_PREFLIGHT)
                if named
                else JSONResponse({"error": "This page is not one that may show these integrations."}, 403)
            )
            await answer(scope, receive, sending)
            return
        await self._app(scope, receive, sending)
