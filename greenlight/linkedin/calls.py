"""A call under an access token: one renewal if LinkedIn rejects it, and an error with a reason for any refusal."""

from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from greenlight.domain.reasons import Reason
from greenlight.linkedin.answers import NotJson, read_object
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered, from_status, parse_retry_after
from greenlight.linkedin.oauth import Credentials, Operation, RequestCounts, Tokens
from greenlight.linkedin.transport import Answered, NoAnswer, Wire

_OK = frozenset({200})


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `leave_owed` asks the meter to keep what it owes to others; `still` says whether it may yet leave."""

    operation: Operation
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    ok: Container[int] = _OK
    leave_owed: bool = False
    still: Callable[[], bool] | None = None


class Meter(Protocol):
    """A limit on requests, by client id.

    Both `check` and `before` raise Refused where none may be sent; `before` counts one that is about to leave.
    """

    async def check(self, client_id: str, *, leave_owed: bool) -> None: ...

    async def before(self, client_id: str, *, leave_owed: bool) -> None: ...

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None: ...


class Unmetered:
    """For calls that no limit is known of."""

    async def check(self, client_id: str, *, leave_owed: bool) -> None:
        pass

    async def before(self, client_id: str, *, leave_owed: bool) -> None:
        pass

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None:
        pass


class Calls:
    """Sends calls for any application, whose tokens are kept apart; each is counted before it leaves."""

    def __init__(self, wire: Wire, tokens: Tokens, counts: RequestCounts, meter: Meter | None = None) -> None:
        self._wire = wire
        self._tokens = tokens
        self._counts = counts
        self._meter = meter or Unmetered()

    async def send(self, credentials: Credentials, call: Call) -> tuple[Answered, tuple[str, ...]]:
        """The answer, and what must not be quoted of it. Raises LinkedInError for any status that is not `ok`."""
        try:
            return await self._send(credentials, call)
        except LinkedInError as error:
            # The frames that it came through hold the secret and the token.
            raise error.with_traceback(None) from None

    async def _send(self, credentials: Credentials, call: Call) -> tuple[Answered, tuple[str, ...]]:
        client_id, used = credentials.client_id, list[str]()

        async def ready() -> None:
            await self._meter.before(client_id, leave_owed=call.leave_owed)
            if call.still is not None and not call.still():
                raise Refused(Reason.LINKEDIN_UNAVAILABLE, "not sent: the way to it took too long")
            self._counts.add(call.operation)

        await self._meter.check(client_id, leave_owed=call.leave_owed)
        while True:
            try:
                token = await self._tokens.get(credentials, rejected=used[-1] if used else None)
            except LinkedInError as error:
                # Whatever the token endpoint did, the request itself was not sent.
                raise Refused(error.reason, error.detail, retry_after=error.retry_after) from None
            used.append(token)
            try:
                answer = await self._wire.exchange(
                    call.method,
                    call.url,
                    headers={**call.headers, "Authorization": f"Bearer {token}"},
                    content=call.content,
                    ready=ready,
                )
            except NoAnswer as error:
                raise Unanswered(Reason.LINKEDIN_UNAVAILABLE, str(error)) from None
            retry_after = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
            await self._meter.after(client_id, throttled=answer.status == 429, retry_after=retry_after)
            if answer.status == 401 and len(used) == 1:
                continue
            if answer.status == 401:
                self._tokens.forget(credentials, token)
            hidden = (credentials.client_secret.get_secret_value(), *used)
            if answer.status not in call.ok:
                raise _whole_request_error(answer, hidden, retry_after)
            return answer, hidden


def _whole_request_error(answer: Answered, hide: tuple[str, ...], retry_after: float | None) -> LinkedInError:
    body = None
    with suppress(NotJson):
        body = read_object(answer.body)
    return from_status(answer.status, body, hide=hide, retry_after=retry_after)
