"""Enable what a customer has just requested: the nightly run's own steps, for one customer, within seconds.

The portal rings; a task worker (`greenlight worker`) answers. The ring says nothing: what is to be done stands in the
ATS database, so a ring that is lost, repeated or answered twice changes nothing, and no parameter has to reach the
worker's disk.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast
from uuid import uuid4

from prefect import task
from prefect.client.schemas.objects import State

from greenlight.ats.announcements import Announcements
from greenlight.ats.clock import DatabaseClock
from greenlight.ats.database import DatabaseNotReady, open_database
from greenlight.ats.requests import Requests
from greenlight.ats.runs import RunTarget
from greenlight.domain.budget import Lane
from greenlight.domain.report import Command, Verdict
from greenlight.domain.selection import Selection
from greenlight.linkedin.errors import clean
from greenlight.reconcile.observe import Purpose
from greenlight.settings import InvalidSettings, Settings, load_settings
from tasks.observe import look_at_all
from tasks.parts.retries import RECORDING
from tasks.parts.session import enabling_session, now, on_time_of, planning_session
from tasks.sequences.look_plan_enable import enable_and_confirm, look_and_plan, say_waits
from tasks.telling import outbox
from tasks.telling.events import announce, failed, refused_state

_T = TypeVar("_T")

#: Enables that one customer's requests may bring; a customer has a handful of integrations.
MAX_CHANGES = 50
#: Customers that one worker is at side by side.
TURNS_AT_ONCE = 32
#: The longest that one task of a turn at one customer may take.
TURN_SECONDS = 300.0


class _CustomerTurns:
    """Which customers this process is at. One that rings again meanwhile gets another turn, and never two at once."""

    def __init__(self) -> None:
        self._again: dict[str, bool] = {}
        self._gate = asyncio.Semaphore(TURNS_AT_ONCE)

    async def serve(self, customer_id: str, turn: Callable[[str], Awaitable[None]]) -> None:
        if customer_id in self._again:
            self._again[customer_id] = True
            return
        self._again[customer_id] = True
        try:
            async with self._gate:
                while self._again[customer_id]:
                    self._again[customer_id] = False
                    await turn(customer_id)
        finally:
            del self._again[customer_id]


_turns = _CustomerTurns()
_log = logging.getLogger("greenlight.requests")


async def due_customers(settings: Settings) -> list[str]:
    """Customers with a request to act on or a look that somebody waits for."""
    return await asyncio.to_thread(_with_requests, settings, lambda requests: requests.due_customers(now()))


async def announce_owed(settings: Settings) -> None:
    """Announce what the runs that found it, or brought it about, did not come to."""
    database = await asyncio.to_thread(open_database, settings.database_url.get_secret_value(), patient=True)
    try:
        clock = DatabaseClock(database)
        await asyncio.to_thread(clock.sync)
        with on_time_of(clock):
            await outbox.announce_owed(Announcements(database))
    finally:
        database.close()


@task(name="enable requested", task_run_name="enable what was requested", **RECORDING)
async def enable_requested() -> State[None] | None:
    """Act on what is due: looks that somebody waits for, and open requests. Enabling cannot be undone."""
    try:
        customers = await due_customers(load_settings())
    except (DatabaseNotReady, InvalidSettings) as refused:
        _log.warning("requests cannot be looked for: %s", refused)
        return refused_state(refused)
    async with asyncio.TaskGroup() as group:
        for customer_id in customers:
            group.create_task(_turns.serve(customer_id, _take_turn))
    return None


async def _take_turn(customer_id: str) -> None:
    # Its state is for whoever looks at Prefect's UI; one customer's failure or hanging is nobody else's.
    settings = load_settings()
    tried = await asyncio.to_thread(_with_requests, settings, lambda requests: requests.open_of(customer_id))
    for turn in (look_for_customer, act_on_requests):
        bounded = turn.with_options(timeout_seconds=TURN_SECONDS)
        state = await cast(Any, bounded)(customer_id, return_state=True)
        if not state.is_completed():
            _log.warning("%s: a turn ended as %s", clean(customer_id), state.name)
    try:
        await asyncio.to_thread(_with_requests, settings, lambda requests: requests.put_off(tried, now()))
    except Exception as error:
        _log.warning("%s: could not be put off (%s)", clean(customer_id), type(error).__name__)


def _with_requests(settings: Settings, act: Callable[[Requests], _T]) -> _T:
    database = open_database(settings.database_url.get_secret_value(), patient=True)
    try:
        clock = DatabaseClock(database)
        clock.sync()
        with on_time_of(clock):
            return act(Requests(database))
    finally:
        database.close()


@task(name="look for customer", task_run_name="look: {customer_id}", **RECORDING)
async def look_for_customer(customer_id: str) -> None:
    """Look at what somebody waits to see changed, and at enables that have settled. It cannot enable."""
    async with planning_session(load_settings(), Lane.REALTIME) as session:
        ids = await asyncio.to_thread(session.requests.take_looks, customer_id, now())
        if ids:
            await look_at_all(str(uuid4()), Purpose.OBSERVE, ids)


@task(name="act on requests", task_run_name="act on requests: {customer_id}", **RECORDING)
async def act_on_requests(customer_id: str) -> State[None] | None:
    """Look at what one customer requested, enable what LinkedIn shows as REQUESTED, and look again.

    Failed where something of it needs somebody, as a scheduled run is; what it brought about is announced either way.
    """
    async with enabling_session(load_settings(), Lane.REALTIME) as session:
        requests = await asyncio.to_thread(session.requests.due_of, customer_id, now())
        if not requests:
            return None
        ids = [request.integration_id for request in requests]
        types = {entry.item.key.integration_type for entry in await asyncio.to_thread(session.store.wanted, ids)}
        run_id, scope = str(uuid4()), RunTarget(Selection(customers=(customer_id,), types=tuple(sorted(types))))
        since = await asyncio.to_thread(session.runs.start, run_id, Command.REQUEST, scope, now(), session.lane)

        made = await look_and_plan(run_id, ids, since, MAX_CHANGES)
        await enable_and_confirm(run_id, made.to_enable, made.not_shown)
        say_waits()

        await asyncio.to_thread(session.requests.acted_on, requests, since, now())
        report = await asyncio.to_thread(session.runs.finish, run_id, session.sent(), now())
        await announce(report, session.alarms, session.announcements)
        headline = clean(report.headline())
        _log.info("%s: %s", clean(customer_id), headline)
        return None if report.verdict is Verdict.OK else failed(report.verdict, headline)
