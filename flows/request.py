"""The parameters that a person or a schedule starts a flow with. Never a secret: Prefect shows them to everybody."""

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


class ReconcileRequest(PlanRequest):
    """Whom to reconcile, or which plan to apply exactly."""

    plan_id: str | None = Field(default=None, description="Apply exactly what this stored plan enables.")

    def title(self) -> str:
        if self.plan_id is not None:
            return f"plan {self.plan_id}"
        parts = [", ".join(self.selection.customers[:3]) or "all customers"]
        if len(self.selection.customers) > 3:
            parts.append(f"and {len(self.selection.customers) - 3} more")
        if self.selection.excluded:
            parts.append(f"except {len(self.selection.excluded)}")
        if self.selection.types:
            parts.append(f"({', '.join(self.selection.types)})")
        return " ".join(parts)
