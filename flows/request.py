"""The parameters that a person or a schedule starts a flow with. Never a secret: Prefect shows them to everybody."""

from typing import Any

from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from greenlight.domain.selection import Selection

#: Enables of one run that nobody has to allow.
DEFAULT_MAX_CHANGES = 200


class PlanRequest(BaseModel):
    """Whom to look at, and how much may be planned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    selection: Selection = Field(default_factory=Selection, description="Whose integrations, and which types.")
    max_changes: int = Field(
        default=DEFAULT_MAX_CHANGES, ge=0, description="The most enables that one run may make; the rest is held."
    )

    def title(self) -> str:
        who = self.selection.customers
        parts = [", ".join(who[:3]) or "all customers"]
        if len(who) > 3:
            parts.append(f"and {len(who) - 3} more")
        if self.selection.excluded:
            parts.append(f"except {', '.join(self.selection.excluded[:3])}")
        if self.selection.types:
            parts.append(f"({', '.join(self.selection.types)})")
        return " ".join(parts)


class ReconcileRequest(PlanRequest):
    """Whom to reconcile, or which plan to apply exactly."""

    plan_id: str | None = Field(default=None, description="Apply exactly what this stored plan enables.")

    def title(self) -> str:
        return super().title() if self.plan_id is None else f"plan {self.plan_id}"


def run_name() -> str:
    """What this flow run is called in Prefect's UI: the flow, and whom it is about."""
    request = flow_run.parameters["request"]
    return f"{flow_run.flow_name}: {ReconcileRequest.model_validate(_plain(request)).title()}"


def _plain(request: BaseModel | dict[str, Any]) -> dict[str, Any]:
    # Prefect hands over the model from code, and its JSON from a deployment.
    return request.model_dump() if isinstance(request, BaseModel) else request
