"""What the token endpoint and `atsIntegrations` have in common: reading a request, breaking an answer."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from starlette.requests import ClientDisconnect, Request

from sandbox.answers import Answer, AnswerResponse, Refused, json_answer
from sandbox.edges import vary
from sandbox.faults import Fault
from sandbox.keys import KeySyntaxError, query_pairs
from sandbox.state import LogEntry, Sandbox

#: Bytes of a request, from which on it is a 413.
MAX_BODY = 1_000_000
_CREDENTIAL_NAMES = frozenset({"client_secret", "access_token", "oauth2_access_token", "secret", "token"})

_SPOILING = frozenset(
    {"status", "throttle", "html", "garbage", "empty", "redirect", "varied"}
    | {"truncated", "huge", "lost", "dropped", "hang", "stall"}
)
HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>LinkedIn</title></head>"
    b"<body><h1>Something went wrong</h1><p>Please try again.</p></body></html>"
)
GARBAGE = b'\x00\xff{"errors":{},"results":\xc3\x28 NaN,,'


def sandbox_of(request: Request) -> Sandbox:
    return cast(Sandbox, request.app.state.sandbox)


def open_entry(sandbox: Sandbox, request: Request, operation: str) -> LogEntry:
    """A line of the request log, written on arrival; the answer's status comes later."""
    entry = LogEntry(sandbox.now(), None, request.method, operation)
    sandbox.log.append(entry)
    return entry


def has_credentials_in_url(sandbox: Sandbox, request: Request) -> bool:
    try:
        pairs = query_pairs(request.scope["query_string"].decode("latin-1"))
    except KeySyntaxError:
        pairs = list(request.query_params.multi_items())
    return any(
        name in _CREDENTIAL_NAMES or value in sandbox.secrets or value in sandbox.tokens for name, value in pairs
    )


def content_type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, too_large: Answer) -> bytes:
    """The request's body; one over 1 MB is read to its end, so that the caller gets to see the 413."""
    body, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > 16 * MAX_BODY:
                break
            if size <= MAX_BODY:
                body += chunk
    except ClientDisconnect:
        raise Refused(Answer(delivery="cut")) from None
    if size > MAX_BODY:
        raise Refused(too_large)
    return bytes(body)


async def spoil(
    sandbox: Sandbox,
    request: Request,
    fault: Fault,
    natural: Callable[[], Answer],
    error: Callable[..., Answer],
) -> tuple[Answer, bool] | None:
    """Faults that do not depend on what was asked. None for the others.

    `natural` carries the request out. The second value says whether the caller can tell what has happened.
    """
    if fault.fault not in _SPOILING:
        return None
    answer = natural() if fault.applies else json_answer(200, {"errors": {}, "results": {}})
    match fault.fault:
        case "status":
            status = fault.status or 500
            spoiled = error(status, fault.message, fault.service_error_code, fault.retry_after)
            return spoiled, 400 <= status < 500
        case "throttle":
            retry_after = sandbox.world.retry_after if fault.retry_after is None else fault.retry_after
            return error(429, retry_after=retry_after), True
        case "html":
            return _page(fault), False
        case "varied":
            vary(answer, fault.how, fault.bytes if "bytes" in fault.model_fields_set else None)
            return answer, True
        case "garbage":
            return Answer(200, GARBAGE, {"content-type": "application/json"}), False
        case "empty":
            return Answer(200, b"", {"content-type": "application/json"}), False
        case "redirect":
            return Answer(fault.status or 302, b"", {"location": fault.location or "/"}), False
        case "truncated":
            # Of an answer without a body nothing can be missing but the whole.
            return replace(answer, delivery="truncated" if answer.body else "cut"), False
        case "huge":
            return Answer(200, b"", {"content-type": "application/json"}, "huge", fault.bytes), False
        case "lost" | "dropped":
            return Answer(delivery="reset" if fault.reset else "cut"), False
        case "hang":
            if not await sandbox.pause(fault.seconds or 0):
                return Answer(delivery="cut"), False
            return answer, not is_gone(request)
        case "stall":
            if not await sandbox.pause(fault.seconds or 0):
                return Answer(delivery="cut"), False
            return natural(), not is_gone(request)
    raise AssertionError(fault.fault)


def _page(fault: Fault) -> Answer:
    """From whoever answered in LinkedIn's place."""
    headers = {"content-type": fault.content_type or "text/html; charset=utf-8"}
    if fault.server is not None:
        headers["server"] = fault.server
    return Answer(fault.status or 200, HTML_PAGE if fault.body is None else fault.body.encode(), headers)


def is_gone(request: Request) -> bool:
    """Whether the caller hung up meanwhile. In-process callers have no connection and count as present."""
    transport = request.scope.get("sandbox.transport")
    return transport is not None and transport.is_closing()


def close_entry(entry: LogEntry, answer: Answer) -> None:
    entry.status = None if answer.delivery in ("cut", "reset") else answer.status


def respond(sandbox: Sandbox, entry: LogEntry, answer: Answer) -> AnswerResponse:
    """Closes the log's line and dresses the answer as all of this world's are."""
    close_entry(entry, answer)
    if sandbox.world.server is not None:
        answer.headers.setdefault("server", sandbox.world.server)
    vary(answer, sandbox.world.answers_varied)
    return AnswerResponse(answer)
