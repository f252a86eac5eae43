"""Events of a run, for automations: what it enabled or made ready, drift, a dead credential, an overdue request."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from prefect.events import emit_event

from greenlight.ats.holds import Held
from greenlight.ats.rows import Wanted
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Reason
from greenlight.domain.report import Report, ReportItem
from greenlight.domain.status import Status

#: Prefect's server keeps every event; the ATS database has them all.
MOST = 200
#: How long LinkedIn may show REQUESTED before somebody should know.
OVERDUE_AFTER = timedelta(days=1)
#: How long what LinkedIn confirmed may not be shown before somebody should know; its looks lag by minutes.
NOT_SHOWN_AFTER = timedelta(hours=1)

_DEAD = frozenset({Reason.CREDENTIALS_REFUSED, Reason.WRONG_CREDENTIALS, Reason.TOKEN_REJECTED})


class _Event(NamedTuple):
    name: str
    item: Item
    reason: Reason


def announce(report: Report, now: datetime, drifted: Sequence[Wanted] = ()) -> None:
    """Emit what automations wait for; one event for each integration, and for each customer whose key is dead."""
    drift = [_Event("greenlight.integration.drifted", w.item, w.condition.reason) for w in drifted]
    for event in [*drift, *_events(report, now)][:MOST]:
        key = event.item.key
        emit_event(
            event.name,
            resource={
                "prefect.resource.id": f"greenlight.customer.{event.item.customer_id}",
                "prefect.resource.name": event.item.customer_id,
            },
            payload={
                "customer_id": event.item.customer_id,
                "integration_context": key.integration_context,
                "integration_type": key.integration_type,
                "reason": event.reason.value,
            },
        )


def announce_held(held: Sequence[Held]) -> None:
    """Emit one event for each customer that a guard has begun to hold."""
    first = {entry.item.customer_id: entry for entry in reversed(held)}
    for customer, entry in list(first.items())[:MOST]:
        emit_event(
            "greenlight.tripwire.held",
            resource={"prefect.resource.id": f"greenlight.customer.{customer}", "prefect.resource.name": customer},
            payload={"customer_id": customer, "reason": entry.reason.value, "saw": entry.saw},
        )


def _events(report: Report, now: datetime) -> Iterator[_Event]:
    """Alarms before good news: what the cut takes away must not be what somebody waits for."""
    dead: set[str] = set()
    good: list[_Event] = []
    for entry in report.items:
        reason, customer = entry.condition.reason, entry.item.customer_id
        if entry.changed and entry.observed is Status.PARTNER_READY:
            good.append(_Event("greenlight.integration.partner_ready", entry.item, reason))
        elif entry.changed:
            good.append(_Event("greenlight.integration.enabled", entry.item, reason))
        # Once: somebody was told of what was so before this run.
        told = report.began is not None and entry.condition_since is not None and entry.condition_since < report.began
        if reason in _DEAD and customer not in dead and not told:
            dead.add(customer)
            yield _Event("greenlight.credentials.dead", entry.item, reason)
        if _is_not_shown(entry, now):
            yield _Event("greenlight.enable.not_shown", entry.item, reason)
        if _is_overdue(entry, now):
            yield _Event("greenlight.request.overdue", entry.item, reason)
    yield from good


def _is_not_shown(entry: ReportItem, now: datetime) -> bool:
    since = entry.condition_since
    confirmed = entry.condition.reason is Reason.CONFIRMED_NOT_SHOWN
    return confirmed and since is not None and now - since > NOT_SHOWN_AFTER


def _is_overdue(entry: ReportItem, now: datetime) -> bool:
    since = entry.observed_since
    return entry.observed is Status.REQUESTED and since is not None and now - since > OVERDUE_AFTER
