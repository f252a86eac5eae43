"""What no cap on a number sees: enables that look wrong although LinkedIn would carry them out. Pure.

Enabling cannot be undone, so these are held until a person names the customer or mends the cause.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status

#: Customers whose answers turned empty in one run, at least and as a percentage of those that had something.
EMPTIED_AT_LEAST = 5
EMPTIED_PERCENT = 20
#: Integrations that are newly wanted, at least and as a percentage of those that were known.
JUMP_AT_LEAST = 100
JUMP_PERCENT = 50
#: The most that a scheduled run enables of all that is wanted, and what it may always enable.
SHARE_PERCENT = 50
SHARE_AT_LEAST = 25

SHOWS = frozenset({Status.REQUESTED, Status.PARTNER_READY, Status.ENABLED})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the tripwires look at besides the run's own looks.

    `before` is what was on record when the run began, `claims` who else LinkedIn shows an integration context for,
    `paused` the words of each customer's pause, `named` the customers that a person named for this run. `new` came in
    since the last scheduled run, or was held for that and by no person since; it is empty for a run by hand.
    """

    before: Mapping[Item, Status] = field(default_factory=dict)
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)
    without_evidence: frozenset[Item] = frozenset()
    paused: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    new: frozenset[Item] = frozenset()


def tripped(observed: Mapping[Item, Observation | Condition], facts: Facts) -> dict[Item, Condition]:
    """Of what was seen REQUESTED, what must not be enabled now, each with why."""
    ready = [i for i, seen in observed.items() if isinstance(seen, Observation) and seen.status is Status.REQUESTED]
    emptied = _emptied(observed, facts)
    jumped = _jumped(facts)
    found: dict[Item, Condition] = {}
    for item in ready:
        customer, context = item.customer_id, item.key.integration_context
        others = facts.claims.get(context, frozenset()) - {customer}
        if customer in facts.paused:
            found[item] = _held(Reason.PAUSED, facts.paused[customer])
        elif customer in facts.named:
            continue
        elif item in facts.without_evidence:
            found[item] = _held(Reason.WITHOUT_EVIDENCE)
        elif others:
            found[item] = _held(Reason.CLAIMED_TWICE, f"also {', '.join(sorted(others)[:3])}")
        elif emptied is not None:
            found[item] = _held(Reason.SUDDENLY_EMPTY, emptied)
        elif jumped is not None and item in facts.new:
            found[item] = _held(Reason.WANTED_SET_JUMPED, jumped)
    return found


def scheduled_cap(max_changes: int, wanted: int) -> int:
    """The most enables of a run that nobody watches."""
    return min(max_changes, max(SHARE_AT_LEAST, wanted * SHARE_PERCENT // 100))


def _emptied(observed: Mapping[Item, Observation | Condition], facts: Facts) -> str | None:
    full = {item.customer_id for item, status in facts.before.items() if status in SHOWS and item in observed}
    empty = set(full)
    for item, seen in observed.items():
        if not (isinstance(seen, Observation) and seen.status is Status.NOT_REQUESTED):
            empty.discard(item.customer_id)
    if len(empty) < EMPTIED_AT_LEAST or len(empty) * 100 < len(full) * EMPTIED_PERCENT:
        return None
    return f"{len(empty)} of {len(full)} customers, {', '.join(sorted(empty)[:3])} among them"


def _jumped(facts: Facts) -> str | None:
    new = len(facts.new)
    known = len(facts.before) - new
    if new < JUMP_AT_LEAST or new * 100 < known * JUMP_PERCENT:
        return None
    return f"{new} new ones beside {known} that were known"


def _held(reason: Reason, detail: str | None = None) -> Condition:
    return Condition(Outcome.HELD, reason, detail)


def named_by(customers: Sequence[str], *, scheduled: bool) -> frozenset[str]:
    """Naming a customer by hand is a person's word for it; a schedule's parameters are not."""
    return frozenset() if scheduled else frozenset(customers)
