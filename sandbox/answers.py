"""What goes back to the caller: LinkedIn's bodies (docs/linkedin.md#error-bodies), and how a connection can break."""

import asyncio
import json
import random
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sandbox.keys import Key, spell, two_spellings

Delivery = Literal["whole", "truncated", "huge", "cut", "reset"]

_JSON = "application/json"
_OWN_ERROR = "X-LinkedIn-Error-Response"
_ATTESTED: dict[int, tuple[int | None, str]] = {
    401: (65600, "Invalid access token"),
    403: (100, "Not enough permissions to access: POST /atsIntegrations"),
    429: (101, "Resource level throttle limit for calls to this resource is reached."),
}
#: Bytes of a body without an end that are sent at once.
_CHUNK = b"x" * 65536


class ConnectionCut(ConnectionResetError):
    """Raised to an in-process caller, where there is no connection that could be cut."""


@dataclass
class Answer:
    """One HTTP answer and how much of it arrives. `titled`: its header names come as `Content-Type`."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delivery: Delivery = "whole"
    size: int | None = None
    titled: bool = False

    @property
    def kills_token(self) -> bool:
        """Whether it is the API that answers 401, and not a page of somebody in between."""
        return self.status == 401 and self.delivery == "whole" and _OWN_ERROR in self.headers


class Refused(Exception):
    """A request that LinkedIn itself would turn down; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class Batch:
    """The maps of a batch answer, by key. `twins` is a second, contradicting entry for the same key."""

    results: dict[Key, dict[str, Any]] = field(default_factory=dict)
    errors: dict[Key, dict[str, Any]] = field(default_factory=dict)
    twins: dict[Key, dict[str, Any]] = field(default_factory=dict)

    def answer(self, rng: random.Random, *, with_statuses: bool, version: str = "1.0.0") -> Answer:
        """`statuses` belongs to verify alone (docs/linkedin.md#verify)."""

        def spelled(key: Key) -> str:
            return spell(key, rng) if version == "1.0.0" else key.in_brackets()

        def spelled_twice(key: Key) -> tuple[str, str]:
            return two_spellings(key) if version == "1.0.0" else (key.in_brackets(), key.in_brackets(backwards=True))

        errors, statuses = {}, {}
        for key, value in self.errors.items():
            spelling = spelled(key)
            errors[spelling] = value
            statuses[spelling] = value["status"]
        results: dict[str, dict[str, Any]] = {}
        for key, value in self.results.items():
            if key in self.twins:
                first, second = spelled_twice(key)
                results |= {first: value, second: self.twins[key]}
            else:
                results[spelled(key)] = value
        body: dict[str, Any] = {"errors": errors, "results": results}
        if with_statuses:
            body["statuses"] = statuses
        return json_answer(200, body)


def json_answer(status: int, body: object, **headers: str) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"content-type": _JSON, **headers})


def api_error(
    status: int, message: str | None = None, code: int | None = None, retry_after: int | str | None = None
) -> Answer:
    """LinkedIn's error envelope; without a message, the attested text of that status or the HTTP phrase."""
    attested_code, attested = _ATTESTED.get(status, (None, _phrase(status)))
    code = attested_code if code is None and message is None else code
    body: dict[str, Any] = {} if code is None else {"serviceErrorCode": code}
    if status == 426:
        body["code"] = "NONEXISTENT_VERSION"
    body |= {"message": attested if message is None else message, "status": status}
    answer = json_answer(status, body)
    answer.headers[_OWN_ERROR] = "true"
    return _finished(answer, retry_after)


def oauth_error(
    status: int,
    message: str | None = None,
    code: int | None = None,
    retry_after: int | str | None = None,
    *,
    error: str | None = None,
) -> Answer:
    """The token endpoint's own shape (docs/linkedin.md#tokens); it has no numeric code, `code` is ignored."""
    default = "invalid_request" if status < 429 else "temporarily_unavailable" if status < 500 else "server_error"
    body = {"error": error or default, "error_description": _phrase(status) if message is None else message}
    return _finished(json_answer(status, body), retry_after)


def _finished(answer: Answer, retry_after: int | str | None) -> Answer:
    if answer.status in (204, 205, 304):
        answer.body = b""
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unexpected status"


class AnswerResponse(Response):
    """Sends an `Answer`, or as much of it as is to arrive."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, answer.status, answer.headers)
        if answer.status == 204:
            del self.headers["content-length"]
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport | None = scope.get("sandbox.transport")
        if self.answer.titled:
            send = _titled(send)
        match self.answer.delivery:
            case "whole":
                await super().__call__(scope, receive, send)
                return
            case "huge":
                await self._send_huge(send, transport)
                return
            case "truncated":
                self.headers["content-length"] = str(len(self.body) + 64)
                await self._start(send)
                half = bytes(self.body[: max(1, len(self.body) // 2)])
                await send({"type": "http.response.body", "body": half, "more_body": True})
            case "cut" | "reset":
                pass
        if transport is None:
            raise ConnectionCut("the sandbox cut this connection")
        if self.answer.delivery == "truncated":
            transport.close()  # unlike abort, this lets the first half leave
        else:
            if self.answer.delivery == "reset" and (sock := transport.get_extra_info("socket")):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        # The server takes a call for failed that returns unanswered before it knows that the caller is gone.
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _send_huge(self, send: Send, transport: asyncio.Transport | None) -> None:
        del self.headers["content-length"]
        await self._start(send)
        await send({"type": "http.response.body", "body": b'{"errors":{},"results":{"', "more_body": True})
        for chunk in _filler(self.answer.size, endless_allowed=transport is not None):
            if transport is not None and transport.is_closing():
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _titled(send: Send) -> Send:
    async def titled(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [(name.title(), value) for name, value in message["headers"]]
        await send(message)

    return titled


def _filler(size: int | None, *, endless_allowed: bool) -> Iterator[bytes]:
    left = size if size is not None or endless_allowed else 50_000_000
    while left is None or left > 0:
        yield _CHUNK if left is None else _CHUNK[:left]
        left = None if left is None else left - len(_CHUNK)
