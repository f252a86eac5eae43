"""The ASGI application."""

import time
from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from sandbox import control, integrations, oauth, plugin, provisioning, recruiter
from sandbox.answers import api_error
from sandbox.state import Sandbox
from sandbox.wire import open_entry, respond, sandbox_of
from sandbox.world import World


class SandboxApp(FastAPI):
    """Hands each request the connection it came on, which a fault may have to cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's send is a method of the request's cycle; an in-process caller has nothing of the kind.
        scope["sandbox.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


def create_app(world: World | None = None, *, clock: Callable[[], float] = time.time, seed: int = 0) -> FastAPI:
    """A stand-in with this world. Its state is `app.state.sandbox`; the same seed gives the same answers."""
    app = SandboxApp(title="LinkedIn stand-in", openapi_url=None)
    app.state.sandbox = Sandbox(world or World(), clock=clock, seed=seed)
    for room in (oauth, integrations, provisioning, plugin, control, recruiter):
        app.include_router(room.router)
    app.add_exception_handler(HTTPException, _refuse)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """Control calls explain themselves in one sentence; elsewhere LinkedIn's envelope is kept."""
    if not isinstance(error, HTTPException):
        raise error
    if request.url.path.startswith("/sandbox/"):
        return JSONResponse({"error": error.detail}, error.status_code)
    if error.status_code == 404:
        answer = api_error(404, f"Resource {request.url.path.rpartition('/')[2]} does not exist", 0)
    else:
        answer = api_error(error.status_code)
    sandbox = sandbox_of(request)
    return respond(sandbox, open_entry(sandbox, request, "other"), answer)
