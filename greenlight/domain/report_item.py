"""One integration in a report."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from greenlight.domain.conditions import Condition
from greenlight.domain.formatting import iso
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import EXPLANATIONS
from greenlight.domain.recheck import SETTLED
from greenlight.domain.status import Status


@dataclass(frozen=True, slots=True)
class ReportItem:
    """One integration with the newest that is known of it."""

    item: Item
    customer_name: str
    integration_name: str
    observed: Status
    observed_at: datetime | None
    action: Action
    condition: Condition
    condition_since: datetime | None = None
    observed_since: datetime | None = None
    next_try_at: datetime | None = None
    #: An attempt of this run is still open: whether it landed is not known.
    in_doubt: bool = False
    #: An enable of this run took effect, also where the customer's admin has the last word.
    changed: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether a scheduled run leaves it alone until its recheck is due."""
        return self.observed is Status.ENABLED and self.condition.reason in SETTLED

    @property
    def message(self) -> str:
        message = EXPLANATIONS[self.condition.reason].message
        return f"{message} ({self.condition.detail})" if self.condition.detail else message

    def as_json(self) -> dict[str, Any]:
        explanation = EXPLANATIONS[self.condition.reason]
        return {
            **self.item.as_json(),
            "integration_name": self.integration_name,
            "observed": self.observed.value,
            "observed_at": _iso(self.observed_at),
            "action": self.action.value,
            "outcome": self.condition.outcome.value,
            "reason": self.condition.reason.value,
            "message": self.message,
            "remedy": explanation.remedy,
            "whose_move": explanation.mover.value,
            "since": _iso(self.condition_since),
            "next_try_at": _iso(self.next_try_at),
            "changed": self.changed,
        }


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment is not None else None
