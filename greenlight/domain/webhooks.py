"""What the vendor's own systems are told of by webhooks, and when that is tried again (docs/webhooks.md). Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from greenlight.domain.conditions import DEAD_CREDENTIALS
from greenlight.domain.formatting import iso
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason

#: Waits after the first, second, … try that was not accepted; the last one stays.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600))
#: How long a delivery is tried, and how often at least: what stood behind another has its tries as well.
TRIED_FOR, TRIED_AT_LEAST = timedelta(days=3), 5

#: Outcomes after which a run does nothing more by itself.
_STUCK = frozenset({Outcome.FAILED, Outcome.UNKNOWN, Outcome.HELD})


class Kind(StrEnum):
    """The `type` of an event."""

    STATUS_CHANGED = "integration.status_changed"
    NEEDS_ACTION = "integration.needs_action"
    PROVISIONED = "application.provisioned"
    FAILING = "credentials.failing"
    TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an integration, as it is noted with it.

    `reason_before` is None where none was noted; `failing_before`: that the customer's key fails was told.
    """

    at: datetime
    customer_id: str
    integration_context: str
    integration_type: str
    tenant_type: str
    wanted: bool
    status_before: str
    status: str
    outcome: Outcome
    reason: Reason
    detail: str | None
    reason_before: Reason | None
    failing_before: bool


def events_of(change: Change) -> list[tuple[Kind, str]]:
    """What is told of a change, in that order: kinds of events with their bodies."""
    kinds: list[Kind] = []
    if change.status != change.status_before:
        kinds.append(Kind.STATUS_CHANGED)
    if change.reason is not change.reason_before and _needs_action(change):
        kinds.append(Kind.NEEDS_ACTION)
    told = [(kind, body(kind, change.at, _integration(change))) for kind in kinds]
    if change.reason in DEAD_CREDENTIALS and not change.failing_before:
        why = EXPLANATIONS[change.reason]
        data = {"customer_id": change.customer_id, "reason": change.reason.value, "message": why.message}
        told.append((Kind.FAILING, body(Kind.FAILING, change.at, {**data, "remedy": why.remedy})))
    return told


def body(kind: Kind, at: datetime, data: Mapping[str, object]) -> str:
    """The text that is signed and sent."""
    return json.dumps({"type": kind.value, "timestamp": iso(at), "data": data}, ensure_ascii=False)


def wait_after(tries: int) -> timedelta:
    """How long to wait after so many tries."""
    return WAITS[min(tries, len(WAITS)) - 1]


def is_given_up(written_at: datetime, tries: int, now: datetime) -> bool:
    """Whether a delivery that was not accepted is kept as failed."""
    return tries >= TRIED_AT_LEAST and now - written_at >= TRIED_FOR


def _needs_action(change: Change) -> bool:
    mover = EXPLANATIONS[change.reason].mover
    return change.wanted and (mover is Mover.CUSTOMER or (mover is Mover.US and change.outcome in _STUCK))


def _integration(change: Change) -> dict[str, object]:
    why = EXPLANATIONS[change.reason]
    return {
        "customer_id": change.customer_id,
        "integration_context": change.integration_context,
        "integration_type": change.integration_type,
        "tenant_type": change.tenant_type,
        "wanted": change.wanted,
        "status_before": change.status_before,
        "status": change.status,
        "outcome": change.outcome.value,
        "reason": change.reason.value,
        "whose_move": why.mover.value,
        "message": why.message,
        "remedy": why.remedy,
        "detail": change.detail,
    }
