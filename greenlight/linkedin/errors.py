"""What can go wrong in a call to LinkedIn, as values with a reason code (docs/linkedin.md#enables-error-table)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from greenlight.domain.budget import day_ends
from greenlight.domain.conditions import WORTH_REPEATING
from greenlight.domain.reasons import EXPLANATIONS, Reason
from greenlight.errors import LinkedInTrouble

#: A longer Retry-After is not waited for; the item is left to a later run.
MAX_RETRY_AFTER_SECONDS = 30.0


class LinkedInError(LinkedInTrouble):
    """A call that did not give what was asked for. The text is fixed or cleaned: never a secret, never an address."""

    def __init__(self, reason: Reason, detail: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason, self.remedy = reason, EXPLANATIONS[reason].remedy
        self.detail = detail
        self.retry_after = retry_after

    @property
    def worth_repeating(self) -> bool:
        """Whether the same call may succeed in a moment, and LinkedIn did not ask for a longer silence."""
        patient = self.retry_after is None or self.retry_after <= MAX_RETRY_AFTER_SECONDS
        return patient and self.reason in WORTH_REPEATING


class Refused(LinkedInError):
    """The request had no effect: LinkedIn said no, or it was not sent."""


class Unclear(LinkedInError):
    """An answer that does not say whether the request had an effect."""


class Unanswered(Unclear):
    """No answer at all: the request may even be still on its way."""


#: What tells the rows of HTTP 400 apart: they share the status and have no other code (docs/linkedin.md#error-bodies).
_TEXTS_OF_400 = (
    ("already enabled", Reason.ALREADY_ENABLED),
    ("batch request mismatch", Reason.KEY_MISMATCH),
    ("duplicate key in batch request", Reason.KEY_MISMATCH),
    ("key parts are incomplete", Reason.KEY_INCOMPLETE),
    ("invalid integration context", Reason.INVALID_CONTEXT),
)


def from_status(
    status: int,
    body: Mapping[str, Any] | None,
    *,
    hide: tuple[str, ...] = (),
    retry_after: float | None = None,
) -> LinkedInError:
    """The error for an HTTP status, or for the status of one entity inside an answer, other than success.

    `body` is LinkedIn's error object if there is one; `hide` are strings that must not appear in the detail.
    """
    message = (body or {}).get("message")
    text = message if isinstance(message, str) else ""
    code = (body or {}).get("serviceErrorCode")
    service = f" ({code})" if isinstance(code, int) and code else ""
    # What has taken the number's place in Rest.li (docs/linkedin.md#error-bodies).
    word = (body or {}).get("code")
    service += f" ({word})" if isinstance(word, str) and word else ""
    detail = clean(f"HTTP {status}{service} {text}", hide)
    folded = re.sub(r"\s+", " ", text).lower()
    match status:
        case 400:
            found = (reason for words, reason in _TEXTS_OF_400 if words in folded)
            return Refused(next(found, Reason.REQUEST_REFUSED), detail)
        case 401:
            return Refused(Reason.TOKEN_REJECTED, detail)
        case 403:
            return Refused(Reason.WRONG_CREDENTIALS, detail)
        case 404 if "no record found" in folded:
            return Refused(Reason.NOT_REQUESTED, detail)
        case 429:
            if names_the_day(text):
                retry_after = seconds_to_day_end()
            return Refused(Reason.THROTTLED, detail, retry_after=retry_after)
        case _ if status == 408 or status >= 500:
            return Unclear(Reason.LINKEDIN_UNAVAILABLE, detail, retry_after=retry_after)
        case _ if 400 <= status < 500:
            return Refused(Reason.REQUEST_REFUSED, detail)
        case _:
            return Unclear(Reason.UNREADABLE_ANSWER, detail)


def names_the_day(text: str) -> bool:
    """Whether a limit is the day's, which no wait within a run outlasts: "… throttle APPLICATION DAY limit …"."""
    return re.search(r"\b(day|daily)\b", text, re.IGNORECASE) is not None


def seconds_to_day_end() -> float:
    now = datetime.now(UTC)
    return (day_ends(now) - now).total_seconds()


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait, from either form of the header; None for one that is absent, past or not understood."""
    if not text:
        return None
    if seconds := re.match(r"\s*([0-9]+)\s*(?:,|$)", text, re.ASCII):
        return float(seconds[1])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - now).total_seconds()
    return wait if wait > 0 else None


_SECRET_LOOKING = re.compile(
    r"(?i)\b(bearer\s+|(?:access_token|client_secret|token|secret)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,}]+"
)


def clean(text: str, hide: tuple[str, ...] = ()) -> str:
    """Foreign text made fit to show: one printable line of at most 200 characters without secrets."""
    for secret in filter(None, hide):
        text = text.replace(secret, "[hidden]").replace(quote(secret, safe=""), "[hidden]")
    text = _SECRET_LOOKING.sub(r"\1[hidden]", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= 200 else text[:197] + "..."
