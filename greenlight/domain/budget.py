"""The day's requests to `atsIntegrations`: who may use how many of them, and what a refusal teaches. Pure.

LinkedIn counts 5,000 a UTC day, and says no with 429 (docs/linkedin.md#throttling).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Lane(StrEnum):
    """Whose requests these are, those first whose share nobody else may touch."""

    REALTIME = "realtime"
    OPERATOR = "operator"
    NIGHTLY = "nightly"
    BACKFILL = "backfill"


class Scope(StrEnum):
    """Whose limit it is: each child application's own, or one for all of the parent's."""

    CHILD = "child"
    PARENT = "parent"


#: The one application of a budget whose limit is the parent's.
PARENT = "parent"
#: Percent of the day that is kept for a lane; the lanes after it stop before that.
RESERVED = {Lane.REALTIME: 5, Lane.OPERATOR: 5, Lane.NIGHTLY: 30, Lane.BACKFILL: 0}
#: What one customer may spend of a day that all share, in the real-time lane: with two percent it takes fifty customers
#: at once to spend it. Never less than a click on all integrations that the plugin offers takes, with some looks after.
SHARE_PERCENT, SHARE_AT_LEAST = 2, 20
#: What has to be left of it: a first look is worth nothing without an enable, nor that without a look at what it did.
AFTER_A_LOOK, AFTER_AN_ENABLE = 2, 1
#: 429 answers one after another that park an application: one may be a passing protection of LinkedIn's.
REFUSALS_THAT_PARK = 4
#: A Retry-After up to this is waited for by the run itself.
SHORT_WAIT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SpentToday:
    """One application's UTC day: requests counted, the limit as far as it is known, and until when it is parked."""

    application: str
    spent: int
    by_lane: dict[Lane, int]
    limit: int
    parked_until: datetime | None


def ceiling(limit: int, lane: Lane) -> int:
    """Requests that may have been counted today, by all lanes together, after this lane's next one."""
    before = list(Lane)[: list(Lane).index(lane)]
    return limit - sum(limit * RESERVED[other] // 100 for other in before)


def share(limit: int) -> int:
    """Requests of the day's limit that one customer may spend in the real-time lane where one limit is for all."""
    return max(SHARE_AT_LEAST, limit * SHARE_PERCENT // 100)


def day_ends(now: datetime) -> datetime:
    """The next 00:00 UTC, when LinkedIn's limits begin afresh."""
    return (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def limit_today(configured: int, learned: int | None) -> int:
    return configured if learned is None else min(configured, learned)


def limit_next_day(configured: int, learned: int | None) -> int | None:
    """What a day with a lesson leaves to the next one: half of the difference is given back."""
    if learned is None or learned >= configured:
        return None
    return configured - (configured - learned) // 2


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a 429 means: nothing is sent until then, and the day's limit seems to be this; None for a wait that ends
    before the day does, since that says nothing of it."""

    parked_until: datetime
    learned_limit: int | None


def lesson(spent: int, refusals: int, retry_after: float | None, now: datetime) -> Lesson | None:
    """None for a 429 that may pass in a moment. `refusals` counts this one too, `spent` all that were sent today."""
    asked = timedelta(seconds=min(retry_after, 86400)) if retry_after is not None else None
    if asked is not None and asked > SHORT_WAIT:
        until = min(now + asked, day_ends(now))
    elif refusals >= REFUSALS_THAT_PARK:
        until = day_ends(now)
    else:
        return None
    return Lesson(until, max(1, spent - refusals) if until == day_ends(now) else None)
