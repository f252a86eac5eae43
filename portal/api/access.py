"""Whose call it is, and whether its key may do that. No cookie is looked at."""

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from greenlight.ats.api_keys import ApiKeys, Caller, Scope
from greenlight.linkedin.errors import clean
from portal.api.problems import ApiProblem, Code
from portal.context import PortalContext
from portal.limiter import CALLS_OF_KEY, FAILURES_OF_ADDRESS

_log = logging.getLogger("portal.api")
#: For OpenAPI alone: what it would answer is not a problem document.
_bearer = HTTPBearer(auto_error=False, description="A key of `greenlight api-key create`.")
_CHALLENGE = 'Bearer realm="greenlight"'


def caller_with(context: PortalContext, scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller of a route for which a key needs this scope."""

    async def caller(request: Request, _: Annotated[object, Depends(_bearer)]) -> Caller:
        caller = await _known(context, request)
        context.limiter.count(CALLS_OF_KEY, caller.key_id)
        if scope not in caller.scopes:
            _log.warning("%s: refused %s, which needs %s", clean(caller.who), request.method, scope)
            challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
            raise ApiProblem(
                Code.MISSING_SCOPE, f"The key does not have the scope {scope}.", {"WWW-Authenticate": challenge}
            )
        return caller

    return caller


async def _known(context: PortalContext, request: Request) -> Caller:
    """Raises ApiProblem, and TooOften for an address that tries keys."""
    given = request.headers.getlist("authorization")
    scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    keys, now = ApiKeys(context.database), context.clock()
    found = None
    if scheme.lower() == "bearer" and key.strip():
        found = await run_in_threadpool(keys.find, key.strip(), now)
    if found is None:
        context.limiter.count(FAILURES_OF_ADDRESS, context.address(request))
        challenge = f'{_CHALLENGE}, error="invalid_token"' if given else _CHALLENGE
        raise ApiProblem(
            Code.UNAUTHENTICATED,
            "The key opens nothing." if given else "There is no key in Authorization.",
            {"WWW-Authenticate": challenge},
        )
    caller, stale = found
    if stale and not await run_in_threadpool(keys.note_use, caller.key_id, now):
        # What it asks for may be had all the same: reads go on where nothing can be written.
        _log.warning("%s: that its key was used could not be written down", clean(caller.who))
    return caller


def needing(scope: Scope) -> dict[str, str]:
    """What OpenAPI is told of it."""
    return {"x-scope": scope.value}
