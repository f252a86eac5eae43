"""`Idempotency-Key`: a call that is sent again changes nothing again, and has the answer that it had."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from greenlight.ats.api_keys import Caller
from greenlight.ats.idempotency import Answered, Asked, IdempotentCalls, OtherCall
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


def _nothing(_: dict[str, Any]) -> None:
    return


async def once(
    context: PortalContext,
    customer_id: str,
    call: Call,
    act: Callable[[], Answered],
    show: Callable[[dict[str, Any]], dict[str, Any]],
    then: Callable[[dict[str, Any]], None] = _nothing,
) -> Response:
    """Answer a call about a customer.

    `act` does it in a thread, as `IdempotentCalls.answer` has it, and returns nothing secret; `then` is called with
    that once it is on record, not for a call that is sent again; `show` makes the body from it in a thread, also a
    day later.
    Raises ApiProblem, UnknownCustomer, and whatever `act` does.
    """
    asked = Asked(customer_id, call.caller.key_id, call.idempotency_key, call.digest)
    try:
        made = await run_in_threadpool(IdempotentCalls(context.database).answer, asked, act, context.clock())
    except OtherCall:
        raise ApiProblem(Code.IDEMPOTENCY_KEY_REUSED, "This key was sent with another path or body.") from None
    if not made.is_replayed:
        then(made.answer)
    body = await run_in_threadpool(show, made.answer)
    return JSONResponse(body, made.status, {REPLAYED: "true"} if made.is_replayed else None)


def as_it_is(answer: dict[str, Any]) -> dict[str, Any]:
    """For an answer that is all that is shown."""
    return answer
