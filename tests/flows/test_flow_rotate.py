"""Rotation as a whole: the flow on a Prefect server, blocks, the ATS database, a LinkedIn over HTTP.

Every test ends by asking which secrets LinkedIn takes, and whether the one in the block is among them.
"""

import hashlib
import json
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlmodel import select

from blocks.child_app import ChildAppBlocks, block_name
from blocks.parent_app import save_parent
from flows.rotate import RotateRequest, rotate
from greenlight.ats.applications import Applications
from greenlight.ats.rotations import NotRotatable
from greenlight.ats.tables import ChildApplication, Provisioning
from greenlight.domain.provisioning import ProvisionReport
from greenlight.linkedin.oauth import Credentials
from sandbox.world import Application, Fault, Parent, World

PARENT = Credentials("vendorparent", SecretStr("vendor-secret/+="))
OLD = "the/old+secret="


def vendor(*faults: Fault, customers: tuple[str, ...], **more: Any) -> World:
    parent = Parent(client_id="vendorparent", client_secret="vendor-secret/+=", faults=list(faults))
    ours = [
        Application(
            client_id=client_of(customer),
            client_secret=OLD + customer,
            unique_foreign_id=customer,
            name="ATS - Ada",
            parent="vendorparent",
            **more,
        )
        for customer in customers
    ]
    return World(parents=[parent], applications=ours)


def client_of(customer_id: str) -> str:
    return customer_id.replace("-", "")


async def settle(there: Any, *customers: str) -> None:
    """As provisioning leaves them: on record and working, the secret in the block."""
    await save_parent(PARENT)
    applications = Applications(there.database)
    applications.add_customers({customer: customer for customer in customers}, there.now())
    for customer in customers:
        client_id, block = client_of(customer), block_name(customer)
        urn = there.linkedin.clients[client_id].urn
        applications.put(customer, client_id, block, there.now(), urn=urn, name="ATS - Ada", js_sdk_domains=[])
        applications.worked(customer, there.now())
        await hold(customer, OLD + customer)


async def hold(customer: str, secret: str) -> None:
    await ChildAppBlocks().save_many({block_name(customer): Credentials(client_of(customer), SecretStr(secret))})


async def held(customer: str) -> str:
    name = block_name(customer)
    return (await ChildAppBlocks().get_many([name]))[name].client_secret.get_secret_value()


async def run(there: Any, *customers: str) -> ProvisionReport:
    request = RotateRequest(customers=customers, all_customers=not customers)
    state: Any = await rotate(**dict(request), return_state=True)
    ended = await state.aresult(raise_on_failure=False)
    if isinstance(ended, NotRotatable):
        raise ended
    return Applications(there.database).report(str(state.state_details.flow_run_id))


def outcomes(report: ProvisionReport) -> dict[str, tuple[str, str]]:
    return {item.customer_id: (item.outcome.value, item.reason.value) for item in report.items}


ROTATED = ("updated", "APPLICATION_WORKS")


def secrets_of(there: Any, customer: str) -> list[str]:
    return list(there.linkedin.clients[client_of(customer)].secrets)


async def check(there: Any, *customers: str) -> None:
    """The block has LinkedIn's newest secret; the application is on record as working, with no rotation left open."""
    with there.database.reading() as session:
        rows = {row.customer_id: row for row in session.exec(select(ChildApplication))}
        details = {row.customer_id: row.detail for row in session.exec(select(Provisioning))}
    for customer in customers:
        assert await held(customer) == secrets_of(there, customer)[-1]
        assert rows[customer].works_since is not None
        assert details[customer] is None
    assert there.violations() == []


async def test_a_new_secret_is_stored_and_the_old_one_stops_mattering(town: Any, ada: str) -> None:
    async with town(vendor(customers=(ada,))) as there:
        await settle(there, ada)
        report = await run(there, ada)
        assert outcomes(report) == {ada: ROTATED}
        assert (report.exit_code, report.requests.provision) == (0, 1)
        assert there.operations() == ["token", "rotate", "token"]
        assert secrets_of(there, ada) == [OLD + ada, await held(ada)], "the old one stays good for who still uses it"
        await check(there, ada)

        there.linkedin.delete_secret(client_of(ada), "oldest")
        report = await run(there, ada)
        assert outcomes(report) == {ada: ROTATED}, "with the old one gone, the block's is all that it takes"
        assert OLD + ada not in secrets_of(there, ada)
        await check(there, ada)


async def test_all_is_everybody_whose_application_provisioning_made(town: Any, ada: str, bob: str) -> None:
    async with town(vendor(customers=(ada, bob))) as there:
        await settle(there, ada, bob)
        own = f"csa{uuid4().hex[:8]}"
        await there.bring_in(imported(own))
        assert outcomes(await run(there)) == {ada: ROTATED, bob: ROTATED}
        await check(there, ada, bob)
        assert await held(own) == "csa-secret"


def imported(customer: str) -> str:
    row = {
        "customer_id": customer,
        "customer_name": "Csa",
        "client_id": client_of(customer),
        "client_secret": "csa-secret",
        "integration_context": "urn:li:contract:7",
        "integration_type": "CSA_API",
        "tenant_type": "RECRUITER",
    }
    return json.dumps(row)


async def test_who_cannot_be_rotated_is_named_before_anything_is_sent(town: Any, ada: str, bob: str) -> None:
    async with town(vendor(customers=(ada,))) as there:
        await settle(there, ada)
        own = f"csa{uuid4().hex[:8]}"
        await there.bring_in(imported(own))
        Applications(there.database).add_customers({bob: "Bob"}, there.now())
        with pytest.raises(NotRotatable, match=f"{own}.*import the new keys"):
            await run(there, ada, own)
        with pytest.raises(NotRotatable, match=f"{bob}.*greenlight provision"):
            await run(there, ada, bob)
        refused = await rotate(customers=(ada, "nobody"), return_state=True)
        assert (refused.name, "nobody" in str(refused.message)) == ("Refused", True)
        assert "rotate" not in there.operations()
        assert secrets_of(there, ada) == [OLD + ada]


async def test_a_dead_secret_is_repaired(town: Any, ada: str) -> None:
    """Somebody has deleted the one that is held: the block is of no use, and the application has another."""
    async with town(vendor(customers=(ada,))) as there:
        await settle(there, ada)
        await hold(ada, "deleted-by-a-person")
        assert outcomes(await run(there, ada)) == {ada: ROTATED}
        assert there.operations() == ["token", "rotate", "token"]
        await check(there, ada)


async def test_a_lost_block_is_repaired(town: Any, ada: str) -> None:
    async with town(vendor(customers=(ada,))) as there:
        await settle(there, ada)
        await ChildAppBlocks().save_many({block_name(ada): Credentials("another", SecretStr("x"))})
        assert outcomes(await run(there, ada)) == {ada: ROTATED}
        await check(there, ada)


async def test_no_third_secret_and_which_one_may_go(town: Any, ada: str) -> None:
    async with town(vendor(customers=(ada,))) as there:
        await settle(there, ada)
        assert outcomes(await run(there, ada)) == {ada: ROTATED}
        second = await held(ada)
        for _ in range(2):
            report = await run(there, ada)
            assert outcomes(report) == {ada: ("failed", "TOO_MANY_SECRETS")}
            assert "delete the older one" in report.items[0].message
            assert report.exit_code == 3
            assert (await held(ada), secrets_of(there, ada)) == (second, [OLD + ada, second])
        there.linkedin.delete_secret(client_of(ada), "oldest")
        assert outcomes(await run(there, ada)) == {ada: ROTATED}
        await check(there, ada)


async def test_two_secrets_of_which_none_is_held(town: Any, ada: str) -> None:
    async with town(vendor(customers=(ada,), secrets=[OLD + ada, "nor-this"])) as there:
        await settle(there, ada)
        await hold(ada, "dead")
        report = await run(there, ada)
        assert outcomes(report) == {ada: ("failed", "TOO_MANY_SECRETS")}
        assert "delete either" in report.items[0].message
        there.linkedin.delete_secret(client_of(ada), "newest")
        assert outcomes(await run(there, ada)) == {ada: ROTATED}
        await check(there, ada)


LOST = [
    pytest.param(Fault(on="rotate", fault="lost"), id="the connection is cut"),
    pytest.param(Fault(on="rotate", fault="empty"), id="an empty answer"),
    pytest.param(Fault(on="rotate", fault="truncated"), id="half an answer"),
    pytest.param(Fault(on="rotate", fault="status", status=503, applied=True), id="an error although it was done"),
]


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_leaves_the_old_secret_and_says_what_to_do(town: Any, ada: str, fault: Fault) -> None:
    async with town(vendor(fault, customers=(ada,))) as there:
        await settle(there, ada)
        report = await run(there, ada)
        assert outcomes(report) == {ada: ("failed", "TOO_MANY_SECRETS")}
        assert "answer was lost: delete that" in report.items[0].message
        assert await held(ada) == secrets_of(there, ada)[0] == OLD + ada, "what is held works as before"
        report = await run(there, ada)
        assert "answer was lost: delete that" in report.items[0].message, "a later run knows it too"
        there.linkedin.delete_secret(client_of(ada), "newest")
        assert outcomes(await run(there, ada)) == {ada: ROTATED}
        await check(there, ada)


PASSING = [
    pytest.param(Fault(on="rotate", fault="dropped"), id="the request never arrived"),
    pytest.param(Fault(on="rotate", fault="status", status=500), id="a server error"),
    pytest.param(Fault(on="rotate", fault="throttle", retry_after=0), id="too many requests"),
    pytest.param(Fault(on="rotate", fault="expired"), id="the token expired"),
]


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_by_itself_is_tried_again(town: Any, ada: str, fault: Fault) -> None:
    async with town(vendor(fault, customers=(ada,))) as there:
        await settle(there, ada)
        assert outcomes(await run(there, ada)) == {ada: ROTATED}
        assert len(secrets_of(there, ada)) == 2
        await check(there, ada)


async def test_one_refusal_does_not_stop_the_others(town: Any, ada: str, bob: str) -> None:
    refusal = Fault(on="rotate", fault="status", status=400, message="not today")
    async with town(vendor(refusal, customers=(ada, bob))) as there:
        await settle(there, ada, bob)
        report = await run(there, ada, bob)
        (bad,) = [customer for customer, outcome in outcomes(report).items() if outcome[0] == "failed"]
        assert outcomes(report)[bad] == ("failed", "PROVISIONING_REFUSED")
        assert "not today" in report.unsettled()[0].message
        assert secrets_of(there, bad) == [OLD + bad]
        assert outcomes(await run(there, bad)) == {bad: ROTATED}
        await check(there, ada, bob)


async def test_a_new_secret_that_is_not_accepted_yet_is_kept_and_never_replaced(
    town: Any, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token endpoint is away for the rest of the run: what was stored is tried by the next one."""
    refusals = [Fault(on="token", fault="status", status=503) for _ in range(5)]
    world = vendor(customers=(ada,))
    world.applications[0].faults.extend(refusals)
    async with town(world) as there:
        await settle(there, ada)
        report = await run(there, ada)
        assert outcomes(report) == {ada: ("waiting", "LINKEDIN_UNAVAILABLE")}
        assert await held(ada) == secrets_of(there, ada)[1], "it is in its block before it is tried"
        report = await run(there, ada)
        again = await run(there, ada) if report.exit_code else report
        assert outcomes(again) == {ada: ROTATED}
        assert there.operations().count("rotate") == 1
        await check(there, ada)


async def test_no_secret_is_on_record(town: Any, ada: str) -> None:
    """The mark that a rotation leaves tells two secrets apart, and is neither of them nor its whole digest."""
    fault = Fault(on="rotate", fault="lost")
    async with town(vendor(fault, customers=(ada,))) as there:
        await settle(there, ada)
        report = await run(there, ada)
        digest = hashlib.sha256((OLD + ada).encode()).hexdigest()
        text = json.dumps(report.as_json())
        assert digest[:12] in text
        assert digest[:16] not in text
        for secret in secrets_of(there, ada):
            assert secret not in text
