"""Enable what a customer has just requested: the nightly run's own steps, for one customer, within seconds.

The portal rings; a task worker (`greenlight worker`) answers. The ring says nothing: what is to be done stands in the
ATS database, so a ring that is lost, repeated or answered twice changes nothing, and no parameter has to reach the
worker's disk.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast
from uuid import uuid4

from prefect import task

from greenlight.ats.database import open_database
from greenlight.ats.requests import Requests
from greenlight.ats.runs import Scope
from greenlight.domain.budget import Lane
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.linkedin.errors import clean
from greenlight.settings import Settings, load_settings
from tasks.retries import RECORDING
from tasks.session import enabling_session, now
from tasks.steps import enable_and_confirm, look_and_plan, say_waits

#: Enables that one customer's requests may bring; a customer has a handful of integrations.
MAX_CHANGES = 50
#: Customers that one worker is at side by side.
WIDTH = 32


class _Desk:
    """Which customers this process is at. One that rings again meanwhile gets another turn, and never two at once."""

    def __init__(self) -> None:
        self._again: dict[str, bool] = {}
        self._gate = asyncio.Semaphore(WIDTH)

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


_desk = _Desk()
_log = logging.getLogger("greenlight.requests")


async def open_customers(settings: Settings) -> list[str]:
    """Customers with a request that nobody has acted on."""

    def ask() -> list[str]:
        database = open_database(settings.database_url.get_secret_value())
        try:
            return Requests(database).open_customers()
        finally:
            database.close()

    return await asyncio.to_thread(ask)


@task(name="enable requested", task_run_name="enable what was requested", **RECORDING)
async def enable_requested() -> None:
    """Act on every request of the ATS database that nobody has acted on. Enabling cannot be undone."""
    customers = await open_customers(load_settings())
    await asyncio.gather(*(_desk.serve(customer_id, _take_turn) for customer_id in customers))


async def _take_turn(customer_id: str) -> None:
    # Its state is for whoever looks at Prefect's UI; one customer's failure is nobody else's.
    await cast(Any, act_on_requests)(customer_id, return_state=True)


@task(name="act on requests", task_run_name="act on requests: {customer_id}", **RECORDING)
async def act_on_requests(customer_id: str) -> None:
    """Look at one customer's integrations, enable those that LinkedIn shows as REQUESTED, and look again."""
    async with enabling_session(load_settings(), Lane.REALTIME) as session:
        requests = await asyncio.to_thread(session.requests.open_of, customer_id)
        if not requests:
            return
        run_id, scope = str(uuid4()), Scope(Selection(customers=(customer_id,)))
        ids = await asyncio.to_thread(session.runs.ids, scope)
        since = await asyncio.to_thread(session.runs.start, run_id, Command.REQUEST, scope, now(), session.lane)

        made, _ = await look_and_plan(run_id, ids, since, MAX_CHANGES)
        await enable_and_confirm(run_id, made.to_enable)
        say_waits()

        await asyncio.to_thread(session.requests.acted_on, requests, now())
        report = await asyncio.to_thread(session.runs.finish, run_id, session.sent(), now())
        _log.info("%s: %s", clean(customer_id), clean(report.headline()))
