"""The document of `greenlight webhooks`, as types: see `docs/documents.py`."""

from typing import Literal, NotRequired

from run_documents import Count, Moment
from typing_extensions import TypedDict


class Delivery(TypedDict):
    """`next_try_at` of what is pending; `came_back` the last time."""

    event_id: str
    customer_id: str
    type: str
    at: Moment
    state: Literal["pending", "failed", "delivered"]
    tries: Count
    next_try_at: Moment | None
    came_back: str | None


class Webhooks(TypedDict):
    """`counts` and `deliveries` of `webhooks list`; `replayed` of `replay`; the rest of `test`."""

    schema: Literal["greenlight.webhooks/1"]
    command: Literal["webhooks list", "webhooks replay", "webhooks test"]
    database: NotRequired[str]
    counts: NotRequired[dict[Literal["pending", "failed", "delivered"], Count]]
    deliveries: NotRequired[list[Delivery]]
    replayed: NotRequired[Count]
    event_id: NotRequired[str]
    accepted: NotRequired[bool]
    came_back: NotRequired[str]
