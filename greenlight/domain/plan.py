"""The planner: from what is wanted and what was observed to what is to be done. No I/O, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from greenlight.domain.conditions import HELD_BY_CAP, NOT_LOOKED_AT, Condition, after_look
from greenlight.domain.keys import IntegrationKey, split_for_query
from greenlight.domain.status import Observation, Status


class Item(NamedTuple):
    """What everything is about: one integration of one customer."""

    customer_id: str
    key: IntegrationKey

    def as_json(self) -> dict[str, str]:
        """The fields by which every document names it (docs/interface.md#the-report)."""
        return {
            "customer_id": self.customer_id,
            "integration_context": self.key.integration_context,
            "integration_type": self.key.integration_type,
            "tenant_type": self.key.tenant_type,
        }


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
class RequestTotals:
    """A number of requests to LinkedIn, by kind: sent in a run, or the price of a plan."""

    token: int = 0
    verify: int = 0
    enable: int = 0


def price(planned: Sequence[Planned]) -> RequestTotals:
    """What applying exactly this plan costs if nothing has to be repeated.

    Per customer with something to enable: a token, a look before, one request per enable, a look after.
    """
    keys: dict[str, list[IntegrationKey]] = {}
    for entry in planned:
        if entry.action is Action.ENABLE:
            keys.setdefault(entry.item.customer_id, []).append(entry.item.key)
    looks = sum(len(split_for_query(run)) for run in keys.values())
    return RequestTotals(token=len(keys), verify=2 * looks, enable=sum(len(run) for run in keys.values()))
