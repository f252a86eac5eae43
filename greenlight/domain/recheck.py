"""The recheck: how many customers that are settled as ENABLED a night looks at again, and by when each. Pure.

Settled customers are counted by nights left: how many nights may pass before the one that has to look at them. A night
takes the longest unseen, as few as keep all later nights within their share; so a fleet that was enabled in one night
is spread over the period, and a few customers are not looked at before their time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from greenlight.domain.reasons import EXPLANATIONS, Reason

#: The reasons of what is settled, where LinkedIn has shown it as ENABLED.
SETTLED = (Reason.ENABLED, Reason.ALREADY_ENABLED)


@dataclass(frozen=True, slots=True)
class NotDue:
    """How many settled integrations a night left out, and on which day a night rechecks the next of them.

    A report has no items for them, since there may be a great many.
    """

    count: int = 0
    next_on: date | None = None

    def in_words(self) -> str:
        """Nothing where all were due."""
        if not self.count:
            return ""
        return f"{self.count} not due" + (f", the next on {self.next_on}" if self.next_on is not None else "")

    def as_json(self) -> dict[str, Any]:
        explanation = EXPLANATIONS[Reason.NOT_DUE]
        return {
            "count": self.count,
            "next_on": self.next_on.isoformat() if self.next_on is not None else None,
            "reason": Reason.NOT_DUE.value,
            "message": explanation.message,
            "remedy": explanation.remedy,
            "whose_move": explanation.mover.value,
        }


def nights_left(seen_on: date, today: date, days: int) -> int:
    """After how many more nights a customer that was last looked at on this UTC day has to be looked at again."""
    return min(max((seen_on - today).days + days, 0), days)


def share(customers: int, days: int) -> int:
    """The most that one night looks at again of so many."""
    return -(-customers // days)


def due_tonight(left: Sequence[int], days: int) -> int:
    """How many are looked at again tonight, of so many that have 0, 1, … `days` nights left.

    What has `days` left was looked at today already; where every night looks at all, so does the second one of a day.
    """
    everybody = sum(left)
    if days == 1:
        return everybody
    most, by_then, needed = share(everybody, days), 0, 0
    for nights, customers in enumerate(left):
        by_then += customers
        needed = max(needed, by_then - most * nights)
    return min(needed, most)


def nights_to_next(left: Sequence[int], days: int) -> int | None:
    """After how many nights some of those that are not due tonight are; None where all are."""
    tonight = due_tonight(left, days)
    rest = list(left)
    for nights in range(len(rest)):
        taken = min(tonight, rest[nights])
        rest[nights] -= taken
        tonight -= taken
    if not sum(rest):
        return None
    rest[days] += sum(left) - sum(rest)
    for nights in range(1, days):
        rest = [rest[0] + rest[1], *rest[2:], 0]
        if due_tonight(rest, days):
            return nights
    return days


def recheck_by(seen_on: date, days: int) -> date:
    """The day by whose night it is looked at again, if nights run every day."""
    return seen_on + timedelta(days=days)
