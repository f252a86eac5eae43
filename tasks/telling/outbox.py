"""The outbox, announced from the ledger by whoever comes next, for a run that died as well.

What Prefect did not take is still owed.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect.client.orchestration import get_client
from prefect.events.related import related_resources_from_run_context
from prefect.events.schemas.events import Event

from greenlight.ats.announcements import Announcements, Drift, Effect, NewHold
from greenlight.domain.formatting import iso
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from tasks.parts.beside import beside
from tasks.parts.resources import now

_Row = TypeVar("_Row")

#: What Prefect is told of in one request.
EVENTS_PER_REQUEST = 200
#: The longest that a run stays for announcing; what is left is the next one's.
ANNOUNCING_SECONDS = 20.0
#: Seconds between two looks of a run for what it has brought about meanwhile.
ANNOUNCED_EVERY = 0.5
_TELLING = threading.Lock()
_log = logging.getLogger("greenlight.events")


@asynccontextmanager
async def announcing(announcements: Announcements) -> AsyncIterator[None]:
    """Within this what comes on record is announced meanwhile; at the end of the run, only what came last is left."""
    over = asyncio.Event()
    async with beside(_announce_until(over, announcements)) as telling:
        yield
        over.set()
        await telling


async def _announce_until(over: asyncio.Event, announcements: Announcements) -> None:
    while not over.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(ANNOUNCED_EVERY):
                await over.wait()
        if not over.is_set() and not await announce_owed(announcements, under_way=True):
            # It was said once; the run's end tries again.
            return


async def announce_owed(announcements: Announcements, *, under_way: bool = False) -> bool:
    """Tell Prefect what nobody was told of: new holds, what is ENABLED no more, then each enable that took effect.

    An event's id follows from its row, so what is told again, after a death between telling and marking, is known for
    the same. Never raises: what is not told is left for whoever comes next, and False says so.
    With its run `under_way`, what comes meanwhile is left for the next time, so that requests are few.
    """
    # Of many turns that end at once in a worker, one tells for all.
    if not _TELLING.acquire(blocking=False):
        return True
    try:
        async with asyncio.timeout(ANNOUNCING_SECONDS):
            owed = await asyncio.to_thread(announcements.kinds)
            if owed.holds:
                await _tell_all(announcements.holds, announcements.holds_told, _of_hold, under_way=under_way)
            if owed.drift:
                await _tell_all(announcements.drift, announcements.drift_told, _of_drift, under_way=under_way)
            if owed.effects:
                await _tell_all(announcements.effects, announcements.effects_told, _of_effect, under_way=under_way)
    except Exception as error:
        _log.warning(
            "What was found and enabled could not all be announced to Prefect (%s); it is on record, and left to the "
            "next run",
            type(error).__name__,
        )
        return False
    finally:
        _TELLING.release()
    return True


async def _tell_all(
    owed: Callable[[int], list[_Row]],
    told: Callable[[Sequence[_Row], datetime], int],
    event_of: Callable[[_Row], dict[str, Any]],
    *,
    under_way: bool,
) -> None:
    while rows := await asyncio.to_thread(owed, EVENTS_PER_REQUEST):
        await post_events([event_of(row) for row in rows])
        await asyncio.to_thread(told, rows, now())
        if under_way and len(rows) < EVENTS_PER_REQUEST:
            return


async def send_events(events: Sequence[dict[str, Any]]) -> None:
    """Give Prefect's server events of this very run. Raises where it did not take them, or not in time."""
    async with asyncio.timeout(ANNOUNCING_SECONDS):
        async with get_client() as client:
            related = await related_resources_from_run_context(client)
        for start in range(0, len(events), EVENTS_PER_REQUEST):
            await post_events([{**event, "related": related} for event in events[start : start + EVENTS_PER_REQUEST]])


async def post_events(events: Sequence[dict[str, Any]]) -> None:
    """Give Prefect's server these events. Raises where it did not take them."""
    async with get_client() as client:
        body = [Event(**event).model_dump(mode="json") for event in events]
        (await client.request("POST", "/events", json=body)).raise_for_status()


def resource_of(customer: str) -> dict[str, str]:
    """Whom an event is about, as Prefect names it."""
    return {"prefect.resource.id": f"greenlight.customer.{customer}", "prefect.resource.name": customer}


def event_about(event: str, item: Item, reason: Reason, **more: str) -> dict[str, Any]:
    """An event as Prefect takes it: name, customer, and what it is about, with more where there is more to say."""
    customer, key = item.customer_id, item.key
    return {
        "event": event,
        "resource": resource_of(customer),
        "payload": {
            "customer_id": customer,
            "integration_context": key.integration_context,
            "integration_type": key.integration_type,
            "reason": reason.value,
            **more,
        },
    }


def _of_hold(hold: NewHold) -> dict[str, Any]:
    return {
        "event": "greenlight.tripwire.held",
        "id": _id_of("hold", hold.ids[0], hold.since),
        # Prefect's automations go by when they hear of it.
        "occurred": now(),
        "resource": resource_of(hold.customer_id),
        "payload": {
            "customer_id": hold.customer_id,
            "reason": hold.reason.value,
            "saw": hold.saw,
            "since": iso(hold.since),
        },
    }


def _of_drift(drift: Drift) -> dict[str, Any]:
    id = _id_of("drift", drift.integration_id, drift.since)
    withdrawn = drift.reason is Reason.ENABLED_BUT_WITHDRAWN
    name = "greenlight.integration.enabled_but_withdrawn" if withdrawn else "greenlight.integration.drifted"
    known = event_about(name, drift.item, drift.reason, since=iso(drift.since))
    return {**known, "id": id, "occurred": now()}


def _of_effect(effect: Effect) -> dict[str, Any]:
    ready = effect.observed is Status.PARTNER_READY
    name = "greenlight.integration.partner_ready" if ready else "greenlight.integration.enabled"
    run = {"prefect.resource.id": f"prefect.flow-run.{effect.run_id}", "prefect.resource.role": "flow-run"}
    known = event_about(name, effect.item, effect.reason)
    id = _id_of(effect.run_id, effect.attempt_id)
    return {**known, "id": id, "occurred": now(), "related": [run] if effect.of_a_flow else []}


def _id_of(*words: object) -> UUID:
    """A row's number is its database's; with its run, or its moment, it is nobody else's."""
    return uuid5(NAMESPACE_URL, ":".join(map(str, ("greenlight", *words))))
