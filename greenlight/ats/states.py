"""An integration and its open attempt as a chunk of them is written: plain values, which cost less than ORM objects.

Their fields are columns of the tables, by the same names.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class IntegrationState:
    """What runs find out about an integration."""

    id: int
    customer_id: str
    observed: str
    observed_at: datetime | None
    observed_client_id: str | None
    observed_since: datetime | None
    effect_at: datetime | None
    vanished_at: datetime | None
    vanished_from: str | None
    drifted_at: datetime | None
    looked_for: str | None
    done_in_run: str | None
    action: str
    outcome: str
    reason: str
    detail: str | None
    condition_since: datetime | None
    checked_at: datetime | None
    next_try_at: datetime | None
    tries: int
    requested_at: datetime | None
    acted_on_at: datetime | None
    withdrawn_at: datetime | None
    look_due_at: datetime | None


@dataclass(slots=True)
class AttemptState:
    """An attempt that was open when the chunk was read."""

    id: int
    integration_id: int
    client_id: str
    opened_at: datetime
    settles_at: datetime
    confirmed_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    reason: str | None
    detail: str | None
