"""What the API answers when it does not do what was asked: problem documents (RFC 9457), each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match, Route

from greenlight.ats.store import UnknownCustomer
from greenlight.domain.reasons import Mover
from greenlight.errors import DatabaseTrouble
from portal.guards import Errors
from portal.refusals import Refusal, TooOften

MEDIA_TYPE = "application/problem+json"


class Code(StrEnum):
    """Reasons of the API's own; those of integrations are `greenlight.domain.reasons`."""

    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    MISSING_SCOPE = "MISSING_SCOPE"
    NOT_FOUND = "NOT_FOUND"
    UNKNOWN_CUSTOMER = "UNKNOWN_CUSTOMER"
    UNKNOWN_INTEGRATION = "UNKNOWN_INTEGRATION"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    BODY_TOO_SLOW = "BODY_TOO_SLOW"
    CANNOT_WITHDRAW = "CANNOT_WITHDRAW"
    PAUSED_BY_ANOTHER = "PAUSED_BY_ANOTHER"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    INVALID_INPUT = "INVALID_INPUT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    THROTTLED = "THROTTLED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is always the same of one reason."""

    status: int
    title: str
    remedy: str
    whose_move: Mover = Mover.US


KINDS: dict[Code, Kind] = {
    Code.BAD_REQUEST: Kind(400, "The request cannot be read.", "Correct what the detail names."),
    Code.UNAUTHENTICATED: Kind(
        401,
        "The call has no good key.",
        "Send `Authorization: Bearer KEY` with a key of `greenlight api-key create` that is neither revoked nor over.",
    ),
    Code.MISSING_SCOPE: Kind(
        403, "The key may not do this.", "Use a key that has the scope: `greenlight api-key create NAME --scope SCOPE`."
    ),
    Code.NOT_FOUND: Kind(404, "There is nothing here.", "See `/v1/openapi.json` for what there is."),
    Code.UNKNOWN_CUSTOMER: Kind(404, "No such customer is on record.", "Create it with `PUT /v1/customers/ID`."),
    Code.UNKNOWN_INTEGRATION: Kind(
        404, "The customer has no such integration.", "See `GET /v1/customers/ID/integrations` for those that it has."
    ),
    Code.METHOD_NOT_ALLOWED: Kind(405, "This cannot be done here.", "Use one of the methods in `Allow`."),
    Code.BODY_TOO_SLOW: Kind(408, "The body took too long.", "Send it again."),
    Code.CANNOT_WITHDRAW: Kind(409, "It cannot be withdrawn now.", "Do what the detail says, then send it again."),
    Code.PAUSED_BY_ANOTHER: Kind(
        409, "It is not a key's pause.", "Ask whom the detail names; `greenlight resume ID` ends any pause."
    ),
    Code.BODY_TOO_LARGE: Kind(413, "The body is too large.", "Send no more than the detail says."),
    Code.UNSUPPORTED_MEDIA_TYPE: Kind(415, "The body is not JSON.", "Send it as `application/json`, not compressed."),
    Code.INVALID_INPUT: Kind(422, "What was given cannot be used.", "Correct what the detail names."),
    Code.IDEMPOTENCY_KEY_REUSED: Kind(
        422, "This Idempotency-Key was another call's.", "Give each call a key of its own, like a random UUID."
    ),
    Code.THROTTLED: Kind(
        429, "Too many calls in a minute.", "Wait for the seconds in `Retry-After`, then go on.", Mover.NOBODY
    ),
    Code.INTERNAL_ERROR: Kind(500, "Something failed here.", "Send it again; if it lasts, see the portal's log."),
    Code.DATABASE_UNAVAILABLE: Kind(
        503, "The database cannot be used now.", "Send it again; if it lasts, `greenlight doctor` says what is wrong."
    ),
}
_BY_STATUS: dict[int, Code] = {kind.status: code for code, kind in reversed(KINDS.items())}
#: What any call may be answered with.
USUAL = (
    Code.BAD_REQUEST,
    Code.UNAUTHENTICATED,
    Code.MISSING_SCOPE,
    Code.THROTTLED,
    Code.INTERNAL_ERROR,
    Code.DATABASE_UNAVAILABLE,
)
#: What a call with a body may be answered with besides.
WITH_BODY = (
    Code.BODY_TOO_SLOW,
    Code.BODY_TOO_LARGE,
    Code.UNSUPPORTED_MEDIA_TYPE,
    Code.INVALID_INPUT,
)
#: What a call may be answered with besides that may be sent again, and needs no body.
REPEATED = (*(code for code in WITH_BODY if code is not Code.UNSUPPORTED_MEDIA_TYPE), Code.IDEMPOTENCY_KEY_REUSED)


class ApiProblem(Exception):
    """An answer in place of what was asked. The detail is shown to the caller and quotes no secret."""

    def __init__(self, code: Code, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = headers


def problem_of(code: Code, detail: str, docs_url: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as an answer."""
    kind = KINDS[code]
    document = {
        "type": f"{docs_url}#{code.lower()}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "reason": code.value,
        "whose_move": kind.whose_move.value,
        "remedy": kind.remedy,
    }
    return JSONResponse(document, kind.status, headers, media_type=MEDIA_TYPE)


def add_problems(app: FastAPI, docs_url: str) -> None:
    """Every error of this application becomes a problem document."""

    def answer(code: Code, detail: str, headers: Mapping[str, str] | None = None) -> Response:
        return problem_of(code, detail, docs_url, headers)

    async def problem(_: Request, error: Exception) -> Response:
        problem = cast(ApiProblem, error)
        return answer(problem.code, problem.detail, problem.headers)

    async def unknown(_: Request, __: Exception) -> Response:
        return answer(Code.UNKNOWN_CUSTOMER, "No customer of this id is on record.")

    async def refused(_: Request, error: Exception) -> Response:
        refusal = cast(Refusal, error)
        return answer(_BY_STATUS[refusal.status], refusal.sentence)

    async def too_often(_: Request, error: Exception) -> Response:
        wait = cast(TooOften, error).retry_after
        return answer(Code.THROTTLED, f"Wait for {wait} s.", {"Retry-After": str(wait)})

    async def invalid(_: Request, error: Exception) -> Response:
        first = cast(RequestValidationError, error).errors()[0]
        # Not what was given: it may be anything.
        return answer(Code.INVALID_INPUT, f"{'.'.join(str(part) for part in first['loc'][1:])}: {first['msg']}.")

    async def other(request: Request, error: Exception) -> Response:
        if cast(HTTPException, error).status_code != 405:
            return answer(Code.NOT_FOUND, "No route has this path.")
        allow = {"Allow": ", ".join(allowed_at(app, request))}
        if request.method == "OPTIONS":
            # No browser's page may call this API, so nothing is said of origins.
            return Response(status_code=204, headers=allow)
        return answer(Code.METHOD_NOT_ALLOWED, f"{request.method} is none of {allow['Allow']}.", allow)

    async def failed(_: Request, status: int) -> Response:
        return answer(Code.INTERNAL_ERROR, "The portal's log says where.")

    async def database(_: Request, __: Exception) -> Response:
        return answer(Code.DATABASE_UNAVAILABLE, "Nothing is known of what this call would have changed.")

    app.add_exception_handler(ApiProblem, problem)
    app.add_exception_handler(UnknownCustomer, unknown)
    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(TooOften, too_often)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(DatabaseTrouble, database)
    app.add_middleware(Errors, page=failed)


def allowed_at(app: FastAPI, request: Request) -> list[str]:
    """All methods of a path, which several routes may share."""
    routes = [route for route in app.routes if isinstance(route, Route)]
    there = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in there for method in route.methods or ()})


def described(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI is told of a route's problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status = str(KINDS[code].status)
        before = f"{told[status]['description']} Or: " if status in told else ""
        told[status] = {"description": f"{before}`{code}`: {KINDS[code].title}", "content": content}
    return told
