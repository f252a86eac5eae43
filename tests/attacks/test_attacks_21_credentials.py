"""Attack 21: credentials that are another customer's, rotated, deleted or dead: one customer stops, no other."""

import asyncio
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from pydantic import SecretStr

from blocks.child_app import ChildAppBlocks, block_name
from flows.reconcile import reconcile
from flows.request import What
from greenlight.linkedin.oauth import Credentials
from sandbox.world import Fault
from tests.flows.fault_world import Case, import_file, world
from tests.tasks.realtime.test_tasks_worker import until

ENABLED = ("enabled", "ENABLED", "ENABLED")
#: What keeps an enable from being called done, or even sent.
STOPPED = ("failed", "waiting", "held", "not_looked_at", "unknown")


def _three(*faults: Fault) -> tuple[Case, ...]:
    """ada, to whom it happens, and two neighbours; names of their own for each test, which share a Prefect server."""
    return (
        Case("ada-mixed", "to whom it happens", ENABLED, tuple(faults)),
        Case("bob-mixed", "a neighbour", ENABLED),
        Case("cyd-mixed", "another neighbour", ENABLED),
    )


def _got(report: Any) -> dict[str, tuple[str, str]]:
    return {i.item.customer_id: (i.condition.outcome.value, i.condition.reason.value) for i in report.items}


def _requests(there: Any, case: Case) -> list[str]:
    return [entry.operation for entry in there.linkedin.log if entry.client_id == case.client_id]


async def _hold(case: Case, credentials: Credentials) -> None:
    await ChildAppBlocks().save_many({block_name(case.id): credentials})


@pytest.mark.parametrize("whole", [True, False], ids=["id and secret", "the secret alone"])
async def test_attack_21_the_block_of_one_holds_the_key_of_another(town: Any, whole: bool) -> None:
    """Copied into the wrong block: nothing of ada's is enabled under bob's key, nothing of bob's in ada's name."""
    cases = ada, bob, cyd = _three()
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        await _hold(ada, Credentials(bob.client_id if whole else ada.client_id, SecretStr(bob.secret)))
        for _ in range(2):
            got = _got(there.report(await reconcile(What.APPLY, return_state=True)))
            assert got[ada.id][0] in STOPPED
            assert got[ada.id][1] != "ENABLED"
        assert got[cyd.id][1] == "ENABLED"
        enables = there.enables()
        assert enables[ada.id] == {"received": 0, "effective": 0}
        assert enables[cyd.id]["effective"] == 1
        assert enables[bob.id]["effective"] <= 1
        if not whole:
            assert enables[bob.id]["effective"] == 1, "bob's own block is as it was"
            assert len(_requests(there, ada)) <= 2, "a wrong secret costs a token request a run"
        await _hold(ada, Credentials(ada.client_id, SecretStr(ada.secret)))
        got = _got(there.report(await reconcile(What.APPLY, return_state=True)))
        assert got[ada.id] == ("enabled", "ENABLED"), "mended, it goes on by itself"
        assert {name: count["effective"] for name, count in there.enables().items()} == {c.id: 1 for c in cases}


async def test_attack_21_a_secret_that_is_rotated_in_the_middle_of_a_run(town: Any) -> None:
    """The old token dies and the old secret buys no new one: a named condition, which a new block mends."""
    slow = Fault(on="verify", fault="hang", seconds=0.6)
    dead = Fault(on="enable", fault="revoked")
    cases = ada, *_ = _three(slow, dead)
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        run = asyncio.create_task(reconcile(What.APPLY, return_state=True))
        await until(lambda: there.linkedin.tokens, 30)
        (client,) = [c for c in there.linkedin.clients.values() if c.client_id == ada.client_id]
        client.secrets[:] = ["the new secret"]
        got = _got(there.report(await run))
        assert got[ada.id] == ("failed", "CREDENTIALS_REFUSED")
        assert {got[case.id] for case in cases[1:]} == {("enabled", "ENABLED")}
        assert there.enables()[ada.id]["effective"] == 0
        assert _requests(there, ada).count("token") <= 2
        await _hold(ada, Credentials(ada.client_id, SecretStr("the new secret")))
        there.linkedin.set_faults(ada.client_id, [])
        assert _got(there.report(await reconcile(What.APPLY, return_state=True)))[ada.id] == ("enabled", "ENABLED")
        assert {name: count["effective"] for name, count in there.enables().items()} == {c.id: 1 for c in cases}


async def test_attack_21_a_block_that_was_deleted(town: Any) -> None:
    """Without credentials nothing is sent in that customer's name, and everybody else is served."""
    cases = ada, *_ = _three()
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        async with get_client() as client:
            name = block_name(ada.id)
            document = await client.read_block_document_by_name(name, "linkedin-child-app", include_secrets=False)
            await client.delete_block_document(document.id)
        got = _got(there.report(await reconcile(What.APPLY, return_state=True)))
        assert got[ada.id] == ("failed", "CREDENTIALS_MISSING")
        assert {got[case.id] for case in cases[1:]} == {("enabled", "ENABLED")}
        assert _requests(there, ada) == []


@pytest.mark.parametrize(
    ("fault", "reason", "requests"),
    [
        (Fault(on="token", fault="invalid_client", times=None), "CREDENTIALS_REFUSED", 1),
        (Fault(on="verify", fault="bad_token", times=None), "TOKEN_REJECTED", 4),
        (Fault(on="verify", fault="forbidden", times=None), "WRONG_CREDENTIALS", 2),
        (Fault(on="enable", fault="forbidden", times=None), "WRONG_CREDENTIALS", 4),
    ],
    ids=["the application is disabled", "401 for ever", "403 to looks", "403 to enables"],
)
async def test_attack_21_a_refusal_is_no_reason_to_knock_again(
    town: Any, fault: Fault, reason: str, requests: int
) -> None:
    """401 and 403 do not pass by being asked again: a few requests, a named condition, and the next customer."""
    cases = ada, *_ = _three(fault)
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        got = _got(there.report(await reconcile(What.APPLY, return_state=True)))
        assert got[ada.id] == ("failed", reason)
        assert {got[case.id] for case in cases[1:]} == {("enabled", "ENABLED")}
        assert len(_requests(there, ada)) <= requests, _requests(there, ada)
        assert there.enables()[ada.id]["effective"] == 0
