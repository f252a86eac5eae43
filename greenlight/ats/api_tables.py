"""The tables of the HTTP API: its keys, the answers to repeated calls, and whose application is asked for."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column
from sqlmodel import Field

from greenlight.ats.columns import UtcDateTime
from greenlight.ats.tables import Table


class ApiKey(Table, table=True):
    """A key of the vendor's back end. Only the digest of it is kept."""

    __tablename__: ClassVar[Any] = "api_key"

    #: The public part of the key, by which its row is found.
    key_id: str = Field(primary_key=True, max_length=16)
    digest: str = Field(max_length=64)
    name: str = Field(max_length=100, unique=True)
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    #: None is a key that lasts until it is revoked.
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: As of a minute ago at most.
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class IdempotencyKey(Table, table=True):
    """A call that its caller may repeat: what was asked, and what came of it. Never a secret."""

    __tablename__: ClassVar[Any] = "idempotency_key"

    key_id: str = Field(primary_key=True, max_length=16, foreign_key="api_key.key_id")
    idempotency_key: str = Field(primary_key=True, max_length=255)
    customer_id: str = Field(max_length=128, foreign_key="customer.customer_id", index=True)
    #: Of the method, the path and the body.
    digest: str = Field(max_length=64)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    status: int
    answer: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class ProvisioningRequest(Table, table=True):
    """That a customer's child application is asked for, until it is there and works."""

    __tablename__: ClassVar[Any] = "provisioning_request"

    customer_id: str = Field(primary_key=True, max_length=128, foreign_key="customer.customer_id")
    requested_at: datetime = Field(sa_type=UtcDateTime)
    #: Not to be acted on before.
    due_at: datetime = Field(sa_type=UtcDateTime, index=True)
