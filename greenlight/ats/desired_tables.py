"""The tables of a source of what is wanted: each sync with it, and the rows of one while it goes on."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from greenlight.ats.columns import UtcDateTime
from greenlight.ats.tables import Table, one_of
from greenlight.domain.desired import SyncOutcome


class Listing(StrEnum):
    """Whether the source has an integration; neither is of what it dropped after a person had withdrawn it."""

    LISTED = "listed"
    #: It had it, and has it no more; an enable is on its way, so that it is not withdrawn yet.
    DROPPING = "dropping"
    #: It had it, and has it no more; so it was withdrawn, on the source's word alone.
    UNLISTED = "unlisted"


class DesiredSync(Table, table=True):
    """One sync: what was read, how it ended, and whose word let it take away what a guard held back."""

    __tablename__: ClassVar[Any] = "desired_sync"
    __table_args__ = (one_of("outcome", SyncOutcome),)

    sync_id: str = Field(primary_key=True, max_length=36)
    run_id: str | None = Field(default=None, max_length=36, index=True)
    source: str = Field(max_length=300)
    began_at: datetime = Field(sa_type=UtcDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: None is one that goes on, or was cut short.
    outcome: str | None = Field(default=None, max_length=12)
    detail: str | None = Field(default=None, max_length=300)
    rows: int = 0
    customers: int = 0
    #: Customers that would lose something of what the source had.
    losing: int = 0
    #: Of one that was held: what it would have taken away, by integration.
    lost: list[int] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    changes: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    #: Of one that was held: who let it go on, and when.
    let_by: str | None = Field(default=None, max_length=200)
    let_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DesiredRow(Table, table=True):
    """A row of a source, or what is wrong with one: then `why` says so, and `field` of what."""

    __tablename__: ClassVar[Any] = "desired_row"
    __table_args__ = (Index("ix_desired_row_of_a_customer", "sync_id", "customer_id"),)

    sync_id: str = Field(primary_key=True, max_length=36, foreign_key="desired_sync.sync_id")
    #: Rows and faults are counted as they are kept, so that one which is kept twice is the same.
    number: int = Field(primary_key=True)
    line: int
    #: None where a bad row does not say whose it is.
    customer_id: str | None = Field(default=None, max_length=128)
    customer_name: str | None = Field(default=None, max_length=200)
    client_id: str | None = Field(default=None, max_length=128)
    integration_context: str | None = Field(default=None, max_length=200)
    integration_type: str | None = Field(default=None, max_length=64)
    tenant_type: str | None = Field(default=None, max_length=64)
    integration_name: str | None = Field(default=None, max_length=200)
    field: str | None = Field(default=None, max_length=40)
    why: str | None = Field(default=None, max_length=300)
