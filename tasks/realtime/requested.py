"""Enable what customers have just requested: the nightly run's own steps, within seconds.

The portal rings; a task worker (`greenlight worker`) answers. The ring says nothing: what is to be done stands in the
ATS database, so a ring that is lost, repeated or answered twice changes nothing, and no parameter has to reach the
worker's disk.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from prefect import task
from prefect.client.schemas.objects import State
from prefect.runtime import task_run

from greenlight.ats.announcements import Announcements
from greenlight.ats.clock import DatabaseClock
from greenlight.ats.database import DatabaseNotReady, open_database
from greenlight.ats.requests import OpenRequest, Requests
from greenlight.ats.runs import RunTarget
from greenlight.domain.budget import Lane
from greenlight.domain.report import Command, Verdict
from greenlight.domain.selection import Selection
from greenlight.linkedin.errors import clean
from greenlight.reconcile.observe import Purpose
from greenlight.settings import InvalidSettings, Settings, load_settings
from tasks.observe import look_at_all
from tasks.parts.chunks import customers_label
from tasks.parts.resources import enabling_resources, now, on_time_of, planning_resources
from tasks.parts.retries import RECORDING
from tasks.realtime.provisioning import provision_what_is_asked_for
from tasks.realtime.units import in_database
from tasks.sequences.look_plan_enable import enable_and_confirm, look_and_plan, say_waits
from tasks.telling import outbox
from tasks.telling.events import announce, failed, refused_state

_T = TypeVar("_T")
_log = logging.getLogger("greenlight.requests")

#: Enables that requests may bring, for each customer of a turn; a customer has a handful of integrations.
MAX_CHANGES = 50
#: Customers that have one turn together, each with a few requests at most: what a click costs is mostly its turn.
CUSTOMERS_TOGETHER, REQUESTS_TOGETHER = 32, 10
#: Turns side by side of such, and of customers that are alone in their turn.
TURNS_TOGETHER_AT_ONCE, TURNS_ALONE_AT_ONCE = 4, 32
#: The longest that one task of a turn may take.
TURN_SECONDS = 300.0


class _Turn(Protocol):
    def __call__(self, customers: Sequence[str], *, alone: bool) -> Awaitable[None]: ...


class _CustomerTurns:
    """Which customers this process is at. One that rings again meanwhile gets another turn, and never two at once.

    Who has just clicked has a quick turn together with others; whoever is slow, a patient one alone, out of their way.
    """

    def __init__(self) -> None:
        #: Whether each is to be alone in its turn.
        self._waiting: dict[str, bool] = {}
        self._served: set[str] = set()
        self._gates = {
            False: asyncio.Semaphore(TURNS_TOGETHER_AT_ONCE),
            True: asyncio.Semaphore(TURNS_ALONE_AT_ONCE),
        }

    async def serve(self, customers: Sequence[str], slow: Collection[str], turn: _Turn) -> None:
        """Give each of these customers its turn, unless another call of this comes to it first."""
        self._waiting |= {customer_id: customer_id in slow for customer_id in customers}
        async with asyncio.TaskGroup() as group:
            for alone, size in ((False, CUSTOMERS_TOGETHER), (True, 1)):
                for _ in range(0, sum(self._waiting[customer_id] is alone for customer_id in customers), size):
                    group.create_task(self._drain(alone, turn, group))

    async def _drain(self, alone: bool, turn: _Turn, group: asyncio.TaskGroup) -> None:
        async with self._gates[alone]:
            while customers := self._next(alone):
                self._served.update(customers)
                try:
                    await turn(customers, alone=alone)
                except Exception as error:
                    # It stands in the database still; who else is in a turn, or waits for one, is not to suffer.
                    _log.warning("%s: a turn ended in %s", clean(customers_label(customers)), type(error).__name__)
                finally:
                    self._served.difference_update(customers)
                if (not alone) in {self._waiting.get(customer_id) for customer_id in customers}:
                    # They rang meanwhile, and nobody else comes to them.
                    group.create_task(self._drain(not alone, turn, group))

    def _next(self, alone: bool) -> list[str]:
        mine = [each for each, lone in self._waiting.items() if lone is alone and each not in self._served]
        taken = mine[: 1 if alone else CUSTOMERS_TOGETHER]
        for customer_id in taken:
            del self._waiting[customer_id]
        return taken


_turns = _CustomerTurns()


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
    """Act on what is due: looks that somebody waits for, open requests, and applications that are asked for.

    Enabling cannot be undone.
    """

    def due(requests: Requests) -> tuple[list[str], set[str]]:
        return requests.due_customers(now()), requests.slow_customers(REQUESTS_TOGETHER)

    try:
        customers, slow = await asyncio.to_thread(_with_requests, load_settings(), due)
    except (DatabaseNotReady, InvalidSettings) as refused:
        _log.warning("requests cannot be looked for: %s", refused)
        return refused_state(refused)
    # Side by side: a new application takes minutes, and a click seconds.
    await asyncio.gather(_turns.serve(customers, slow, _take_turn), provision_what_is_asked_for())
    return None


async def _take_turn(customers: Sequence[str], *, alone: bool) -> None:
    # Its state is for whoever looks at Prefect's UI; one turn's failure or hanging is no other's.
    settings, label = load_settings(), clean(customers_label(customers))

    def due(requests: Requests) -> tuple[list[str], list[OpenRequest]]:
        theirs = requests.to_act_on(customers, now())
        return theirs, requests.open_of(theirs)

    async def take(turn: Any, theirs: Sequence[str]) -> None:
        if theirs:
            bounded = turn.with_options(timeout_seconds=TURN_SECONDS)
            state = await bounded(list(theirs), quick=not alone, return_state=True)
            if not state.is_completed():
                _log.warning("%s: a turn ended as %s", label, state.name)

    to_act_on, tried = await asyncio.to_thread(_with_requests, settings, due)
    await take(act_on_requests, to_act_on)
    # Whoever only looks waits for whoever has clicked.
    look_for = partial(Requests.to_look_for, customers=customers, now=now())
    await take(look_for_customers, await asyncio.to_thread(_with_requests, settings, look_for))
    try:
        await asyncio.to_thread(_with_requests, settings, lambda requests: requests.put_off(tried, now()))
    except Exception as error:
        _log.warning("%s: could not be put off (%s)", label, type(error).__name__)


def _with_requests(settings: Settings, act: Callable[[Requests], _T]) -> _T:
    return in_database(settings, lambda database: act(Requests(database)))


def _settings(quick: bool) -> Settings:
    settings = load_settings()
    return settings.model_copy(update={"retry_delays_seconds": ()}) if quick else settings


def _run_name() -> str:
    return f"{task_run.task_name}: {customers_label(task_run.parameters['customers'])}"


@task(name="look for customers", task_run_name=_run_name, **RECORDING)
async def look_for_customers(customers: Sequence[str], *, quick: bool = False) -> None:
    """Look at what somebody waits to see changed, and at enables that have settled. It cannot enable.

    A `quick` one tries once.
    """
    async with planning_resources(_settings(quick), Lane.REALTIME) as resources:
        ids = await asyncio.to_thread(resources.requests.take_looks, customers, now())
        if ids:
            await look_at_all(str(uuid4()), Purpose.OBSERVE, ids)


@task(name="act on requests", task_run_name=_run_name, **RECORDING)
async def act_on_requests(customers: Sequence[str], *, quick: bool = False) -> State[None] | None:
    """Look at what these customers requested, enable what LinkedIn shows as REQUESTED, and look again.

    In a `quick` turn nobody waits for another's retries or doubts: what is left is taken up by a turn of that
    customer's own. Failed where something of it needs somebody, as a scheduled run is; what it brought about is
    announced either way.
    """
    async with enabling_resources(_settings(quick), Lane.REALTIME) as resources:
        requests = await asyncio.to_thread(resources.requests.due_of, customers, now())
        if not requests:
            return None
        ids = [request.integration_id for request in requests]
        run_id, target = str(uuid4()), RunTarget(Selection(customers=tuple(customers)), integrations=tuple(ids))
        since = await asyncio.to_thread(resources.runs.start, run_id, Command.REQUEST, target, now(), resources.lane)

        made = await look_and_plan(run_id, ids, since, MAX_CHANGES * len(customers))
        await enable_and_confirm(run_id, made.to_enable, made.not_shown, settle=not quick)
        say_waits()

        await asyncio.to_thread(resources.requests.acted_on, requests, since, now())
        report = await asyncio.to_thread(resources.runs.finish, run_id, resources.sent(), now())
        await announce(report, resources.alarms, resources.announcements)
        headline = clean(report.headline())
        _log.info("%s: %s", clean(customers_label(customers)), headline)
        return None if report.verdict is Verdict.OK else failed(report.verdict, headline)
