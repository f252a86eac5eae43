"""The planner: from what is wanted and what was observed to what is to be done. No I/O, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from greenlight.domain.conditions import HELD_BY_CAP, NOT_LOOKED_AT, Condition, after_look
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.status import Observation, Status


class Item(NamedTuple):
    """What everything is about: one integration of one customer."""

    customer_id: str
    key: IntegrationKey


class Action(StrEnum):
    ENABLE = "enable"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run may do. `max_changes` caps the enables of one run."""

    max_changes: int


@dataclass(frozen=True, slots=True)
class Planned:
    item: Item
    action: Action
    condition: Condition


def plan(wanted: Sequence[Item], observed: Mapping[Item, Observation | Condition], policy: Policy) -> list[Planned]:
    """One entry for each wanted item, in the order given; enables beyond the cap are held.

    `observed` holds an Observation where LinkedIn was asked, a Condition where asking failed, and nothing where
    nobody asked. Only what was seen REQUESTED is ever enabled.
    """
    planned: list[Planned] = []
    enables = 0
    for item in wanted:
        seen = observed.get(item, NOT_LOOKED_AT)
        condition = seen if isinstance(seen, Condition) else after_look(seen)
        if not (isinstance(seen, Observation) and seen.status is Status.REQUESTED):
            planned.append(Planned(item, Action.NONE, condition))
        elif enables >= policy.max_changes:
            planned.append(Planned(item, Action.NONE, HELD_BY_CAP))
        else:
            enables += 1
            planned.append(Planned(item, Action.ENABLE, condition))
    return planned


@dataclass(frozen=True, slots=True)
class Price:
    """What applying a plan costs at most if nothing has to be repeated, in requests."""

    token: int
    verify: int
    enable: int


def price(planned: Sequence[Planned], verifies: int) -> Price:
    """The price of applying: look at everybody, enable, and look once more at each customer that had an enable.

    `verifies` is the number of requests that looking at all items takes.
    """
    enables = [p.item for p in planned if p.action is Action.ENABLE]
    confirming = len({item.customer_id for item in enables})
    return Price(
        token=len({p.item.customer_id for p in planned}),
        verify=verifies + confirming,
        enable=len(enables),
    )
