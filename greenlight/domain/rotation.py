"""What became of a rotation of child applications' secrets, customer by customer (docs/linkedin.md#secret-rotation)."""

from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from greenlight.domain.provisioning import Provision, ProvisionReport
from greenlight.domain.report import first_ten

SCHEMA = "greenlight.rotate/1"
COMMAND = "rotate"
#: What an application whose secret was rotated is called here; on record it is one that was updated.
ROTATED = "rotated"


@dataclass(frozen=True, slots=True)
class RotationReport(ProvisionReport):
    """Every customer that a rotation was about. `updated` means: its new secret is held, and LinkedIn accepts it."""

    @override
    def headline(self) -> str:
        """One sentence: how many were rotated, and who was not (the first ten, by name)."""
        rotated = self.counts()[Provision.UPDATED]
        text = f"{rotated} rotated" if self.items else "no customer has an application that provisioning made"
        if left := [f"{item.customer_id} ({item.reason})" for item in self.unsettled()]:
            text += f", {len(left)} not: {first_ten(left)}"
        return text + "."

    @override
    def as_json(self) -> dict[str, Any]:
        document = ProvisionReport.as_json(self)
        items = [{**item, "outcome": outcome_word(item["outcome"])} for item in document["items"]]
        counts = {outcome_word(outcome): count for outcome, count in document["counts"].items()}
        wanted = (ROTATED, Provision.WAITING, Provision.FAILED)
        return {
            **document,
            "schema": SCHEMA,
            "command": COMMAND,
            "counts": {outcome: count for outcome, count in counts.items() if outcome in wanted},
            "items": items,
        }


def outcome_word(outcome: str) -> str:
    """An outcome as a rotation calls it."""
    return ROTATED if outcome == Provision.UPDATED else str(outcome)
