"""Whom and what a run is about."""

from pydantic import BaseModel, ConfigDict, Field


class Selection(BaseModel):
    """All integrations, or those of some customers, or all but those of some; of all types or of some."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customers: tuple[str, ...] = Field(default=(), description="Only these customers; empty means all.")
    excluded: tuple[str, ...] = Field(default=(), description="All customers but these.")
    types: tuple[str, ...] = Field(default=(), description="Only these integration types; empty means all.")
