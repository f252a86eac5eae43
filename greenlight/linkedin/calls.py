"""A call under an access token: one renewal if LinkedIn rejects it, and an error with a reason for any refusal."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered, parse_retry_after
from greenlight.linkedin.oauth import Credentials, Operation, RequestCounts, Tokens
from greenlight.linkedin.transport import Answered, NoAnswer, Wire
from greenlight.linkedin.verdicts import api_words, foreign_success, whole_request_error

_OK = frozenset({200})
#: What a token that has just been issued may need before the API knows it (docs/linkedin.md#tokens).
SETTLING_SECONDS = 1.0
#: The one that was held, a fresh one, and a fresh one that was given its moment.
_MOST_TOKENS = 3
#: LinkedIn's number for a revoked token.
_REVOKED = 65601


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `keep_reserve` asks the meter to keep what is reserved; `still` says whether it may yet leave.

    `expects` are the members of which a successful answer has at least one; without any its body may be empty.
    """

    operation: Operation
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    ok: Container[int] = _OK
    expects: Collection[str] = ()
    keep_reserve: bool = False
    still: Callable[[], bool] | None = None


class Meter(Protocol):
    """A limit on requests, by client id.

    Both `check` and `before` raise Refused where none may be sent; `before` counts one that is about to leave, and
    returns what tells whether it may still leave on that count.
    """

    async def check(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> None: ...

    async def before(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> Callable[[], bool]: ...

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None: ...


class Unmetered:
    """For calls that no limit is known of."""

    async def check(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> None:
        pass

    async def before(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> Callable[[], bool]:
        return lambda: True

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None:
        pass


class Calls:
    """Sends calls for any application, whose tokens are kept apart; each is counted before it leaves."""

    def __init__(
        self,
        wire: Wire,
        tokens: Tokens,
        counts: RequestCounts,
        meter: Meter | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._wire = wire
        self._tokens = tokens
        self._counts = counts
        self._meter = meter or Unmetered()
        self._sleep = sleep

    def vouch(self, credentials: Credentials) -> None:
        """The API has shown something of the customer's under these."""
        self._tokens.vouch(credentials)

    async def send(self, credentials: Credentials, call: Call) -> tuple[Answered, tuple[str, ...]]:
        """The answer, and what must not be quoted of it. Raises LinkedInError for any status that is not `ok`."""
        try:
            return await self._send(credentials, call)
        except LinkedInError as error:
            # The frames that it came through hold the secret and the token.
            raise error.with_traceback(None) from None

    async def _send(self, credentials: Credentials, call: Call) -> tuple[Answered, tuple[str, ...]]:
        client_id, used = credentials.client_id, list[str]()
        rejected: LinkedInError | None = None
        counted: Callable[[], bool] = _not_yet

        def in_time() -> None:
            if call.still is not None and not call.still():
                raise rejected or Refused(Reason.LINKEDIN_UNAVAILABLE, "not sent: the way to it took too long")

        async def ready() -> None:
            nonlocal counted
            in_time()
            counted = await self._meter.before(client_id, call.operation, keep_reserve=call.keep_reserve)

        def leaving() -> bool:
            in_time()
            if counts := counted():
                self._counts.add(call.operation)
            return counts

        if not self._tokens.held(credentials):
            await self._meter.check(client_id, call.operation, keep_reserve=call.keep_reserve)
        while True:
            try:
                token = await self._tokens.get(credentials, rejected=used[-1] if used else None)
            except LinkedInError as error:
                # Whatever the token endpoint did, the request itself was not sent.
                raise Refused(error.reason, error.detail, retry_after=error.retry_after) from None
            used.append(token)
            if len(used) == _MOST_TOKENS:
                await self._sleep(SETTLING_SECONDS)
            try:
                answer = await self._wire.exchange(
                    call.method,
                    call.url,
                    headers={**call.headers, "Authorization": f"Bearer {token}"},
                    content=call.content,
                    ready=ready,
                    leaving=leaving,
                )
            except NoAnswer as error:
                reason = Reason.NOT_THE_API if error.by_proxy else Reason.LINKEDIN_UNAVAILABLE
                raise (Refused if error.unsent else Unanswered)(reason, str(error)) from None
            hidden = (credentials.client_secret.get_secret_value(), *used)
            error = _error_of(answer, call, hidden)
            if error is None or error.reason is not Reason.NOT_THE_API:
                # Whoever is in between has no part in LinkedIn's limits.
                throttled = error is not None and error.reason is Reason.THROTTLED
                await self._meter.after(
                    client_id, throttled=throttled, retry_after=error.retry_after if error else None
                )
            if error is None:
                return answer, hidden
            if error.reason is not Reason.TOKEN_REJECTED:
                raise error
            rejected = error
            if len(used) == 1 or (len(used) < _MOST_TOKENS and _says_revoked(answer)):
                continue
            self._tokens.forget(credentials, token)
            raise error


def _not_yet() -> bool:
    return False


def _error_of(answer: Answered, call: Call, hide: tuple[str, ...]) -> LinkedInError | None:
    if answer.status in call.ok:
        return foreign_success(answer, call.url, call.expects, hide=hide)
    retry_after = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
    return whole_request_error(answer, call.url, hide=hide, retry_after=retry_after)


def _says_revoked(answer: Answered) -> bool:
    """What the API has been seen to call a token that was only too new for it; time helps no other refusal."""
    return (api_words(answer) or {}).get("serviceErrorCode") == _REVOKED
