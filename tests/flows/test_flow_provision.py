"""Provisioning as a whole: the flow on a Prefect server, the parent's and children's blocks, a LinkedIn over HTTP."""

import hashlib
import json
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.child_app import ChildAppBlocks, block_name
from blocks.parent_app import save_parent
from flows.provision import provision
from greenlight.ats.applications import Applications
from greenlight.domain.provisioning import ProvisionReport
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.provision import CannotProvision
from sandbox.world import Application, Fault, Parent, World

PARENT = Credentials("vendorparent", SecretStr("vendor-secret/+="))
ORIGIN = "http://127.0.0.1:8780"


def vendor(*faults: Fault, applications: tuple[Application, ...] = (), delay: float = 0, **more: Any) -> World:
    parent = Parent(client_id="vendorparent", client_secret="vendor-secret/+=", faults=list(faults))
    return World(parents=[parent], applications=list(applications), new_application_delay_seconds=delay, **more)


@pytest.fixture
def cyd(unique: str) -> str:
    return f"cyd-{unique}"


@pytest.fixture
def acme(unique: str) -> str:
    return f"Acme/{unique} Ü"


@pytest.fixture
def csa(unique: str) -> str:
    return f"csa-{unique}"


def client_of(customer_id: str) -> str:
    return customer_id.replace("-", "")


def there_already(customer_id: str, **more: Any) -> Application:
    return Application(
        client_id=client_of(customer_id),
        client_secret="known-to-nobody",
        unique_foreign_id=customer_id,
        name="ATS - Ada",
        js_sdk_domains=[ORIGIN],
        parent="vendorparent",
        **more,
    )


async def run(there: Any, *customers: str, new: dict[str, str] | None = None, **more: Any) -> ProvisionReport:
    state: Any = await provision(customers=customers, new=new or {}, **more, return_state=True)
    ended = await state.aresult(raise_on_failure=False)
    if isinstance(ended, CannotProvision):
        raise ended
    return Applications(there.database).report(str(state.state_details.flow_run_id))


def outcomes(report: ProvisionReport) -> dict[str, tuple[str, str]]:
    return {item.customer_id: (item.outcome.value, item.reason.value) for item in report.items}


async def check(there: Any, *customers: str) -> None:
    """At LinkedIn exactly one application for each, whose working secret is the one in the customer's block."""
    applications = there.linkedin.state()["applications"]
    for customer_id in customers:
        (ours,) = [a for a in applications if a["unique_foreign_id"] == customer_id]
        name = block_name(customer_id)
        held = (await ChildAppBlocks().get_many([name]))[name]
        assert held.client_id == ours["client_id"]
        assert hashlib.sha256(held.client_secret.get_secret_value().encode()).hexdigest() in ours["secret_sha256"]
        candidate = Applications(there.database).begin(customer_id, "a look", there.now())
        assert candidate.application is not None
        assert candidate.application.client_id == ours["client_id"]


async def test_a_named_customer_gets_a_working_application(town: Any, acme: str) -> None:
    async with town(vendor(), GREENLIGHT_ATS_NAME="Talentgrid") as there:
        await save_parent(PARENT)
        report = await run(there, new={acme: "Acme LinkedIn Fans"})
        assert outcomes(report) == {acme: ("created", "APPLICATION_WORKS")}
        assert report.exit_code == 0
        (application,) = there.linkedin.state()["applications"]
        assert application["name"] == "Talentgrid - Acme Fans"
        assert application["js_sdk_domains"] == [ORIGIN]
        assert there.operations() == ["token", "create", "token"]
        assert report.requests.provision == 1
        await check(there, acme)
        assert outcomes(await run(there)) == {}, "nothing is left to do for anybody"
        assert there.violations() == []


async def test_a_repeated_foreign_id_is_adopted_and_never_made_twice(town: Any, ada: str) -> None:
    """The customer has an application that we know nothing of: its secret is replaced."""
    stale = there_already(ada).model_copy(update={"js_sdk_domains": ["https://old.example"]})
    async with town(vendor(applications=(stale,))) as there:
        await save_parent(PARENT)
        report = await run(there, new={ada: "Ada"})
        assert outcomes(report) == {ada: ("adopted", "APPLICATION_WORKS")}
        assert there.operations() == ["token", "create", "find", "rotate", "token"]
        (application,) = there.linkedin.state()["applications"]
        assert application["js_sdk_domains"] == ["https://old.example"], "a real one has no loopback origin beside it"
        await check(there, ada)


async def test_a_finder_that_shows_the_secret_saves_the_rotation(town: Any, ada: str) -> None:
    """Whether it does is not documented (docs/linkedin.md#provisioning), so both ways are understood."""
    async with town(vendor(applications=(there_already(ada),), secret_in_finder=True)) as there:
        await save_parent(PARENT)
        assert outcomes(await run(there, new={ada: "Ada"})) == {ada: ("adopted", "APPLICATION_WORKS")}
        assert "rotate" not in there.operations()
        await check(there, ada)


LOST = [
    pytest.param(Fault(on="create", fault="lost"), id="the connection is cut after LinkedIn made it"),
    pytest.param(Fault(on="create", fault="lost", reset=True), id="the same by a reset"),
    pytest.param(Fault(on="create", fault="empty"), id="an empty answer"),
    pytest.param(Fault(on="create", fault="truncated"), id="half an answer"),
    pytest.param(Fault(on="create", fault="status", status=503, applied=True), id="an error although it was made"),
    pytest.param(Fault(on="create", fault="stall", seconds=1.5), id="it is made after we hung up"),
]


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_is_found_again_and_the_secret_rotated(town: Any, ada: str, fault: Fault) -> None:
    async with town(vendor(fault), GREENLIGHT_RETRY_DELAYS_SECONDS="0.5,1,1") as there:
        await save_parent(PARENT)
        assert outcomes(await run(there, new={ada: "Ada"})) == {ada: ("adopted", "APPLICATION_WORKS")}
        assert there.operations().count("rotate") == 1
        await check(there, ada)


PASSING = [
    pytest.param(Fault(on="create", fault="dropped"), id="the request never arrived"),
    pytest.param(Fault(on="create", fault="status", status=500), id="a server error"),
    pytest.param(Fault(on="create", fault="throttle", retry_after=0), id="too many requests"),
    pytest.param(Fault(on="create", fault="expired"), id="the token expired"),
    pytest.param(Fault(on="create", fault="html"), id="a page instead of an answer"),
]


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_by_itself_is_tried_again(town: Any, ada: str, fault: Fault) -> None:
    async with town(vendor(fault)) as there:
        await save_parent(PARENT)
        assert outcomes(await run(there, new={ada: "Ada"})) == {ada: ("created", "APPLICATION_WORKS")}
        await check(there, ada)


async def test_one_bad_customer_does_not_stop_the_others(town: Any, ada: str, bob: str, cyd: str) -> None:
    refusal = Fault(on="create", fault="status", status=400, message="name is not acceptable")
    async with town(vendor(refusal)) as there:
        await save_parent(PARENT)
        report = await run(there, new={ada: "Ada", bob: "Bob", cyd: "Cyd"})
        found = outcomes(report)
        (bad,) = [customer_id for customer_id, outcome in found.items() if outcome[0] == "failed"]
        assert found[bad] == ("failed", "PROVISIONING_REFUSED")
        (item,) = report.unsettled()
        assert "name is not acceptable" in item.message
        assert report.exit_code == 3
        await check(there, *({ada, bob, cyd} - {bad}))
        assert outcomes(await run(there)) == {bad: ("created", "APPLICATION_WORKS")}


async def test_an_application_that_needs_minutes_is_waited_for(town: Any, ada: str) -> None:
    async with town(vendor(delay=2)) as there:
        await save_parent(PARENT)
        assert outcomes(await run(there, new={ada: "Ada"})) == {ada: ("created", "APPLICATION_WORKS")}


async def test_when_the_wait_is_over_the_run_says_so(town: Any, ada: str) -> None:
    async with town(vendor(delay=600), GREENLIGHT_APPLICATION_READY_SECONDS="1") as there:
        await save_parent(PARENT)
        report = await run(there, new={ada: "Ada"})
        assert outcomes(report) == {ada: ("waiting", "APPLICATION_NOT_READY")}
        assert report.exit_code == 3
        there.linkedin.advance(601)
        again = await run(there)
        assert outcomes(again) == {ada: ("unchanged", "APPLICATION_WORKS")}, "the next run looks at it by itself"
        await check(there, ada)


async def test_an_imported_customer_keeps_its_key(town: Any, csa: str) -> None:
    """A migrated CSA customer has its application: no second one is made, whoever names it."""
    own = Application(client_id=client_of(csa), client_secret="csa-secret")
    async with town(vendor(applications=(own,))) as there:
        await save_parent(PARENT)
        await there.bring_in(
            json.dumps(
                {
                    "customer_id": csa,
                    "customer_name": "Csa",
                    "client_id": client_of(csa),
                    "client_secret": "csa-secret",
                    "integration_context": "urn:li:contract:7",
                    "integration_type": "CSA_API",
                    "tenant_type": "RECRUITER",
                }
            )
        )
        assert outcomes(await run(there)) == {}
        assert outcomes(await run(there, csa)) == {csa: ("unchanged", "APPLICATION_WORKS")}
        assert set(there.operations()) == {"token", "find"}, "it is only asked whether LinkedIn has one of ours"


async def test_two_secrets_of_which_none_is_held_need_a_person(town: Any, ada: str) -> None:
    """LinkedIn makes no third secret, and which one could be deleted is not ours to guess."""
    full = there_already(ada, secrets=["known-to-nobody", "nor-is-this"])
    async with town(vendor(applications=(full,))) as there:
        await save_parent(PARENT)
        report = await run(there, new={ada: "Ada"})
        assert outcomes(report) == {ada: ("failed", "TOO_MANY_SECRETS")}
        there.linkedin.delete_secret(client_of(ada), "oldest")
        assert outcomes(await run(there)) == {ada: ("adopted", "APPLICATION_WORKS")}
        await check(there, ada)


async def test_without_working_parent_credentials_nothing_is_sent_for_anybody(town: Any, ada: str) -> None:
    async with town(vendor()) as there:
        await save_parent(Credentials("vendorparent", SecretStr("mistyped")))
        with pytest.raises(CannotProvision, match="greenlight parent"):
            await run(there, new={ada: "Ada"})
        assert there.operations() == ["token"]
        assert there.linkedin.state()["applications"] == []
