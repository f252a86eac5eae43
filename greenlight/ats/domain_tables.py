"""The table of applications' lists of domains: what became of each."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column
from sqlmodel import Field

from greenlight.ats.columns import UtcDateTime
from greenlight.ats.tables import Table


class DomainsRecord(Table, table=True):
    """What became of an application's `validJsSdkDomains`: old and new, committed before the request leaves."""

    __tablename__: ClassVar[Any] = "domains_record"

    id: int | None = Field(default=None, primary_key=True)
    customer_id: str = Field(max_length=128, foreign_key="customer.customer_id", index=True)
    #: True is a list that LinkedIn showed and that was not the one on record; False is one that was sent.
    found: bool
    before: list[str] = Field(sa_column=Column(JSON, nullable=False))
    after: list[str] = Field(sa_column=Column(JSON, nullable=False))
    at: datetime = Field(sa_type=UtcDateTime)
    run_id: str = Field(max_length=36)
    #: When somebody was told of one that was found.
    announced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
