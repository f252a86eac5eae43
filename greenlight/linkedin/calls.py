"""A call under an access token: one renewal if LinkedIn rejects it, and an error with a reason for any refusal."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered, parse_retry_after
from greenlight.linkedin.oauth import Credentials, Operation, RequestCounts, Tokens
from greenlight.linkedin.transport import Answered, NoAnswer, Wire
from greenlight.linkedin.verdicts import api_words, foreign_success, whole_request_error

_log = logging.getLogger("greenlight.linkedin")

_OK = frozenset({200})
#: What a token that has just been issued may need before the API knows it (docs/linkedin.md#tokens).
SETTLING_SECONDS = 1.0
#: The one that was held, a fresh one, and a fresh one that was given its moment.
_MOST_TOKENS = 3
#: LinkedIn's number for a revoked token.
_REVOKED = 65601


async def _nothing() -> None:
    pass


class Counted(NamedTuple):
    """A request that was counted: whether it may leave on that count still, and what takes it back if it never left."""

    lasts: Callable[[], bool] = lambda: True
    give_back: Callable[[], Awaitable[None]] = _nothing


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `keep_reserve` asks the meter to keep what is reserved; `still` says whether it may yet leave.

    `counted` is what was counted for it already, with something else. `expects` are the members of which a successful
    answer has at least one; without any its body may be empty.
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
    counted: Counted | None = None


class Meter(Protocol):
    """A limit on requests, by client id.

    Both `check` and `before` raise Refused where none may be sent; `before` counts one that is about to leave.
    """

    async def check(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> None: ...

    async def before(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> Counted: ...

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None: ...


class Unmetered:
    """For calls that no limit is known of."""

    async def check(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> None:
        pass

    async def before(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> Counted:
        return Counted()

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None:
        pass


class _Leaving:
    """What stands between a call and its leaving: its time, and its count."""

    def __init__(self, call: Call, client_id: str, meter: Meter, sent: RequestCounts) -> None:
        self._call, self._client_id, self._meter, self._sent = call, client_id, meter, sent
        #: What is counted for it and has not left.
        self.counted = call.counted
        #: Why it is sent again.
        self.rejected: LinkedInError | None = None

    def _in_time(self) -> None:
        if self._call.still is not None and not self._call.still():
            raise self.rejected or Refused(Reason.LINKEDIN_UNAVAILABLE, "not sent: the way to it took too long")

    async def ready(self) -> None:
        self._in_time()
        if self.counted is None or not self.counted.lasts():
            call = self._call
            self.counted = await self._meter.before(self._client_id, call.operation, keep_reserve=call.keep_reserve)

    async def give_back(self) -> None:
        """Take back what is counted and has not left. Where that fails it stays counted, and what came stays why."""
        if self.counted is not None:
            try:
                await self.counted.give_back()
            except Exception as error:
                _log.warning("a request that never left stays counted (%s)", type(error).__name__)

    def leaves(self) -> bool:
        self._in_time()
        if self.counted is None or not self.counted.lasts():
            return False
        self.counted = None
        self._sent.add(self._call.operation)
        return True


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
        leaving = _Leaving(call, credentials.client_id, self._meter, self._counts)
        try:
            return await self._send_until_answered(credentials, call, leaving)
        except BaseException:
            # Also where this is cancelled: it is asked for before anything is waited for.
            await leaving.give_back()
            raise

    async def _send_until_answered(
        self, credentials: Credentials, call: Call, leaving: _Leaving
    ) -> tuple[Answered, tuple[str, ...]]:
        client_id, used = credentials.client_id, list[str]()
        if leaving.counted is None and not self._tokens.held(credentials):
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
                    ready=leaving.ready,
                    leaving=leaving.leaves,
                    # Its intent is on record, and ages.
                    urgent=call.operation == "enable",
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
            leaving.rejected = error
            if len(used) == 1 or (len(used) < _MOST_TOKENS and _says_revoked(answer)):
                continue
            self._tokens.forget(credentials, token)
            raise error


def _error_of(answer: Answered, call: Call, hide: tuple[str, ...]) -> LinkedInError | None:
    if answer.status in call.ok:
        return foreign_success(answer, call.url, call.expects, hide=hide)
    retry_after = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
    return whole_request_error(answer, call.url, hide=hide, retry_after=retry_after)


def _says_revoked(answer: Answered) -> bool:
    """What the API has been seen to call a token that was only too new for it; time helps no other refusal."""
    return (api_words(answer) or {}).get("serviceErrorCode") == _REVOKED
