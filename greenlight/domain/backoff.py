"""What an item's failures mean for its next try: a back-off that grows, and in the end quarantine. Pure.

Schedules obey it, people do not: whoever asks by hand has changed something, or wants to know.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from greenlight.domain.budget import day_ends
from greenlight.domain.conditions import WORTH_REPEATING, Condition
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason

#: Waits after the first, second, … failure; the last one stays. The nightly run is later than most of them.
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (5, 20, 60, 240, 720))
#: Failures that are ours to mend are not tried again after so many.
LAST_TRY = 6

_GOOD = frozenset({Outcome.ENABLED, Outcome.ALREADY_ENABLED, Outcome.WAITING})
_BAD = frozenset({Outcome.FAILED, Outcome.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Backoff:
    """Failures one after another, and when trying again makes sense; None leaves that to the next run."""

    tries: int = 0
    next_try_at: datetime | None = None


def backoff_after(backoff: Backoff, condition: Condition, now: datetime) -> Backoff:
    """What is remembered after this condition. Tries within a back-off are one try: a run repeats by itself."""
    if condition.reason is Reason.THROTTLED:
        return Backoff(backoff.tries, day_ends(now))
    if condition.reason is Reason.SHARE_SPENT:
        return backoff
    rejected = condition.reason is Reason.REJECTED_REQUEST
    if condition.outcome in _GOOD and not rejected:
        return Backoff()
    # A trouble of the network is no customer's: once it is over, all are tried again at once.
    if not rejected and (condition.outcome not in _BAD or condition.reason is Reason.NOT_THE_API):
        return backoff
    if backoff.tries and backoff.next_try_at is not None and now < backoff.next_try_at:
        return backoff
    tries = backoff.tries + 1
    return Backoff(tries, now + BACK_OFF[min(tries, len(BACK_OFF)) - 1])


def is_quarantined(backoff: Backoff, reason: Reason) -> bool:
    """Whether only a change or a person brings it back. What passes by itself never gets there."""
    return backoff.tries >= LAST_TRY and quarantines(reason)


def quarantines(reason: Reason) -> bool:
    """Whether too many failures for this reason end in quarantine: those that are ours to mend."""
    return EXPLANATIONS[reason].mover is Mover.US and reason not in WORTH_REPEATING


def is_backing_off(backoff: Backoff, reason: Reason, now: datetime) -> bool:
    """Whether a schedule leaves it alone now."""
    if is_quarantined(backoff, reason):
        return backoff.next_try_at is not None
    return backoff.next_try_at is not None and now < backoff.next_try_at
