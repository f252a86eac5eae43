"""The state machine, and what a customer and LinkedIn can do to it."""

import pytest

from sandbox.keys import Key
from sandbox.state import NoSuchThingError
from sandbox.world import KNOWN_TYPES, Application, World, is_recruiter_type
from tests.sandbox.partner import AWLI, CSA, EXPORT, NOWHERE, OTHERS, Theatre, by_key, entities, integration, on_stage

JOBS_TYPES = {"APPLY_WITH_LINKEDIN", "APPLY_CONNECT", "PREMIUM_JOB_POSTING"}


@pytest.mark.parametrize("kind", sorted(KNOWN_TYPES))
async def test_enable_moves_requested_on(kind: str) -> None:
    """An enable finishes job products; Recruiter products wait for the customer (docs/linkedin.md#statuses)."""
    key = ("urn:li:organization:1", kind, "JOBS", "ATS")
    world = World(
        applications=[Application(client_id="a", client_secret="b", integrations=[integration(key, "REQUESTED")])]
    )
    partner = await Theatre(world).partner("a")
    assert (await partner.enable(key)).status_code == 200
    assert partner.status(key) == ("ENABLED" if kind in JOBS_TYPES else "PARTNER_READY")
    assert partner.enables(key) == (1, 1)


def test_types_that_wait_for_the_customer() -> None:
    assert {kind for kind in KNOWN_TYPES if not is_recruiter_type(kind)} == JOBS_TYPES
    assert is_recruiter_type("CRM_ANYTHING_NEW")


async def test_a_second_enable_of_a_partner_ready_integration_only_renames() -> None:
    partner = await on_stage()
    await partner.enable(CSA)
    assert (await partner.enable(CSA, json=entities([CSA], "New"))).status_code == 200
    assert by_key((await partner.verify(CSA)).json()["results"])[CSA] == {
        "onboardingStatus": "PARTNER_READY",
        "integrationName": "New",
    }
    assert partner.enables(CSA) == (2, 1)


async def test_the_customer_switches_on_what_is_partner_ready_and_nothing_else() -> None:
    partner = await on_stage()
    key = Key(*CSA)
    with pytest.raises(NoSuchThingError, match="is REQUESTED, only PARTNER_READY"):
        partner.sandbox.customer_switches_on("acme", key)
    await partner.enable(CSA)
    partner.sandbox.customer_switches_on("acme", key)
    assert partner.status(CSA) == "ENABLED"
    assert (await partner.enable(CSA)).status_code == 400


async def test_a_request_of_the_customer_makes_an_integration_known() -> None:
    partner = await on_stage()
    partner.sandbox.request("acme", Key(*NOWHERE))
    assert by_key((await partner.verify(NOWHERE)).json()["results"])[NOWHERE] == {"onboardingStatus": "REQUESTED"}
    await partner.enable(NOWHERE)
    assert partner.status(NOWHERE) == "ENABLED"


async def test_an_integration_belongs_to_one_application() -> None:
    partner = await on_stage()
    with pytest.raises(NoSuchThingError, match="belongs to application 'zeta'"):
        partner.sandbox.request("acme", Key(*OTHERS))
    partner.sandbox.set_status("zeta", Key(*OTHERS), None)
    partner.sandbox.request("acme", Key(*OTHERS))
    assert (await partner.enable(OTHERS)).status_code == 200


async def test_linkedin_can_take_an_integration_away() -> None:
    """ "Cannot be disabled" holds for this API only, so a client has to bear it."""
    partner = await on_stage()
    await partner.enable()
    partner.sandbox.set_status("acme", Key(*AWLI), None)
    assert (await partner.verify()).json() == {"errors": {}, "results": {}, "statuses": {}}
    assert "404" in (await partner.enable()).text
    assert partner.status() is None


@pytest.mark.parametrize("status", ["SUSPENDED", "IN_REVIEW"])
async def test_an_enable_in_any_other_state_is_refused(status: str) -> None:
    partner = await on_stage()
    partner.sandbox.set_status("acme", Key(*AWLI), status)
    assert (await partner.enable()).status_code == 400
    assert partner.status() == status


async def test_a_world_may_hold_the_anomaly_of_a_partner_ready_awli() -> None:
    partner = await on_stage()
    partner.sandbox.set_status("acme", Key(*AWLI), "PARTNER_READY")
    assert by_key((await partner.verify()).json()["results"])[AWLI] == {"onboardingStatus": "PARTNER_READY"}
    await partner.enable()
    assert partner.status() == "ENABLED"


async def test_a_world_may_write_a_status_in_prose() -> None:
    partner = await on_stage()
    partner.sandbox.set_status("acme", Key(*EXPORT), "Requested")
    assert by_key((await partner.verify(EXPORT)).json()["results"])[EXPORT] == {"onboardingStatus": "Requested"}
    await partner.enable(EXPORT)
    assert partner.status(EXPORT) == "PARTNER_READY"
