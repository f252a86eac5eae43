"""Runs on a virtual clock, in process: the real steps and the real session against a LinkedIn that is right here.

`reconcile` below is the order of `flows/reconcile.py` without what that publishes; everything else is the product's
own, with what `tests/model/steps.py` puts in Prefect's place.
"""

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import event

import tasks.parts.resources
import tasks.realtime.requested
import tasks.sequences.look_plan_enable
from greenlight.ats.database import Database, open_database
from greenlight.ats.holds import Holds
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.registry import Registration, register
from greenlight.ats.requests import Requests
from greenlight.ats.runs import Runs, RunTarget
from greenlight.domain.budget import Lane, Scope
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.report import Command, Report
from greenlight.domain.selection import Selection
from greenlight.linkedin.oauth import Credentials
from greenlight.settings import Settings
from tests.model.linkedin import Application, LinkedIn
from tests.model.process import PROCESS, Killed, Process
from tests.model.virtual import VirtualLoop

#: Opens a new database with the newest schema for one world, and gives its URL.
Ground = Callable[[], AbstractContextManager[str]]
START = datetime(2026, 11, 23, 2, tzinfo=UTC)


class _Shared(Database):
    """One engine for all processes of a world; a session's end does not close it."""

    def close(self) -> None:
        pass


class World:
    """Customers, each with an OAuth client of its own, and their runs."""

    def __init__(
        self,
        ground: Ground,
        *,
        limit: int = 5000,
        scope: Scope = Scope.CHILD,
        start: datetime = START,
        recheck_days: int = 1,
    ) -> None:
        """Each night looks at all, unless it is told in how many nights that is to be."""
        self._ground = ExitStack()
        url = self._ground.enter_context(ground())
        self._opened = open_database(url)
        if url.startswith("sqlite"):
            event.listen(self._opened.engine, "connect", _no_waiting_for_the_disk)
            self._opened.engine.dispose()
        self.database = _Shared(self._opened.engine)
        self.settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            database_url=SecretStr(url),
            requests_per_day=limit,
            budget_scope=scope,
            recheck_days=recheck_days,
        )
        self.loop = VirtualLoop()
        self._start = start
        self.linkedin = LinkedIn(self.clock, limit, together=scope is Scope.PARENT)
        self.secrets: dict[str, Credentials] = {}
        self.clients: dict[str, str] = {}
        self.pauses: dict[str, tuple[datetime, datetime]] = {}
        self.processes: list[Process] = []
        self.defects: list[str] = []

    def clock(self) -> datetime:
        return self._start + timedelta(seconds=self.loop.time())

    async def settle(self, accepted: Callable[[Credentials], bool]) -> None:
        """Nothing is ever replaced here."""

    async def get_many(self, names: Sequence[str]) -> Mapping[str, Credentials]:
        """The blocks."""
        return {name: self.secrets[name] for name in names if name in self.secrets}

    def bring_in(self, customers: Mapping[str, Mapping[IntegrationKey, str | None]]) -> None:
        """Import customers with an application each, whose integrations LinkedIn shows like this; None is absent."""
        registrations = []
        for customer, statuses in customers.items():
            client_id, block = f"client-{customer}", f"block-{customer}"
            self.clients[customer] = client_id
            self.secrets[block] = Credentials(client_id, SecretStr(f"secret-{customer}"))
            self.linkedin.applications[client_id] = Application(customer, f"secret-{customer}")
            for key, status in statuses.items():
                self.show(customer, key, status)
            named = [(key, str(key)[:50]) for key in statuses]
            registrations.append(Registration(customer, customer, (client_id, block), named))
        register(self.database, registrations, self.clock())

    def replace_application(self, customer: str) -> None:
        """The customer gets another OAuth client, under which nothing has been requested yet."""
        client_id, block = f"{self.clients[customer]}+", f"block-{customer}"
        self.linkedin.applications[client_id] = Application(customer, f"secret-{client_id}")
        self.secrets[block] = Credentials(client_id, SecretStr(f"secret-{client_id}"))
        self.clients[customer] = client_id
        register(self.database, [Registration(customer, customer, (client_id, block), [])], self.clock())

    def lift(self, *customers: str) -> None:
        """A person lets go on what guards hold."""
        Holds(self.database).lift(customers, "a person", self.clock())

    def show(self, customer: str, key: IntegrationKey, status: str | None) -> None:
        """LinkedIn, or the customer in Recruiter, brings an integration there."""
        application = self.linkedin.applications[self.clients[customer]]
        application.before.pop(key, None)
        if status == "REQUESTED":
            self.linkedin.request(self.clients[customer], key)
        elif status is None:
            application.statuses.pop(key, None)
        else:
            application.statuses[key] = status

    def call_back(self, customer: str, key: IntegrationKey) -> None:
        """The plugin's callback for a request that LinkedIn has noted, unless it is further on already."""
        if self.linkedin.applications[self.clients[customer]].statuses.get(key) is None:
            self.show(customer, key, "REQUESTED")
        now, digest = self.clock(), uuid4().hex
        PortalSessions(self.database).open(digest, customer, digest, now, now + timedelta(hours=1))
        Requests(self.database).record(customer, digest, [key], now)

    def pause(self, customer: str, lasting: timedelta) -> None:
        now = self.clock()
        self.pauses[customer] = now, now + lasting
        Pauses(self.database).begin(Pause(customer, "they asked", "us", now, now + lasting))

    def end_pauses(self) -> None:
        for customer in self.pauses:
            Pauses(self.database).end(customer)
        self.pauses.clear()

    def paused(self) -> frozenset[str]:
        now = self.clock()
        return frozenset(customer for customer, (since, until) in self.pauses.items() if since < now < until)

    def start(
        self,
        lane: Lane = Lane.NIGHTLY,
        customers: Sequence[str] = (),
        max_changes: int = 500,
        kill_after: int | None = None,
    ) -> Process:
        """Begin a run: at night, by hand, or for what a customer has just requested."""
        process = Process(self, kill_after)
        if lane is Lane.REALTIME:
            run = tasks.realtime.requested.act_on_requests.fn([customers[0]])
        else:
            run = reconcile(lane, customers, max_changes)
        context = contextvars.copy_context()
        context.run(PROCESS.set, process)
        process.task = self.loop.create_task(self._watched(run), context=context)
        return process

    async def _watched(self, run: Any) -> None:
        try:
            await run
        except Killed:
            pass
        except Exception as error:
            self.defects.append(repr(error))
            raise

    def finish(self, *processes: Process) -> None:
        """Let time pass until these have ended, or all."""
        for process in processes or self.processes:
            if process.task is not None and not process.task.done():
                self.loop.run_until_complete(asyncio.wait([process.task]))

    def run(self, lane: Lane = Lane.NIGHTLY, customers: Sequence[str] = (), max_changes: int = 500) -> Report:
        """One run, undisturbed by others."""
        process = self.start(lane, customers, max_changes)
        self.finish(process)
        assert process.report is not None, self.defects
        return process.report

    def wait_until(self, moment: datetime) -> None:
        self.loop.pass_time(max(0.0, (moment - self.clock()).total_seconds()))

    def next_day(self, hour: int = 2) -> datetime:
        tomorrow = (self.clock() + timedelta(days=1)).replace(hour=hour, minute=0, second=0, microsecond=0)
        self.wait_until(tomorrow)
        return tomorrow

    def known(self) -> Report:
        return Runs(self.database).known(Command.STATUS, Selection())

    def close(self) -> None:
        for process in self.processes:
            process.dead, process.frozen_until = True, 0.0
        self.finish()
        # What a dead process had begun beside its run ends with the next thing that it tries.
        if left := asyncio.all_tasks(self.loop):
            self.loop.run_until_complete(asyncio.wait(left))
        self.loop.close()
        self._opened.close()
        self._ground.close()


@contextmanager
def of_seed(world: World, seed: int) -> Iterator[None]:
    """A failure names the seed, and its world leaves nothing behind."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    finally:
        world.close()


def _no_waiting_for_the_disk(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


async def reconcile(lane: Lane, customers: Sequence[str], max_changes: int) -> None:
    world = PROCESS.get().world
    async with tasks.parts.resources.enabling_resources(world.settings, lane) as session:
        run_id, scope = str(uuid4()), RunTarget(Selection(customers=tuple(customers)))
        days = world.settings.recheck_days
        chosen = await asyncio.to_thread(session.runs.to_look_at, scope, lane, world.clock(), days)
        started = (run_id, Command.APPLY, scope, world.clock(), lane, chosen.next_on)
        since = await asyncio.to_thread(session.runs.start, *started)
        made = await tasks.sequences.look_plan_enable.look_and_plan(
            run_id, chosen.ids, since, max_changes, named=customers, wanted=chosen.wanted
        )
        await tasks.sequences.look_plan_enable.enable_and_confirm(run_id, made.to_enable, made.not_shown)
        tasks.sequences.look_plan_enable.say_waits()
        await asyncio.to_thread(session.runs.finish, run_id, session.sent(), world.clock())
