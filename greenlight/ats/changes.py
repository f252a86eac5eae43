"""What changed of each integration, in order, for the vendor's own systems (docs/views.md).

The database notes it by itself, by triggers, whatever writes the row: see the migration that makes them. Read it by the
views `greenlight_status_v1` and `greenlight_changes_v1`, whose columns stay.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from greenlight.ats.columns import UtcDateTime
from greenlight.ats.tables import Table


class IntegrationChange(Table, table=True):
    """One change of an integration's status or reason, or of whether it is wanted."""

    __tablename__: ClassVar[Any] = "integration_change"
    __table_args__: ClassVar[Any] = (
        Index("ix_integration_change_integration_id_number", "integration_id", "number"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    #: Given when the transaction ends, so that whoever has read up to a number never misses a smaller one.
    number: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    integration_id: int = Field(foreign_key="integration.id")
    wanted: bool
    status_before: str = Field(max_length=20)
    status: str = Field(max_length=20)
    outcome: str = Field(max_length=20)
    reason: str = Field(max_length=40)
    detail: str | None = Field(default=None, max_length=300)
