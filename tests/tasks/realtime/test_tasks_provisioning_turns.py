"""Many customers at once that are asked for: so many turns and no more, and nobody is in two."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from prefect import task

from blocks.parent_app import save_parent
from greenlight.ats.customer_book import ApplicationState
from greenlight.ats.database import Database
from greenlight.ats.provisioning_requests import ProvisioningRequests
from greenlight.linkedin.provisioning import Provisioner
from tasks.realtime import provisioning
from tasks.realtime.provisioning import provision_what_is_asked_for
from tests.ats.world import NOON, at
from tests.flows.test_flow_provision import PARENT, vendor
from tests.tasks.realtime.test_tasks_provisioning import open_requests, state_of


def test_a_claim_is_kept_and_leaves_out_who_is_served(database: Database) -> None:
    requests = ProvisioningRequests(database)
    for minute, who in enumerate(("acme", "bolt")):
        requests.want(who, who, at(minute))
    assert requests.claim(at(2), at(4), 1, served={"acme"}) == ["bolt"], "who is served takes nobody's place"
    requests.keep(["bolt", "gone"], at(6))
    assert requests.claim(at(5), at(9), 9) == ["acme"]
    assert requests.claim(at(6), at(9), 9) == ["bolt"]


async def test_so_many_turns_and_nobody_in_two(town: Any, unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the claims run out meanwhile."""
    open_ones, taken, over = asyncio.Semaphore(0), list[str](), asyncio.Event()

    @task(name="slow")
    async def slow(customers: Sequence[str], _: str) -> None:
        taken.extend(customers)
        open_ones.release()
        await over.wait()

    monkeypatch.setattr(provisioning, "provision_requested", slow)
    monkeypatch.setattr(provisioning, "CUSTOMERS_TOGETHER", 2)
    monkeypatch.setattr(provisioning, "TURNS_AT_ONCE", 3)
    monkeypatch.setattr(provisioning, "CLAIMED_FOR", timedelta())
    async with town(vendor()) as there:
        for number in range(10):
            ProvisioningRequests(there.database).want(f"{number}-{unique}", "Acme", NOON + timedelta(seconds=number))
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(provision_what_is_asked_for())
                await open_ones.acquire()
            await asyncio.gather(*(provision_what_is_asked_for() for _ in range(8)))
            assert taken == [f"{number}-{unique}" for number in range(6)]
            over.set()
        await provision_what_is_asked_for()
        assert len(taken) == 8, "there is room again"


async def test_a_claim_lasts_as_long_as_its_turn(town: Any, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @task(name="slow")
    async def slow(*_: object) -> None:
        await asyncio.sleep(2.5)
        claimed.append(open_requests(there.database)[ada].due_at > there.now())

    claimed = list[bool]()
    monkeypatch.setattr(provisioning, "provision_requested", slow)
    monkeypatch.setattr(provisioning, "CLAIMED_FOR", timedelta(seconds=1.5))
    monkeypatch.setattr(provisioning, "KEPT_EVERY_SECONDS", 0.2)
    async with town(vendor()) as there:
        ProvisioningRequests(there.database).want(ada, "Ada", there.now())
        await provision_what_is_asked_for()
        assert claimed == [True]


async def test_all_turns_together_are_at_so_many_customers(
    town: Any, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most = 0, 0
    create = Provisioner.create

    async def counted(self: Provisioner, *given: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(now, most)
        try:
            await asyncio.sleep(0.05)
            return await create(self, *given)
        finally:
            now -= 1

    monkeypatch.setattr(Provisioner, "create", counted)
    monkeypatch.setattr(provisioning, "CUSTOMERS_TOGETHER", 4)
    monkeypatch.setattr(provisioning, "_at_once", asyncio.Semaphore(2))
    async with town(vendor()) as there:
        await save_parent(PARENT)
        names = [f"{number}-{unique}" for number in range(8)]
        for name in names:
            ProvisioningRequests(there.database).want(name, "Acme", there.now())
        await asyncio.gather(*(provision_what_is_asked_for() for _ in range(2)))
        assert [state_of(there, name) for name in names] == [ApplicationState.READY] * 8
        assert most == 2
