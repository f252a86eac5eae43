"""The tables of webhooks: how far changes have been made into deliveries, and what became of each."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Index, Text, text
from sqlmodel import Field

from greenlight.ats.columns import UtcDateTime
from greenlight.ats.tables import Table

#: A delivery that is still to be made; an index has the same words.
PENDING = "delivered_at IS NULL AND failed_at IS NULL"


class WebhookPlace(Table, table=True):
    """Up to where changes have been made into deliveries. There is none until webhooks are first configured."""

    __tablename__: ClassVar[Any] = "webhook_place"

    id: int = Field(primary_key=True)
    #: The last change of an integration.
    number: int = Field(sa_type=BigInteger)
    #: When that was, up to which applications have been looked for.
    at: datetime = Field(sa_type=UtcDateTime)


class WebhookDelivery(Table, table=True):
    """One event for the receiver: its body as it is signed, its tries and its end. Their order is that of `id`."""

    __tablename__: ClassVar[Any] = "webhook_delivery"
    __table_args__: ClassVar[Any] = (
        Index(
            "ix_webhook_delivery_pending",
            "customer_id",
            "id",
            sqlite_where=text(PENDING),
            postgresql_where=text(PENDING),
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    #: The `webhook-id`, by which a receiver knows what comes again.
    event_id: str = Field(max_length=40, unique=True)
    customer_id: str = Field(max_length=128)
    kind: str = Field(max_length=40)
    #: When it happened, and since when it is tried: when it was written here, or a person asked for it again.
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    written_at: datetime = Field(sa_type=UtcDateTime)
    body: str = Field(sa_column=Column(Text, nullable=False))
    tries: int = 0
    next_try_at: datetime = Field(sa_type=UtcDateTime)
    #: Who is sending it now, and until when nobody else may.
    claimed_by: str | None = Field(default=None, max_length=36)
    claimed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: What came back the last time.
    detail: str | None = Field(default=None, max_length=300)
