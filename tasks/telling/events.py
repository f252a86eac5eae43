"""Alarms of a run, for automations: a dead credential, an overdue request; each trouble once, none cut."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from prefect.client.schemas.objects import State
from prefect.states import Failed

from greenlight.ats.alarms import Alarm, Alarms
from greenlight.ats.announcements import Announcements
from greenlight.ats.domains import DomainLists
from greenlight.domain.conditions import DEAD_CREDENTIALS, EFFECT, WORTH_REPEATING
from greenlight.domain.plan import Item
from greenlight.domain.provisioning import ProvisionReport
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Report, ReportItem, Verdict
from greenlight.domain.status import Status
from greenlight.errors import GreenlightError, Kind
from tasks.parts.resources import now
from tasks.telling.outbox import announce_owed, event_about, resource_of, send_events

#: How long LinkedIn may show REQUESTED before somebody should know.
OVERDUE_AFTER = timedelta(days=1)
#: How long what LinkedIn confirmed may not be shown before somebody should know; its looks lag by minutes.
NOT_SHOWN_AFTER = timedelta(hours=1)

_WELL = frozenset({Outcome.ENABLED, Outcome.ALREADY_ENABLED, Outcome.WAITING})


_log = logging.getLogger("greenlight.events")
_DRIFTED = "greenlight.application.drifted"
#: What is told of a run as a whole, and each time.
PASSES = WORTH_REPEATING | {Reason.CUSTOMER_BUSY, Reason.PROVISIONING_UNFINISHED}
_DEAD_KEY, _NOT_SHOWN, _OVERDUE = (
    "greenlight.credentials.dead",
    "greenlight.enable.not_shown",
    "greenlight.request.overdue",
)


class _Event(NamedTuple):
    name: str
    item: Item
    reason: Reason

    def alarm(self) -> Alarm:
        """The trouble that it tells of, a dead key being the customer's."""
        if self.name == _DEAD_KEY:
            return Alarm(self.name, self.item.customer_id)
        return _of_one(self.name, self.item)


async def announce(report: Report, alarms: Alarms, announcements: Announcements) -> None:
    """Emit this run's alarms, then announce what is owed, of this run or another.

    A trouble is told once, until it is seen to be over: one event for each integration, and for each customer whose
    key is dead.
    """
    at, known = now(), await asyncio.to_thread(alarms.told)
    events = [event for event in _troubles(report, at) if event.alarm() not in known]
    if await _sent([event_about(*event) for event in events]):
        new = {event.alarm() for event in events}
        await asyncio.to_thread(alarms.record, new, known & set(_over(report)), at)
    await announce_owed(announcements)


async def _sent(events: Sequence[dict[str, Any]]) -> bool:
    """Whether Prefect has taken them. What it has not is told by the next run, so nothing of it is put on record."""
    if not events:
        return True
    try:
        await send_events(events)
    except Exception as error:
        _log.warning(
            "%s alarms could not be told to Prefect (%s); the next run tells them", len(events), type(error).__name__
        )
        return False
    return True


async def announce_applications(report: ProvisionReport, lists: DomainLists, alarms: Alarms) -> list[str]:
    """Tell of each application that is not as it is on record, once; whose these are, and why.

    That somebody has changed a list of domains at LinkedIn is told by whoever comes next after it was found.
    """
    at, known = now(), await asyncio.to_thread(alarms.told)
    found = await asyncio.to_thread(lists.untold)
    words, events = list[str](), list[dict[str, Any]]()
    new: dict[Alarm, tuple[str, str]] = {}
    for item in report.unsettled():
        alarm = Alarm(_DRIFTED, item.customer_id, item.reason)
        if alarm not in known and item.reason not in PASSES:
            new[alarm] = item.reason.value, item.message
    there = {alarm.customer_id for alarm in new}
    for customer, change in found.items():
        if customer not in there:
            new[Alarm(_DRIFTED, customer)] = "DOMAINS_CHANGED", f"its domains were changed at LinkedIn: {change}"
    for alarm, (reason, message) in new.items():
        customer = alarm.customer_id
        words.append(f"{customer}: {message.rstrip('.')}")
        events.append(
            {
                "event": _DRIFTED,
                "resource": resource_of(customer),
                "payload": {"customer_id": customer, "reason": reason, "message": message},
            }
        )
    well = {item.customer_id for item in report.items} - {item.customer_id for item in report.unsettled()}
    over = {alarm for alarm in known if alarm.name == _DRIFTED and alarm.customer_id in well}
    if await _sent(events):
        await asyncio.to_thread(alarms.record, {alarm for alarm in new if alarm.subject}, over, at)
        await asyncio.to_thread(lists.tell, found, at)
    return words


def failed(verdict: Verdict, headline: str) -> State[None]:
    """The state of what ended with this verdict, which is not OK."""
    name = "PartialFailure" if verdict is Verdict.PARTIAL else "NothingSucceeded"
    return Failed(name=name, message=headline)


#: The state in which a run ends that was kept from its work, by who must act; of another kind it ends with a traceback.
STATES = dict.fromkeys((Kind.INPUT, Kind.REFUSED, Kind.DATABASE), "Refused")


def refused_state(why: GreenlightError) -> State[None]:
    """Failed; the message says why and what to do. Raises what has no state of its own."""
    if why.kind not in STATES:
        raise why
    return Failed(name=STATES[why.kind], message=str(why), data=why)


def _troubles(report: Report, now: datetime) -> Iterator[_Event]:
    dead: set[str] = set()
    for entry in report.items:
        reason, customer = entry.condition.reason, entry.item.customer_id
        if reason in DEAD_CREDENTIALS and customer not in dead:
            dead.add(customer)
            yield _Event(_DEAD_KEY, entry.item, reason)
        if _is_not_shown(entry, now):
            yield _Event(_NOT_SHOWN, entry.item, reason)
        if _is_overdue(entry, now):
            yield _Event(_OVERDUE, entry.item, reason)


def _over(report: Report) -> Iterator[Alarm]:
    """Trouble that cannot be there any more, by what LinkedIn has shown. A look that failed ends none."""
    dead = {entry.item.customer_id for entry in report.items if entry.condition.reason in DEAD_CREDENTIALS}
    for entry in report.items:
        well = entry.condition.outcome in _WELL and entry.condition.reason is not Reason.SHARE_SPENT
        if well and entry.item.customer_id not in dead:
            yield Alarm(_DEAD_KEY, entry.item.customer_id)
        if well or entry.observed in EFFECT:
            yield _of_one(_NOT_SHOWN, entry.item)
        if entry.observed is not Status.REQUESTED:
            yield _of_one(_OVERDUE, entry.item)


def _of_one(name: str, item: Item) -> Alarm:
    key = item.key
    return Alarm(name, item.customer_id, f"{key.integration_context} {key.integration_type} {key.tenant_type}")


def _is_not_shown(entry: ReportItem, now: datetime) -> bool:
    since = entry.condition_since
    confirmed = entry.condition.reason is Reason.CONFIRMED_NOT_SHOWN
    return confirmed and since is not None and now - since > NOT_SHOWN_AFTER


def _is_overdue(entry: ReportItem, now: datetime) -> bool:
    since = entry.observed_since
    return entry.observed is Status.REQUESTED and since is not None and now - since > OVERDUE_AFTER
