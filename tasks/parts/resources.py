"""What a run works with: the database, the way to LinkedIn and the credentials, open for the length of a flow run.

Tasks find it here and not among their parameters: parameters are recorded by Prefect, and this holds secrets.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from blocks.child_app import ChildAppBlocks
from greenlight.ats.alarms import Alarms
from greenlight.ats.announcements import Announcements
from greenlight.ats.attempts import Attempts
from greenlight.ats.budgets import Budgets
from greenlight.ats.clock import DatabaseClock
from greenlight.ats.database import Database, open_database
from greenlight.ats.facts import FactsOnRecord
from greenlight.ats.fleet import Fleet
from greenlight.ats.holds import Holds
from greenlight.ats.leases import Leases
from greenlight.ats.plans import Plans
from greenlight.ats.requests import Requests
from greenlight.ats.rows import SKEW
from greenlight.ats.runs import Runs
from greenlight.ats.shards import Shards
from greenlight.ats.store import Store
from greenlight.ats.warrants import Warrants
from greenlight.domain.budget import Lane
from greenlight.domain.plan import RequestTotals
from greenlight.linkedin.calls import Calls
from greenlight.linkedin.integrations import Enabler, Verifier
from greenlight.linkedin.oauth import Operation, RequestCounts, Tokens
from greenlight.linkedin.transport import Wire
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.enable import Enabling
from greenlight.reconcile.metering import Budget
from greenlight.reconcile.observe import Observer
from greenlight.settings import Settings
from tasks.parts.beside import beside
from tasks.parts.chunks import items_at_once
from tasks.parts.collector import collecting_less

_CLOCK: ContextVar[DatabaseClock | None] = ContextVar("clock", default=None)
_log = logging.getLogger("greenlight.run")


def now() -> datetime:
    """The one real clock of a run, the database's while it has its resources; everything below is given times."""
    clock = _CLOCK.get()
    return clock() if clock is not None else datetime.now(UTC)


@contextmanager
def on_time_of(clock: DatabaseClock) -> Iterator[None]:
    """Within this `now` is the time of the clock's database. It is to be synced already."""
    if abs(clock.ahead) > SKEW.total_seconds():
        _log.warning(
            "This host's clock is %.0f s %s the database's, by which this run goes: set the host's clock",
            abs(clock.ahead),
            "ahead of" if clock.ahead > 0 else "behind",
        )
    mark = _CLOCK.set(clock)
    try:
        yield
    finally:
        _CLOCK.reset(mark)


@dataclass(frozen=True)
class RunResources:
    """One run's means. `enabling` is None for a run that only plans: it has no object that could enable."""

    settings: Settings
    lane: Lane
    database: Database
    store: Store
    attempts: Attempts
    runs: Runs
    plans: Plans
    announcements: Announcements
    fleet: Fleet
    requests: Requests
    facts: FactsOnRecord
    holds: Holds
    warrants: Warrants
    alarms: Alarms
    leases: CustomerLeases
    shards: Shards
    budget: Budget
    observer: Observer
    enabling: Enabling | None
    counts: RequestCounts
    #: The types of the errors that ended chunks of this run.
    crashes: list[str] = field(default_factory=list)

    def sent(self) -> RequestTotals:
        return RequestTotals(self.counts.token, self.counts.verify, self.counts.enable)


_CURRENT: ContextVar[RunResources] = ContextVar("resources")
_SENT: ContextVar[RequestCounts | None] = ContextVar("sent", default=None)


class _Counts(RequestCounts):
    """All that a run sends, and what each part of it sends that is counted by itself."""

    def add(self, operation: Operation) -> None:
        super().add(operation)
        if (part := _SENT.get()) is not None:
            part.add(operation)


def set_apart() -> RunResources:
    """From here on, for this asyncio task and those that it starts: the same means, with its own counts and crashes."""
    apart = replace(_CURRENT.get(), counts=RequestCounts(), crashes=[])
    _SENT.set(apart.counts)
    _CURRENT.set(apart)
    return apart


def current_resources() -> RunResources:
    """The resources of the flow run that this task belongs to."""
    return _CURRENT.get()


@asynccontextmanager
async def planning_resources(settings: Settings, lane: Lane = Lane.OPERATOR) -> AsyncIterator[RunResources]:
    """What a run needs that can look and cannot enable."""
    async with _opened(settings, lane, may_enable=False) as resources:
        yield resources


@asynccontextmanager
async def enabling_resources(settings: Settings, lane: Lane) -> AsyncIterator[RunResources]:
    """What a run needs that can look and enable."""
    async with _opened(settings, lane, may_enable=True) as resources:
        yield resources


@asynccontextmanager
async def ground(settings: Settings) -> AsyncIterator[tuple[Database, DatabaseClock, Wire]]:
    """What every run stands on: the database, its clock, by which `now` goes within this, and the way to LinkedIn.

    Closed once nothing is under way beneath it.
    """
    database = await asyncio.to_thread(open_database, settings.database_url.get_secret_value(), patient=True)
    wire = Wire(settings.http_timeout_seconds, way=settings.way)
    clock, stack = DatabaseClock(database), ExitStack()
    try:
        await asyncio.to_thread(clock.sync)
        stack.enter_context(on_time_of(clock))
        stack.enter_context(collecting_less())
        yield database, clock, wire
    finally:
        stack.close()
        await wire.aclose()
        await database.writer.settled()
        database.close()


@asynccontextmanager
async def _opened(settings: Settings, lane: Lane, *, may_enable: bool) -> AsyncIterator[RunResources]:
    async with ground(settings) as (database, clock, wire):
        counts = _Counts()
        tokens = Tokens(wire, settings.linkedin_token_url, counts)
        budget = Budget(Budgets(database, settings.requests_per_day), lane, settings.budget_scope, now)
        means = Calls(wire, tokens, counts, budget), settings.linkedin_api_url
        leases = CustomerLeases(Leases(database), now, sync=clock.sync)
        blocks = ChildAppBlocks()
        store, attempts = Store(database), Attempts(database)
        enabler = Enabler(*means) if may_enable else None
        resources = RunResources(
            settings,
            lane,
            database,
            store,
            attempts,
            Runs(database),
            Plans(database),
            Announcements(database),
            Fleet(database),
            Requests(database),
            FactsOnRecord(database),
            Holds(database),
            Warrants(database),
            Alarms(database),
            leases,
            Shards(database, leases.owner),
            budget,
            Observer(
                store,
                enabler or Verifier(*means),
                blocks,
                now,
                leases,
                budget.reserve if enabler else None,
                items_at_once(settings.connections),
                budget,
            ),
            Enabling(
                attempts,
                enabler,
                blocks,
                now,
                leases,
                settings.http_timeout_seconds,
                settings.settles_in_seconds,
                # Some are about to leave while others are under way: no connection waits for an intent.
                settings.connections * 3 // 2,
                items_at_once(settings.connections),
                budget,
            )
            if enabler
            else None,
            counts,
        )
        mark = _CURRENT.set(resources)
        try:
            async with beside(leases.renew()):
                yield resources
                await blocks.settle(tokens.worked)
        finally:
            _CURRENT.reset(mark)
