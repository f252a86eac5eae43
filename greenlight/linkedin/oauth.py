"""OAuth 2.0 client credentials, one client per customer (seed "API Authorization", fact sheet section 4)."""

import asyncio
import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import SecretStr

from greenlight.domain.reasons import Reason
from greenlight.linkedin.answers import NotJson, read_object
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear, clean, from_status, parse_retry_after
from greenlight.linkedin.transport import NoAnswer, Wire

#: A token is renewed this long before it expires, or a tenth of its life if that is less.
LEEWAY_SECONDS = 30.0

Operation: TypeAlias = Literal["token", "verify", "enable", "provision"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A child application's client id and secret. Lives in memory only."""

    client_id: str
    client_secret: SecretStr

    def fingerprint(self) -> str:
        """Tells two secrets apart without being one, so that a rotated secret does not find the old token."""
        return hashlib.sha256(self.client_secret.get_secret_value().encode()).hexdigest()


@dataclass(slots=True)
class RequestCounts:
    """Requests sent in one run, counted before they leave."""

    token: int = 0
    verify: int = 0
    enable: int = 0
    provision: int = 0

    def add(self, operation: Operation) -> None:
        setattr(self, operation, getattr(self, operation) + 1)


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str | None = field(default=None, repr=False)
    good_until: float = 0.0
    refused: Refused | None = None


class Tokens:
    """Access tokens in memory, per client id and fingerprint of its secret. One request at a time for each.

    A refusal is remembered too: a dead credential costs one token request per run, however many items hang on it.
    """

    def __init__(
        self,
        wire: Wire,
        token_url: str,
        counts: RequestCounts,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire = wire
        self._url = token_url
        self._counts = counts
        self._monotonic = monotonic
        self._entries: dict[tuple[str, str], _Entry] = {}

    async def get(self, credentials: Credentials, *, rejected: str | None = None) -> str:
        """A token that is not about to expire and is not `rejected`, one given out before. Raises LinkedInError."""
        entry = self._entry(credentials)
        async with entry.lock:
            if entry.refused is not None:
                raise entry.refused
            # By identity: the endpoint may hand out the same text again, and that is a renewal all the same.
            if entry.token is None or entry.token is rejected or self._monotonic() >= entry.good_until:
                entry.token = None
                try:
                    token, lifetime = await self._request(credentials)
                except Refused as refused:
                    if refused.reason is Reason.CREDENTIALS_REFUSED:
                        entry.refused = refused
                    raise
                entry.token = token
                entry.good_until = self._monotonic() + lifetime - min(LEEWAY_SECONDS, lifetime / 10)
            return entry.token

    def forget(self, credentials: Credentials, token: str) -> None:
        """Never give out this token again: LinkedIn rejected it although it was fresh."""
        entry = self._entry(credentials)
        if entry.token is token:
            entry.token = None

    def _entry(self, credentials: Credentials) -> _Entry:
        return self._entries.setdefault((credentials.client_id, credentials.fingerprint()), _Entry())

    async def _request(self, credentials: Credentials) -> tuple[str, float]:
        secret = credentials.client_secret.get_secret_value()
        self._counts.add("token")
        try:
            answer = await self._wire.exchange(
                "POST",
                self._url,
                form={
                    "grant_type": "client_credentials",
                    "client_id": credentials.client_id,
                    "client_secret": secret,
                },
            )
        except NoAnswer as error:
            raise Unclear(Reason.LINKEDIN_UNAVAILABLE, f"token endpoint: {error}") from None
        try:
            body = read_object(answer.body)
        except NotJson as error:
            body, unreadable = {}, str(error)
        else:
            unreadable = "no access_token with a positive expires_in"
        if answer.status != 200:
            retry_after = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
            raise _refusal(answer.status, body, secret, retry_after)
        token, lifetime = body.get("access_token"), _seconds(body.get("expires_in"))
        if not isinstance(token, str) or not _fits_a_header(token) or lifetime is None:
            raise Unclear(Reason.UNREADABLE_ANSWER, f"token endpoint: {unreadable}")
        return token, lifetime


def _refusal(status: int, body: dict[str, object], secret: str, retry_after: float | None) -> LinkedInError:
    if 400 <= status < 500 and status not in (408, 429):
        words = " ".join(str(body[name]) for name in ("error", "error_description") if body.get(name))
        return Refused(Reason.CREDENTIALS_REFUSED, clean(f"token endpoint: HTTP {status} {words}", (secret,)))
    error = from_status(status, None, retry_after=retry_after)
    error.detail = f"token endpoint: HTTP {status}"
    return error


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _fits_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable() and " " not in token
