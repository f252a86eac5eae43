"""A call under an access token: one renewal if LinkedIn rejects it, and an error with a reason for any refusal."""

from collections.abc import Container, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from greenlight.domain.reasons import Reason
from greenlight.linkedin.answers import NotJson, read_object
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered, from_status, parse_retry_after
from greenlight.linkedin.oauth import Credentials, Operation, RequestCounts, Tokens
from greenlight.linkedin.transport import Answered, NoAnswer, Wire

_OK = frozenset({200})


class Meter(Protocol):
    """A limit on requests, by client id. `before` raises Refused where none may be sent."""

    async def before(self, client_id: str, *, leave_owed: bool) -> None: ...

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None: ...


class Unmetered:
    """For calls that no limit is known of."""

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

    async def send(
        self,
        credentials: Credentials,
        operation: Operation,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        ok: Container[int] = _OK,
        leave_owed: bool = False,
    ) -> tuple[Answered, tuple[str, ...]]:
        """The answer, and what must not be quoted of it. Raises LinkedInError for any status that is not `ok`.

        `leave_owed` asks the meter to keep what it owes to others.
        """
        used: list[str] = []
        while True:
            try:
                token = await self._tokens.get(credentials, rejected=used[-1] if used else None)
            except LinkedInError as error:
                # Whatever the token endpoint did, the request itself was not sent.
                raise Refused(error.reason, error.detail, retry_after=error.retry_after) from None
            used.append(token)
            await self._meter.before(credentials.client_id, leave_owed=leave_owed)
            self._counts.add(operation)
            try:
                answer = await self._wire.exchange(
                    method,
                    url,
                    headers={**(headers or {}), "Authorization": f"Bearer {token}"},
                    content=content,
                )
            except NoAnswer as error:
                raise Unanswered(Reason.LINKEDIN_UNAVAILABLE, str(error)) from None
            retry_after = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
            await self._meter.after(credentials.client_id, throttled=answer.status == 429, retry_after=retry_after)
            if answer.status == 401 and len(used) == 1:
                continue
            if answer.status == 401:
                self._tokens.forget(credentials, token)
            hidden = (credentials.client_secret.get_secret_value(), *used)
            if answer.status not in ok:
                raise _whole_request_error(answer, hidden, retry_after)
            return answer, hidden


def _whole_request_error(answer: Answered, hide: tuple[str, ...], retry_after: float | None) -> LinkedInError:
    body = None
    with suppress(NotJson):
        body = read_object(answer.body)
    return from_status(answer.status, body, hide=hide, retry_after=retry_after)
