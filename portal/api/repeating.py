"""`Idempotency-Key`: a call that is sent again changes nothing again, and has the answer that it had."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, NamedTuple
from uuid import uuid4

from fastapi import Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from greenlight.ats.api_keys import Caller
from greenlight.ats.idempotency import Answered, IdempotentCalls, OtherCall, UnderWay
from portal.api.problems import ApiProblem, Code
from portal.context import PortalContext

#: A header of a call, as OpenAPI is told of it.
IdempotencyKeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern="^[!-~]{1,255}$",
        description="The same for a call that is sent again, like a random UUID; kept for 24 hours",
    ),
]
#: On an answer that is not the first.
REPLAYED = "Idempotency-Replayed"


class Call(NamedTuple):
    """One call: whose, with which body, and under which `Idempotency-Key` if it has one."""

    request: Request
    caller: Caller
    body: bytes
    idempotency_key: str | None

    @property
    def digest(self) -> str:
        what = [self.request.method, self.request.url.path, self.body.hex()]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()


async def once(
    context: PortalContext,
    call: Call,
    act: Callable[[], Awaitable[Answered]],
    show: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
) -> Response:
    """Answer a call. `act` does it, and returns nothing secret; `show` makes the body from that, also a day later.

    Raises ApiProblem, and whatever `act` does, after which the call may be made anew.
    """
    if call.idempotency_key is None:
        kept = await act()
        return JSONResponse(await show(kept.answer), kept.status)
    calls, claim = IdempotentCalls(context.database), str(uuid4())
    key_id, key = call.caller.key_id, call.idempotency_key
    try:
        before = await run_in_threadpool(calls.begin, key_id, key, call.digest, claim, context.clock())
    except OtherCall:
        raise ApiProblem(Code.IDEMPOTENCY_KEY_REUSED, "This key was sent with another path or body.") from None
    except UnderWay:
        raise ApiProblem(
            Code.IN_PROGRESS, "The same call came a moment ago and has no answer yet.", {"Retry-After": "1"}
        ) from None
    if before is not None:
        return JSONResponse(await show(before.answer), before.status, {REPLAYED: "true"})
    try:
        kept = await act()
    except BaseException:
        # If this fails too, the claim ends by itself.
        with suppress(Exception):
            await asyncio.shield(run_in_threadpool(calls.give_up, key_id, key, claim))
        raise
    await run_in_threadpool(calls.keep, key_id, key, claim, kept)
    return JSONResponse(await show(kept.answer), kept.status)


async def as_it_is(answer: dict[str, Any]) -> dict[str, Any]:
    """For an answer that is all that is shown."""
    return answer
