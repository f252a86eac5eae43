"""Get customers that the vendor's back end has just named their child applications: the provision flow's own steps.

As with what is requested in the plugin, the ring says nothing: what is to be done stands in the ATS database.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from prefect import task
from prefect.client.schemas.objects import State

from greenlight.ats.applications import Applications
from greenlight.ats.database import Database
from greenlight.ats.provisioning_requests import ProvisioningRequests
from greenlight.domain.report import Verdict, first_ten
from greenlight.errors import GreenlightError
from greenlight.linkedin.errors import clean
from greenlight.reconcile.provision import CannotProvision
from greenlight.settings import Settings, load_settings
from tasks.parts.chunks import customers_label
from tasks.parts.provisioning_resources import CUSTOMERS_AT_ONCE, must_have_real_origins, provisioning_resources
from tasks.parts.resources import now
from tasks.parts.retries import RECORDING
from tasks.provision import provision_all, wait_until_working
from tasks.realtime.units import in_database
from tasks.telling.events import failed, refused_state

#: Customers of one turn: who comes meanwhile has another beside it.
CUSTOMERS_TOGETHER = 50
#: Turns side by side; who comes while so many are under way waits for the first that ends.
TURNS_AT_ONCE = 8
#: How long another worker leaves a customer to us unless we say so again, and how often we do while its turn lasts.
CLAIMED_FOR = timedelta(minutes=2)
KEPT_EVERY_SECONDS = 30.0

_T = TypeVar("_T")
_log = logging.getLogger("greenlight.requests")
#: Customers that this process is at.
_served = set[str]()
#: Its turns that are under way.
_turns = set[object]()
#: How many customers all of them together are at.
_at_once = asyncio.Semaphore(CUSTOMERS_AT_ONCE)


async def provisioning_is_due(settings: Settings) -> bool:
    """Whether a customer waits for its application."""
    return await asyncio.to_thread(_with_requests, settings, lambda requests: requests.are_due(now()))


async def provision_what_is_asked_for() -> None:
    """Act on what is due. It raises nothing: what is left stands in the database still."""
    if len(_turns) >= TURNS_AT_ONCE:
        return
    turn, customers = object(), list[str]()
    _turns.add(turn)
    try:
        settings, served = load_settings(), list(_served)
        customers = await asyncio.to_thread(
            _with_requests,
            settings,
            lambda requests: requests.claim(now(), now() + CLAIMED_FOR, CUSTOMERS_TOGETHER, served),
        )
        _served.update(customers)
        if customers:
            await _take_turn(settings, customers)
    except Exception as error:
        _log.warning("%s: applications could not be got (%s)", clean(first_ten(customers)), type(error).__name__)
    finally:
        _turns.discard(turn)
        _served.difference_update(customers)


async def _take_turn(settings: Settings, customers: Sequence[str]) -> None:
    label, over = customers_label(customers), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_keep_claimed(settings, customers, over))
        try:
            # Prefect types return_state on an async task as if it were not awaited.
            called: Any = provision_requested
            state = await called(customers, label, return_state=True)
        finally:
            over.set()
    if not state.is_completed():
        _log.warning("%s: getting applications ended as %s: %s", clean(label), state.name, clean(state.message or ""))
    await asyncio.to_thread(_with_requests, settings, lambda requests: requests.settle(customers, now()))


async def _keep_claimed(settings: Settings, customers: Sequence[str], over: asyncio.Event) -> None:
    while not over.is_set():
        try:
            await asyncio.wait_for(over.wait(), KEPT_EVERY_SECONDS)
        except TimeoutError:
            try:
                keep = partial(ProvisioningRequests.keep, customers=customers, until=now() + CLAIMED_FOR)
                await asyncio.to_thread(_with_requests, settings, keep)
            except Exception as error:
                # The next time will do, and the lease is what keeps another worker apart.
                _log.warning("%s: a claim could not be kept (%s)", clean(first_ten(customers)), type(error).__name__)


@task(name="provision requested", task_run_name="provision: {label}", **RECORDING)
async def provision_requested(customers: Sequence[str], label: str) -> State[None] | None:
    """Create or adopt a child application for each of these customers, and wait until it works.

    No list of domains that is there already is changed.
    """
    settings, run_id = load_settings(), str(uuid4())
    try:
        async with provisioning_resources(settings, at_once=_at_once) as resources:
            await asyncio.to_thread(must_have_real_origins, settings, resources.lists)
            applications = resources.applications
            scope = {"customers": list(customers), "requested": True}
            await asyncio.to_thread(applications.start, run_id, scope, now(), chosen=customers)
            await provision_all(run_id, customers, look=False)
            await wait_until_working(run_id)
            report = await asyncio.to_thread(applications.finish, run_id, resources.sent(), now())
    except GreenlightError as refused:
        if isinstance(refused, CannotProvision):
            await asyncio.to_thread(in_database, settings, partial(_say_why, settings, customers, run_id, refused))
        return refused_state(refused)
    headline = clean(report.headline())
    _log.info("%s: %s", clean(label), headline)
    return None if report.verdict is Verdict.OK else failed(report.verdict, headline)


def _say_why(
    settings: Settings, customers: Sequence[str], run_id: str, why: CannotProvision, database: Database
) -> None:
    Applications(database, settings.installation).refused(customers, run_id, clean(str(why)), now())


def _with_requests(settings: Settings, act: Callable[[ProvisioningRequests], _T]) -> _T:
    return in_database(settings, lambda database: act(ProvisioningRequests(database)))
