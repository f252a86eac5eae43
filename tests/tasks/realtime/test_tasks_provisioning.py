"""What the vendor's back end asks for, acted on as the task worker does it: one application each."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from prefect import task
from pydantic import SecretStr
from sqlmodel import select

from blocks.child_app import ChildAppBlocks, block_name
from blocks.parent_app import save_parent
from greenlight.ats.api_tables import ProvisioningRequest
from greenlight.ats.applications import Applications
from greenlight.ats.customer_book import ApplicationState, CustomerBook
from greenlight.ats.database import Database
from greenlight.ats.provisioning_requests import ASKED_AGAIN, LATEST, ProvisioningRequests
from greenlight.ats.registry import Registration, register
from greenlight.ats.tables import ChildApplication, Customer
from greenlight.ats.withdrawals import NAMELESS, Withdrawals
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.provision import CannotProvision
from sandbox.world import Fault
from tasks.realtime import worker
from tasks.realtime.provisioning import CLAIMED_FOR
from tasks.realtime.requested import enable_requested
from tests.ats.world import NOON, at
from tests.flows.test_flow_provision import PARENT, check, vendor


def state_of(there: Any, customer_id: str) -> ApplicationState:
    return CustomerBook(there.database).customer(customer_id, there.now()).application.state


def open_requests(database: Database) -> dict[str, Any]:
    with database.reading() as session:
        return {row.customer_id: row for row in session.exec(select(ProvisioningRequest))}


async def test_who_is_asked_for_gets_a_working_application(town: Any, ada: str, bob: str) -> None:
    async with town(vendor(delay=1)) as there:
        await save_parent(PARENT)
        requests = ProvisioningRequests(there.database)
        assert requests.want(ada, "Ada Ltd", there.now())
        assert requests.want(bob, "Bob Ltd", there.now())
        assert state_of(there, ada) is ApplicationState.REQUESTED
        await enable_requested()
        await check(there, ada, bob)
        assert state_of(there, ada) is state_of(there, bob) is ApplicationState.READY
        assert open_requests(there.database) == {}
        assert there.violations() == []
        assert not requests.want(ada, "Ada Limited", there.now()), "it has one"


async def test_the_worker_finds_it_without_a_ring(town: Any, ada: str) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)
        ProvisioningRequests(there.database).want(ada, "Ada", there.now())
        await worker._sweep_once()  # pyright: ignore[reportPrivateUsage]
        await check(there, ada)
        assert open_requests(there.database) == {}


async def test_two_workers_at_once_make_one(town: Any, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)
        # As of two processes, which do not know of each other, and of a claim that has run out.
        monkeypatch.setattr("tasks.realtime.provisioning._served", NobodyServed())
        monkeypatch.setattr("tasks.realtime.provisioning.CLAIMED_FOR", timedelta())
        ProvisioningRequests(there.database).want(ada, "Ada", there.now())
        await asyncio.gather(enable_requested(), enable_requested())
        assert there.operations().count("create") == 1
        await check(there, ada)


class NobodyServed(set[str]):
    def __iter__(self) -> Iterator[str]:
        return iter(())


async def test_what_failed_is_tried_again_later_and_says_why(town: Any, ada: str) -> None:
    refusal = Fault(on="create", fault="status", status=400, message="name is not acceptable")
    async with town(vendor(refusal)) as there:
        await save_parent(PARENT)
        ProvisioningRequests(there.database).want(ada, "Ada", there.now())
        await enable_requested()
        row = CustomerBook(there.database).customer(ada, there.now()).application
        assert (row.state, row.reason) == (ApplicationState.FAILED, "PROVISIONING_REFUSED")
        assert row.next_try_at is not None
        assert row.next_try_at > there.now()
        await enable_requested()
        assert there.operations().count("create") == 1, "not before its time"
        ProvisioningRequests(there.database).claim(there.now() + LATEST, there.now(), 10)
        await enable_requested()
        await check(there, ada)


async def test_without_the_parent_s_credentials_it_waits(town: Any, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none() -> None:
        return None

    async with town(vendor()) as there:
        monkeypatch.setattr("tasks.parts.provisioning_resources.parent_credentials", none)
        ProvisioningRequests(there.database).want(ada, "Ada", there.now())
        await enable_requested()
        assert there.operations() == []
        assert open_requests(there.database)[ada].due_at > there.now()
        told = CustomerBook(there.database).customer(ada, there.now()).application
        assert (told.state, told.reason) == (ApplicationState.FAILED, "PROVISIONING_UNFINISHED")
        assert "`greenlight parent` stores them" in (told.detail or "")


@pytest.mark.parametrize("trouble", ["refused", "origins"])
async def test_why_nothing_can_be_provisioned_is_told_of_each(
    town: Any, ada: str, bob: str, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def nowhere(*_: object) -> None:
        raise CannotProvision("on nobody's page")

    async with town(vendor()) as there:
        await save_parent(PARENT if trouble == "origins" else Credentials("vendorparent", SecretStr("wrong")))
        requests = ProvisioningRequests(there.database)
        for who in (ada, bob):
            requests.want(who, who, there.now())
        with monkeypatch.context() as patched:
            if trouble == "origins":
                patched.setattr("tasks.realtime.provisioning.must_have_real_origins", nowhere)
            await enable_requested()
        says = "on nobody's page" if trouble == "origins" else "LinkedIn refuses the parent application's credentials"
        for who in (ada, bob):
            told = CustomerBook(there.database).customer(who, there.now()).application
            assert (told.state, told.reason) == (ApplicationState.FAILED, "PROVISIONING_UNFINISHED")
            assert says in (told.detail or "")
        await save_parent(PARENT)
        requests.claim(there.now() + LATEST, there.now(), 10)
        await enable_requested()
        await check(there, ada, bob)


async def test_who_has_left_gets_none(town: Any, ada: str) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)
        ProvisioningRequests(there.database).want(ada, "Ada", there.now())
        Withdrawals(there.database).forget(ada, "ops", there.now())
        await enable_requested()
        assert there.linkedin.state()["applications"] == []


async def test_who_comes_back_gets_another_secret(town: Any, ada: str) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)
        requests = ProvisioningRequests(there.database)
        requests.want(ada, "Ada", there.now())
        await enable_requested()
        forgotten = Withdrawals(there.database).forget(ada, "ops", there.now())
        assert forgotten.credentials_block == block_name(ada)
        assert await ChildAppBlocks().delete(block_name(ada))
        assert requests.want(ada, "Ada", there.now()), "it has none that works"
        await enable_requested()
        await check(there, ada)
        assert state_of(there, ada) is ApplicationState.READY
        assert [there.operations().count(each) for each in ("create", "rotate")] == [1, 1]
        assert open_requests(there.database) == {}


async def test_an_imported_one_that_comes_back_waits_for_its_keys(town: Any, ada: str) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)
        requests = ProvisioningRequests(there.database)
        register(there.database, [Registration(ada, "Ada", ("imported" + ada, block_name(ada)), [])], there.now())
        assert not requests.want(ada, "Ada", there.now())
        Withdrawals(there.database).forget(ada, "ops", there.now())
        assert requests.want(ada, "Ada", there.now())
        await enable_requested()
        row = CustomerBook(there.database).customer(ada, there.now()).application
        assert (row.state, row.reason) == (ApplicationState.FAILED, "CREDENTIALS_MISSING")
        assert open_requests(there.database).keys() == {ada}
        assert there.linkedin.state()["applications"] == []


@pytest.mark.parametrize("moment", ["claim", "begin", "put"])
async def test_who_leaves_meanwhile_has_nothing_on_record(
    town: Any, ada: str, bob: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Before the intent and after it, and when LinkedIn has made the application already; who is beside it gets one."""

    def leaving(there: Any, act: Callable[..., Any]) -> Callable[..., Any]:
        def leave(self: Any, *given: Any, **more: Any) -> Any:
            if moment == "put" and given[0] == ada:
                Withdrawals(there.database).forget(ada, "ops", there.now())
            done = act(self, *given, **more)
            if moment == "claim" or (moment == "begin" and given[0] == ada):
                Withdrawals(there.database).forget(ada, "ops", there.now())
            return done

        return leave

    of = ProvisioningRequests if moment == "claim" else Applications
    async with town(vendor()) as there:
        await save_parent(PARENT)
        requests = ProvisioningRequests(there.database)
        requests.want(ada, "Ada", there.now())
        requests.want(bob, "Bob", there.now())
        with monkeypatch.context() as patched:
            patched.setattr(of, moment, leaving(there, getattr(of, moment)))
            await enable_requested()
        await check(there, bob)
        with there.database.reading() as session:
            row = session.get_one(Customer, ada)
            assert (row.customer_name, row.forgotten_at is None) == (NAMELESS, False)
            assert session.get(ChildApplication, ada) is None
        assert await ChildAppBlocks().get_many([block_name(ada)]) == {}, "no secret of who has left is kept"
        made = [each["unique_foreign_id"] for each in there.linkedin.state()["applications"]]
        assert sorted(made) == ([bob] if moment == "claim" else [ada, bob])
        assert open_requests(there.database) == {}
        requests.want(ada, "Ada", there.now())
        await enable_requested()
        await check(there, ada)
        assert there.operations().count("create") == len(made) + (moment == "claim"), "it is found again"


async def test_a_click_does_not_wait_for_an_application(town: Any, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks LinkedIn for minutes has its turn beside what takes seconds."""
    started, served = asyncio.Event(), asyncio.Event()

    @task(name="for ever")
    async def hangs(*_: object) -> None:
        started.set()
        await served.wait()

    async def serve(*_: object) -> None:
        await asyncio.wait_for(started.wait(), 20)
        served.set()

    async with town(vendor()) as there:
        ProvisioningRequests(there.database).want(ada, "Ada", there.now())
        monkeypatch.setattr("tasks.realtime.provisioning.provision_requested", hangs)
        monkeypatch.setattr("tasks.realtime.requested._turns.serve", serve)
        await asyncio.wait_for(enable_requested(), 60)
        assert served.is_set()


def test_who_claims_has_it_alone_until_then(database: Database) -> None:
    requests = ProvisioningRequests(database)
    requests.want("acme", "Acme", NOON)
    until = NOON + CLAIMED_FOR
    assert requests.claim(NOON, until, 10) == ["acme"]
    assert requests.claim(NOON, until, 10) == []
    assert not requests.are_due(NOON)
    assert requests.claim(until, until + CLAIMED_FOR, 10) == ["acme"]


def test_the_older_it_is_the_longer_it_waits_and_asking_again_shortens_that(database: Database) -> None:
    requests = ProvisioningRequests(database)
    requests.want("acme", "Acme", NOON)
    waits = []
    for minute in (0, 10, 60 * 100):
        requests.settle(["acme"], at(minute))
        waits.append(open_requests(database)["acme"].due_at - at(minute))
    assert waits == [timedelta(seconds=5), timedelta(minutes=5), LATEST]
    requests.want("acme", "Acme", at(6001))
    assert open_requests(database)["acme"].due_at == at(6001) + ASKED_AGAIN
