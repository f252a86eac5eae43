"""OAuth 2.0 client credentials, one client per customer (docs/linkedin.md#tokens)."""

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
from greenlight.linkedin.errors import (
    LinkedInError,
    Refused,
    Unclear,
    clean,
    names_the_day,
    parse_retry_after,
    seconds_to_day_end,
)
from greenlight.linkedin.transport import Answered, NoAnswer, Wire
from greenlight.linkedin.verdicts import foreign_success, whole_request_error

#: A token is renewed this long before it expires, or a tenth of its life if that is less.
LEEWAY_SECONDS = 30.0
#: The documented life, and the longest that is believed: a longer one is a defect or counted in milliseconds.
LIFE_SECONDS = 1800.0
#: Seconds of a day.
_DAY_SECONDS = 86400.0

_EXPECTS = ("access_token", "expires_in")
#: Errors of RFC 6749 section 5.2, and LinkedIn's own two, that refuse this client or what it asked for.
_REFUSALS = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}
    | {"invalid_scope", "invalid_client_id", "access_denied"}
)
_PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})

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
    vouched: bool = False


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

    def held(self, credentials: Credentials) -> bool:
        """Whether `get` would answer without a request."""
        entry = self._entry(credentials)
        return entry.token is not None and self._monotonic() < entry.good_until

    def worked(self, credentials: Credentials, instead_of: str) -> bool:
        """Whether these are known to be right, in place of others of that client id.

        Another secret of the same application is right where it has got a token; a token alone any application gets,
        so for another one the API must have shown something of the customer's.
        """
        entry = self._entry(credentials)
        return entry.vouched or (entry.token is not None and credentials.client_id == instead_of)

    def vouch(self, credentials: Credentials) -> None:
        """The API has shown something under these."""
        self._entry(credentials).vouched = True

    def forget(self, credentials: Credentials, token: str) -> None:
        """Never give out this token again: LinkedIn rejected it although it was fresh."""
        entry = self._entry(credentials)
        if entry.token is token:
            entry.token = None

    def _entry(self, credentials: Credentials) -> _Entry:
        whose = (credentials.client_id, credentials.fingerprint())
        if (entry := self._entries.get(whose)) is None:
            entry = self._entries[whose] = _Entry()
        return entry

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
            reason = Reason.NOT_THE_API if error.by_proxy else Reason.LINKEDIN_UNAVAILABLE
            raise Unclear(reason, f"token endpoint: {error}") from None
        if answer.status != 200:
            raise _refusal(answer, self._url, secret)
        if (foreign := foreign_success(answer, self._url, _EXPECTS, hide=(secret,))) is not None:
            raise _of_the_token_endpoint(foreign)
        try:
            body = read_object(answer.body)
        except NotJson as error:
            raise Unclear(Reason.UNREADABLE_ANSWER, f"token endpoint: {error}") from None
        token, lifetime = body.get("access_token"), _life(body.get("expires_in"))
        if not isinstance(token, str) or not _fits_a_header(token):
            raise Unclear(Reason.UNREADABLE_ANSWER, "token endpoint: no access_token that can be used")
        if lifetime is None:
            raise Unclear(Reason.UNREADABLE_ANSWER, "token endpoint: expires_in is no number of seconds")
        return token, lifetime


def _refusal(answer: Answered, url: str, secret: str) -> LinkedInError:
    """Only the endpoint's own words speak of the credentials: an `error` of RFC 6749 in JSON."""
    hide, status = (secret,), answer.status
    retry_after = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
    error, words = _oauth_error(answer)
    if error is not None and 400 <= status < 500 and status != 408:
        detail = clean(f"token endpoint: HTTP {status} {words}", hide)
        if status == 429:
            until = seconds_to_day_end() if names_the_day(words) else retry_after
            return Refused(Reason.THROTTLED, detail, retry_after=until)
        if error in _PASSING:
            return Unclear(Reason.LINKEDIN_UNAVAILABLE, detail, retry_after=retry_after)
        return Refused(Reason.CREDENTIALS_REFUSED, detail)
    found = whole_request_error(answer, url, hide=hide, retry_after=retry_after)
    if found.reason in (Reason.THROTTLED, Reason.LINKEDIN_UNAVAILABLE, Reason.UNREADABLE_ANSWER, Reason.NOT_THE_API):
        return _of_the_token_endpoint(found)
    # The API's words say nothing of the credentials here: what they mean for a token is not documented.
    return _of_the_token_endpoint(Refused(Reason.REQUEST_REFUSED, found.detail))


def _oauth_error(answer: Answered) -> tuple[str | None, str]:
    """The error code, None where the answer has none of OAuth's, and the words to show."""
    try:
        body = read_object(answer.body)
    except NotJson:
        return None, ""
    error, description = body.get("error"), body.get("error_description")
    if not isinstance(error, str) or error not in _REFUSALS | _PASSING:
        return None, ""
    if error == "access_denied" and not isinstance(description, str):
        # Gateways say this as well, with nothing beside it.
        return None, ""
    return error, f"{error} {description}" if isinstance(description, str) else error


def _of_the_token_endpoint(error: LinkedInError) -> LinkedInError:
    error.detail = f"token endpoint: {error.detail}"
    return error


def _life(value: object) -> float | None:
    """Seconds that a token may be kept; None for what is no number at all. An unknown life is the documented one."""
    if value is None:
        return LIFE_SECONDS
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        life = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(life):
        return None
    # No token of this flow lives for a day, so such a number is of milliseconds.
    life = life / 1000 if life > _DAY_SECONDS else life
    return min(life, LIFE_SECONDS) if life > 0 else LIFE_SECONDS


def _fits_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable() and " " not in token
