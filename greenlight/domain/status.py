"""What LinkedIn says of one integration (docs/linkedin.md#verify)."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Onboarding status as we know it. Only REQUESTED can be enabled by us."""

    NOT_REQUESTED = "NOT_REQUESTED"
    REQUESTED = "REQUESTED"
    PARTNER_READY = "PARTNER_READY"
    ENABLED = "ENABLED"
    #: Never looked at, or LinkedIn answered with a status this version does not know.
    UNKNOWN = "UNKNOWN"


_SAID_BY_LINKEDIN = {s.value: s for s in (Status.REQUESTED, Status.PARTNER_READY, Status.ENABLED)}


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at one integration. `raw` is LinkedIn's own word where it is not one of ours."""

    status: Status
    raw: str | None = None


NOT_REQUESTED = Observation(Status.NOT_REQUESTED)


def parse_onboarding_status(text: str) -> Observation:
    """Read `onboardingStatus`. The names come in prose and as constants, so case and blanks do not count.

    A value that is new to us is an observation too: LinkedIn adds values unasked (docs/linkedin.md#integration-keys).
    """
    folded = re.sub(r"[\s_-]+", "_", text.strip())
    # Only ASCII has one upper case; a letter that merely looks alike is another status.
    known = _SAID_BY_LINKEDIN.get(folded.upper()) if folded.isascii() else None
    return Observation(known) if known is not None else Observation(Status.UNKNOWN, raw=text)
