"""What a customer requests in the plugin, acted on as the task worker does it: alone, once, and never on its word."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import select

from blocks.child_app import ChildAppBlocks, block_name
from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.ledger import Attempt
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.registry import Registration, register
from greenlight.ats.requests import Requests
from greenlight.ats.tables import Run
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.linkedin.oauth import Credentials
from sandbox.keys import Key
from sandbox.world import Application, Fault, World
from tasks.realtime.requested import act_on_requests, enable_requested

TYPE = "APPLY_WITH_LINKEDIN"


class Customer:
    """A customer with a child application and an open page; every test has its own, as they share a Prefect server."""

    def __init__(self, name: str, *faults: Fault) -> None:
        self.id = f"{name}-{uuid4().hex[:8]}"
        self.client_id = self.id.replace("-", "")
        self.application = Application(
            client_id=self.client_id, client_secret=f"secret of {self.id}", customer=self.id, faults=list(faults)
        )

    def key(self, type: str = TYPE, tenant: str = "JOBS") -> IntegrationKey:
        return IntegrationKey(f"urn:li:organization:{self.client_id}", type, tenant)

    async def move_in(self, there: Any) -> None:
        now = there.now()
        register(there.database, [Registration(self.id, self.id, (self.client_id, block_name(self.id)), [])], now)
        held = Credentials(self.client_id, SecretStr(self.application.client_secret))
        await ChildAppBlocks().save_many({block_name(self.id): held})
        PortalSessions(there.database).open(f"link {self.id}", self.id, self.id, now, now + timedelta(hours=1))

    def clicks(self, there: Any, *keys: IntegrationKey) -> None:
        """LinkedIn has the request, and the plugin calls back."""
        for key in keys or (self.key(),):
            there.linkedin.request(self.client_id, Key(key.integration_context, key.integration_type, key.tenant_type))
        self.says(there, *keys)

    def says(self, there: Any, *keys: IntegrationKey) -> None:
        """The browser says so, whatever LinkedIn has."""
        Requests(there.database).record(self.id, self.id, keys or (self.key(),), there.now())

    def shown(self, there: Any) -> dict[str, tuple[str, str, str]]:
        report = there.runs.known(Command.STATUS, Selection(customers=(self.id,)))
        return {
            i.item.key.integration_type: (i.observed.value, i.condition.outcome.value, i.condition.reason.value)
            for i in report.items
        }


ENABLED = {TYPE: ("ENABLED", "enabled", "ENABLED")}


async def test_a_request_becomes_enabled(town: Any) -> None:
    ada, bob = Customer("ada"), Customer("bob")
    async with town(World(applications=[ada.application, bob.application])) as there:
        await ada.move_in(there)
        await bob.move_in(there)
        ada.clicks(there)
        await enable_requested()
        assert ada.shown(there) == ENABLED
        assert there.enables()[ada.id] == {"received": 1, "effective": 1}
        assert {entry.client_id for entry in there.linkedin.log} == {ada.client_id}, "nobody else was asked about"
        assert there.operations() == ["token", "verify", "enable", "verify"]
        assert there.violations() == []
        assert Requests(there.database).open_customers() == []
        with there.database.reading() as session:
            (run,) = session.exec(select(Run)).all()
            changes = session.execute(text("SELECT status, reason FROM greenlight_changes_v1 ORDER BY number")).all()
        assert (run.command, run.verdict) == ("request", "ok")
        assert (run.token_requests, run.verify_requests, run.enable_requests) == (1, 2, 1)
        assert list(map(tuple, changes)) == [
            ("REQUESTED", "READY_TO_ENABLE"),
            ("REQUESTED", "CONFIRMED_NOT_SHOWN"),
            ("ENABLED", "ENABLED"),
        ]


async def test_what_a_request_came_to_is_announced(town: Any, heard: list[tuple[str, str, str]]) -> None:
    """An enable that a customer's click brought about is as much news as one of the night, and so is a dead key."""
    ada, bob = Customer("ada"), Customer("bob", Fault(on="token", fault="invalid_client", times=None))
    async with town(World(applications=[ada.application, bob.application])) as there:
        for customer in (ada, bob):
            await customer.move_in(there)
            customer.clicks(there)
        states = [await act_on_requests([customer.id], return_state=True) for customer in (ada, bob)]
        assert sorted((event, who) for event, who, _ in heard) == [
            ("greenlight.credentials.dead", bob.id),
            ("greenlight.integration.enabled", ada.id),
        ]
        assert [state.name for state in states] == ["Completed", "NothingSucceeded"]
        assert bob.id in str(states[1].message)


async def test_nothing_requested_costs_nothing(town: Any) -> None:
    ada = Customer("ada")
    async with town(World(applications=[ada.application])) as there:
        await ada.move_in(there)
        await enable_requested()
        assert there.operations() == []


async def test_a_forged_context_is_asked_about_and_never_enabled(town: Any) -> None:
    """Bob's browser names Ada's organization; only what verify shows under Bob's own credentials counts."""
    ada, bob = Customer("ada"), Customer("bob")
    async with town(World(applications=[ada.application, bob.application])) as there:
        await ada.move_in(there)
        await bob.move_in(there)
        there.linkedin.request(ada.client_id, Key(ada.key().integration_context, TYPE, "JOBS"))
        bob.says(there, ada.key())
        await enable_requested()
        assert bob.shown(there) == {TYPE: ("NOT_REQUESTED", "waiting", "NOT_REQUESTED")}
        assert ada.shown(there) == {}
        assert there.enables() == {id: {"received": 0, "effective": 0} for id in (ada.id, bob.id)}
        assert "enable" not in there.operations()


async def test_a_repeated_callback_is_enabled_once(town: Any) -> None:
    """Notify partner sends the same again, while the first is under way and after it."""
    ada = Customer("ada", Fault(on="enable", fault="hang", seconds=0.3))
    async with town(World(applications=[ada.application])) as there:
        await ada.move_in(there)
        ada.clicks(there)
        first = asyncio.create_task(enable_requested())
        for _ in range(5):
            await asyncio.sleep(0.05)
            ada.says(there)
            await enable_requested()
        await first
        ada.says(there)
        await enable_requested()
        assert ada.shown(there)[TYPE][0] == "ENABLED"
        assert there.enables()[ada.id] == {"received": 1, "effective": 1}
        assert Requests(there.database).open_customers() == []


async def test_recruiter_types_wait_for_the_admin_and_are_looked_at_again(town: Any) -> None:
    ada = Customer("ada")
    keys = [ada.key(type, "RECRUITER") for type in ("IN_ATS_INDICATOR", "ONE_CLICK_EXPORT")]
    async with town(World(applications=[ada.application])) as there:
        await ada.move_in(there)
        ada.clicks(there, *keys)
        await enable_requested()
        assert set(ada.shown(there).values()) == {("PARTNER_READY", "waiting", "AWAITING_CUSTOMER")}
        for key in keys:
            there.linkedin.customer_switches_on(
                ada.client_id, Key(key.integration_context, key.integration_type, key.tenant_type)
            )
        assert Requests(there.database).look_again(ada.id, there.now() + timedelta(minutes=2))
        await enable_requested()
        assert {observed for observed, _, _ in ada.shown(there).values()} == {"ENABLED"}
        assert there.enables()[ada.id] == {"received": 2, "effective": 2}


async def test_one_customers_trouble_is_nobody_elses(town: Any) -> None:
    down = [Fault(on=operation, fault="status", status=503, times=None) for operation in ("verify", "enable")]
    ada, bob = Customer("ada", *down), Customer("bob")
    async with town(World(applications=[ada.application, bob.application])) as there:
        for customer in (ada, bob):
            await customer.move_in(there)
            customer.clicks(there)
        await enable_requested()
        assert bob.shown(there) == ENABLED
        assert ada.shown(there) == {TYPE: ("UNKNOWN", "failed", "LINKEDIN_UNAVAILABLE")}

        there.linkedin.set_faults(ada.client_id, [])
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert report.exit_code == 0, "the nightly run is the safety net"
        assert ada.shown(there)[TYPE][0] == "ENABLED"
        assert there.enables()[bob.id] == {"received": 1, "effective": 1}


async def test_the_nightly_run_at_the_same_moment(town: Any) -> None:
    """Both want the same enable: one sends it."""
    customers = [Customer(f"c{n}") for n in range(12)]
    async with town(World(applications=[c.application for c in customers])) as there:
        for customer in customers:
            await customer.move_in(there)
            customer.clicks(there)
        await asyncio.gather(reconcile(What.APPLY, return_state=True), enable_requested(), enable_requested())
        assert {c.id: there.enables()[c.id]["effective"] for c in customers} == {c.id: 1 for c in customers}
        assert {c.shown(there)[TYPE][0] for c in customers} == {"ENABLED"}
        with there.database.reading() as session:
            assert session.exec(select(Attempt).where(Attempt.closed_at.is_(None))).all() == []  # type: ignore[union-attr]
