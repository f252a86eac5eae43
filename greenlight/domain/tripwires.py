"""What no cap on a number sees: enables that look wrong although LinkedIn would carry them out. Pure.

Enabling cannot be undone, so what trips a wire is held (`greenlight.ats.holds`) until a person lifts it, or until what
the guard saw is back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status

#: Customers whose answers turned empty, at least and as a percentage of those that had something: of those that one
#: run looked at, and of all within the time that it takes to look at all of them, a day at least.
EMPTIED_AT_LEAST = 5
EMPTIED_PERCENT = 20
#: In a small fleet it is more than half of those that had something, and at least so many.
EMPTIED_OF_FEW = 3
EMPTIED_WITHIN = timedelta(days=1)
#: Integrations that are newly wanted, at least and as a percentage of those that were known.
JUMP_AT_LEAST = 100
JUMP_PERCENT = 50
#: The most that a scheduled run enables of all that is wanted, and what it may always enable.
SCHEDULED_PERCENT = 50
SCHEDULED_AT_LEAST = 25

SHOWS = frozenset({Status.REQUESTED, Status.PARTNER_READY, Status.ENABLED})


@dataclass(frozen=True, slots=True)
class Facts:
    """What keeps integrations from being enabled, besides the run's own looks.

    `paused` are the words of each customer's pause, `held` the open holds, each as the condition that it brings, and
    `without_warrant` what nobody whose word counts has asked for.
    """

    paused: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[Item, Condition] = field(default_factory=dict)
    without_warrant: frozenset[Item] = frozenset()


def tripped(observed: Mapping[Item, Observation | Condition], facts: Facts) -> dict[Item, Condition]:
    """What must not be enabled now although it was seen REQUESTED, and what is gone that nobody has explained."""
    found: dict[Item, Condition] = {}
    for item, seen in observed.items():
        if not isinstance(seen, Observation):
            continue
        hold = while_held(seen, facts.held.get(item))
        if seen.status is not Status.REQUESTED:
            if hold is not None:
                found[item] = hold
        elif item.customer_id in facts.paused:
            found[item] = held(Reason.PAUSED, facts.paused[item.customer_id])
        elif hold is not None:
            found[item] = hold
        elif item in facts.without_warrant:
            found[item] = held(Reason.WITHOUT_EVIDENCE)
    return found


def held(reason: Reason, saw: str | None = None) -> Condition:
    return Condition(Outcome.HELD, reason, saw)


def while_held(seen: Observation, hold: Condition | None) -> Condition | None:
    """The condition that an open hold brings to what a look showed; None where it changes nothing."""
    if hold is None:
        return None
    gone = hold.reason is Reason.SUDDENLY_EMPTY and seen.status is Status.NOT_REQUESTED
    return hold if gone or seen.status is Status.REQUESTED else None


def emptied_together(
    emptied: Mapping[str, datetime], showing: int, within: timedelta = EMPTIED_WITHIN
) -> frozenset[str]:
    """Of the customers that show nothing any more, each with when that was first seen, those that are too many at once.

    `showing` is how many customers still show something on record, and all were looked at `within` that time.
    """
    times = sorted(emptied.values())
    found: set[str] = set()
    for start in times:
        together = {customer for customer, at in emptied.items() if start <= at <= start + within}
        if too_many(len(together), len(emptied) + showing):
            found |= together
    return frozenset(found)


def too_many(emptied: int, had_something: int) -> bool:
    """Whether so many customers turned empty of those that were looked at and had something."""
    enough = emptied >= EMPTIED_AT_LEAST and emptied * 100 >= had_something * EMPTIED_PERCENT
    return enough or _is_most(emptied, had_something)


def still_empty(emptied: int) -> bool:
    """Whether so many customers are still held as emptied that nothing is to be enabled on such answers.

    As few as any run may trip over: whoever looks later saw others, or nobody, and knows nothing better.
    """
    return emptied >= EMPTIED_OF_FEW


def _is_most(emptied: int, had_something: int) -> bool:
    return emptied >= EMPTIED_OF_FEW and emptied * 2 > had_something


def jumped(new: int, known: int) -> bool:
    """Whether too much is wanted for the first time. Where nothing was known, everything is new."""
    return known > 0 and new >= JUMP_AT_LEAST and new * 100 >= known * JUMP_PERCENT


def scheduled_cap(max_changes: int, wanted: int) -> int:
    """The most enables of a run that nobody watches."""
    return min(max_changes, max(SCHEDULED_AT_LEAST, wanted * SCHEDULED_PERCENT // 100))
