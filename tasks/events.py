"""Events for automations: what enables brought about, drift, a dead credential, an overdue request.

Alarms are a run's own and go out as they are found. What enables brought about is announced from the ledger, by whoever
comes next: of a run that died as well, and what Prefect did not take is still owed.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.events.schemas.events import Event

from greenlight.ats.announcements import Announcements, Effect
from greenlight.ats.holds import Held
from greenlight.ats.rows import Wanted
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Reason
from greenlight.domain.report import Report, ReportItem
from greenlight.domain.status import Status
from tasks.session import now

#: Enables that Prefect is told of in one request.
AT_ONCE = 200
#: The longest that a run stays for announcing; what is left is the next one's.
ANNOUNCING_SECONDS = 20.0
#: How long LinkedIn may show REQUESTED before somebody should know.
OVERDUE_AFTER = timedelta(days=1)
#: How long what LinkedIn confirmed may not be shown before somebody should know; its looks lag by minutes.
NOT_SHOWN_AFTER = timedelta(hours=1)

_DEAD = frozenset({Reason.CREDENTIALS_REFUSED, Reason.WRONG_CREDENTIALS, Reason.TOKEN_REJECTED})
_TELLING = threading.Lock()
_log = logging.getLogger("greenlight.events")


class _Event(NamedTuple):
    name: str
    item: Item
    reason: Reason


async def announce(report: Report, announcements: Announcements, drifted: Sequence[Wanted] = ()) -> None:
    """Emit this run's alarms, all of them, then announce what enables brought about, of this run or another."""
    drift = [_Event("greenlight.integration.drifted", w.item, w.condition.reason) for w in drifted]
    for event in [*drift, *_alarms(report, now())]:
        emit_event(**_told(event))
    await announce_effects(announcements)


async def announce_effects(announcements: Announcements) -> None:
    """Tell Prefect of each enable that took effect and was not announced, those that ended first before others.

    An event's id follows from its attempt, so what is told again, after a death between telling and marking, is known
    for the same. Never raises: what is not told is left for whoever comes next.
    """
    # Of many turns that end at once in a worker, one tells for all.
    if not _TELLING.acquire(blocking=False):
        return
    try:
        async with asyncio.timeout(ANNOUNCING_SECONDS):
            while effects := await asyncio.to_thread(announcements.next, AT_ONCE):
                await hand_over([_of_effect(effect) for effect in effects])
                await asyncio.to_thread(announcements.made, [effect.attempt_id for effect in effects], now())
    except Exception as error:
        _log.warning(
            "What was enabled could not all be announced to Prefect (%s); it is on record, and left to the next run",
            type(error).__name__,
        )
    finally:
        _TELLING.release()


async def hand_over(events: Sequence[dict[str, Any]]) -> None:
    """Give Prefect's server these events. Raises where it did not take them."""
    async with get_client() as client:
        body = [Event(**event).model_dump(mode="json") for event in events]
        (await client.request("POST", "/events", json=body)).raise_for_status()


def announce_held(held: Sequence[Held]) -> None:
    """Emit one event for each customer that a guard has begun to hold."""
    first = {entry.item.customer_id: entry for entry in reversed(held)}
    for customer, entry in first.items():
        emit_event(
            "greenlight.tripwire.held",
            resource={"prefect.resource.id": f"greenlight.customer.{customer}", "prefect.resource.name": customer},
            payload={"customer_id": customer, "reason": entry.reason.value, "saw": entry.saw},
        )


def _told(event: _Event) -> dict[str, Any]:
    """As Prefect takes it: name, customer, and what it is about."""
    customer, key = event.item.customer_id, event.item.key
    return {
        "event": event.name,
        "resource": {"prefect.resource.id": f"greenlight.customer.{customer}", "prefect.resource.name": customer},
        "payload": {
            "customer_id": customer,
            "integration_context": key.integration_context,
            "integration_type": key.integration_type,
            "reason": event.reason.value,
        },
    }


def _of_effect(effect: Effect) -> dict[str, Any]:
    ready = effect.observed is Status.PARTNER_READY
    name = "greenlight.integration.partner_ready" if ready else "greenlight.integration.enabled"
    run = {"prefect.resource.id": f"prefect.flow-run.{effect.run_id}", "prefect.resource.role": "flow-run"}
    # An attempt's number is its database's; with its run it is nobody else's.
    id = uuid5(NAMESPACE_URL, f"greenlight:{effect.run_id}:{effect.attempt_id}")
    told = _told(_Event(name, effect.item, effect.reason))
    return {**told, "id": id, "occurred": now(), "related": [run] if effect.of_a_flow else []}


def _alarms(report: Report, now: datetime) -> Iterator[_Event]:
    dead: set[str] = set()
    for entry in report.items:
        reason, customer = entry.condition.reason, entry.item.customer_id
        # Once: somebody was told of what was so before this run.
        told = report.began is not None and entry.condition_since is not None and entry.condition_since < report.began
        if reason in _DEAD and customer not in dead and not told:
            dead.add(customer)
            yield _Event("greenlight.credentials.dead", entry.item, reason)
        if _is_not_shown(entry, now):
            yield _Event("greenlight.enable.not_shown", entry.item, reason)
        if _is_overdue(entry, now):
            yield _Event("greenlight.request.overdue", entry.item, reason)


def _is_not_shown(entry: ReportItem, now: datetime) -> bool:
    since = entry.condition_since
    confirmed = entry.condition.reason is Reason.CONFIRMED_NOT_SHOWN
    return confirmed and since is not None and now - since > NOT_SHOWN_AFTER


def _is_overdue(entry: ReportItem, now: datetime) -> bool:
    since = entry.observed_since
    return entry.observed is Status.REQUESTED and since is not None and now - since > OVERDUE_AFTER
