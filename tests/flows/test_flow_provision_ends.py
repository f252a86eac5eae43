"""How a provisioning ends that cannot go on: what is said, what was left alone, and what the next run does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

import blocks.saving
from blocks.child_app import ChildAppBlocks
from blocks.parent_app import save_parent
from blocks.saving import BlocksNotSaved
from greenlight.ats.applications import Applications
from greenlight.ats.leases import Leases
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.provision import CannotProvision
from sandbox.world import Fault
from tests.flows.test_flow_provision import PARENT, check, client_of, outcomes, run, there_already, vendor


async def test_a_clash_changes_nothing_of_the_other_customers_application(town: Any, ada: str, bob: str) -> None:
    """Ada's application is on record as Bob's: whoever it belongs to, its secret is not ours to replace."""
    async with town(vendor(applications=(there_already(ada),))) as there:
        await save_parent(PARENT)
        applications = Applications(there.database)
        applications.add_customers({bob: "Bob"}, there.now())
        applications.put(bob, client_of(ada), "b", there.now(), urn=None, name=None, js_sdk_domains=None)
        assert outcomes(await run(there, new={ada: "Ada"})) == {ada: ("failed", "APPLICATION_OF_ANOTHER")}
        assert there.operations() == ["token", "create", "find"]
        assert there.linkedin.clients[client_of(ada)].secrets == ["known-to-nobody"]


async def test_an_id_that_is_taken_where_nothing_is_shown(town: Any, ada: str) -> None:
    """A deleted application's, or another parent's: whose permission it is not."""
    taken = Fault(on="create", fault="status", status=409, message="uniqueForeignId already exists", times=None)
    async with town(vendor(taken)) as there:
        await save_parent(PARENT)
        report = await run(there, new={ada: "Ada"})
        assert outcomes(report) == {ada: ("failed", "FOREIGN_ID_TAKEN")}
        assert ada in report.items[0].message


async def test_an_application_that_linkedin_has_no_more(town: Any, ada: str) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)
        await run(there, new={ada: "Ada"})
        (client_id,) = [c.client_id for c in there.linkedin.clients.values() if c.unique_foreign_id == ada]
        del there.linkedin.clients[client_id]
        assert outcomes(await run(there, ada)) == {ada: ("failed", "APPLICATION_GONE")}


async def test_a_new_customer_is_on_record_before_the_first_request(town: Any, ada: str) -> None:
    """Whoever is killed at the parent's token need not remember whom they had named."""
    async with town(vendor()) as there:
        await save_parent(Credentials("vendorparent", SecretStr("mistyped")))
        with pytest.raises(CannotProvision):
            await run(there, new={ada: "Ada"})
        await save_parent(PARENT)
        assert outcomes(await run(there)) == {ada: ("created", "APPLICATION_WORKS")}


async def test_nothing_is_made_where_no_secret_could_be_kept(
    town: Any, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)
        honest = blocks.saving.save

        async def refused(kind: Any, wanted: Any, patience: float = 0) -> Any:
            if any(name.startswith("probe-") for name in wanted):
                raise BlocksNotSaved("Prefect's API did not take a block")
            return await honest(kind, wanted, patience)

        monkeypatch.setattr(blocks.saving, "save", refused)
        with pytest.raises(CannotProvision, match="nothing was made or replaced at LinkedIn"):
            await run(there, new={ada: "Ada"})
        assert there.operations() == ["token"]


async def test_a_secret_that_could_not_be_kept_is_said_to_be_lost_and_replaced(
    town: Any, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)

        async def refused(self: ChildAppBlocks, wanted: Any) -> Any:
            raise BlocksNotSaved("Prefect's API did not take a block for 300 s")

        with monkeypatch.context() as patched:
            patched.setattr(ChildAppBlocks, "save_many", refused)
            report = await run(there, new={ada: "Ada"})
        assert outcomes(report) == {ada: ("failed", "SECRET_NOT_STORED")}
        assert "300 s" in report.items[0].message
        assert outcomes(await run(there)) == {ada: ("adopted", "APPLICATION_WORKS")}
        await check(there, ada)


async def test_a_crash_at_one_customer_says_what_it_was(town: Any, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with town(vendor()) as there:
        await save_parent(PARENT)

        async def broken(self: ChildAppBlocks, names: Any) -> Any:
            raise ZeroDivisionError

        with monkeypatch.context() as patched:
            patched.setattr(ChildAppBlocks, "get_many", broken)
            report = await run(there, new={ada: "Ada"})
        assert outcomes(report) == {ada: ("failed", "PROVISIONING_UNFINISHED")}
        assert "ZeroDivisionError" in report.items[0].message


async def test_a_customer_at_whom_another_run_is_waits(town: Any, ada: str) -> None:
    async with town(vendor(), GREENLIGHT_RETRY_DELAYS_SECONDS="0") as there:
        await save_parent(PARENT)
        Applications(there.database).add_customers({ada: "Ada"}, there.now())
        other = Leases(there.database)
        other.take(ada, "another", there.now() + timedelta(seconds=60))
        ended = asyncio.create_task(run(there))
        await asyncio.sleep(2)
        assert "create" not in there.operations()
        other.release(ada)
        assert outcomes(await ended) == {ada: ("created", "APPLICATION_WORKS")}
