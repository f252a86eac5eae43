"""A plan within a run, from the task that makes it to those that act on it and show it."""

from collections.abc import Collection
from dataclasses import dataclass

from greenlight.domain.plan import Action, Item, Planned, RequestTotals, price
from greenlight.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class PlanMade:
    """Planned entries by integration id, in the order of the wanted set."""

    entries: tuple[tuple[int, Planned], ...]

    @property
    def to_enable(self) -> list[int]:
        return [id for id, entry in self.entries if entry.action is Action.ENABLE]

    @property
    def not_shown(self) -> list[int]:
        return [id for id, entry in self.entries if entry.condition.reason is Reason.CONFIRMED_NOT_SHOWN]

    def items_of(self, ids: Collection[int]) -> set[Item]:
        """What these integrations are."""
        return {entry.item for id, entry in self.entries if id in ids}

    @property
    def price(self) -> RequestTotals:
        return price([entry for _, entry in self.entries])
