"""Worlds with parents, and a world that is saved while it runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from sandbox.app import create_app
from sandbox.faults import Fault
from sandbox.state import Sandbox
from sandbox.world import Application, Parent, World, WorldError, load_world, parse_world
from tests.sandbox.parent import DOMAIN, PARENT_SECRET, Provisioner, family, provisioner
from tests.sandbox.partner import AWLI, CSA, Clock, Theatre, on_stage, small_world

PARENT = {"client_id": "p", "client_secret": "top-secret"}


def app(client_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"client_id": client_id, "client_secret": "top-secret", **more}


def test_defaults() -> None:
    world = parse_world({"applications": [app()]})
    assert (world.parents, world.new_application_delay_seconds, world.secret_in_finder) == ([], 0, False)
    one = world.applications[0]
    assert (one.application_id, one.parent, one.admin, one.secrets) == (None, None, True, [])


def test_the_same_foreign_id_may_stand_under_two_parents() -> None:
    assert isinstance(family(), World)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"applications": [app("p")], "parents": [PARENT]}, "client_id 'p' is used twice"),
        ({"parents": [PARENT, PARENT]}, "client_id 'p' is used twice"),
        (
            {"applications": [app(parent="q")], "parents": [PARENT]},
            "application 'a' has a parent 'q' that is not among 'parents'",
        ),
        (
            {"applications": [app("a", application_id=7), app("b", application_id=7)]},
            "application_id 7 is used twice",
        ),
        (
            {
                "applications": [app(name, parent="p", unique_foreign_id="x") for name in ("a", "b")],
                "parents": [PARENT],
            },
            "unique_foreign_id 'x' is used twice under parent 'p'",
        ),
        (
            {"applications": [app(secrets=["other"])]},
            "applications[0]: the first of 'secrets' must be the client_secret",
        ),
        (
            {"applications": [app(secrets=["top-secret", "top-secret"])]},
            "applications[0]: 'secrets' must differ and not be empty",
        ),
        (
            {"applications": [app(secrets=["top-secret", "b", "c"])]},
            "applications[0].secrets: List should have at most 2 items after validation, not 3",
        ),
        (
            {"applications": [app(faults=[{"on": "create", "fault": "lost"}])]},
            "applications[0].faults: a child application makes no create request, so this fault belongs to its parent",
        ),
        (
            {"parents": [PARENT | {"faults": [{"on": "enable", "fault": "lost"}]}]},
            "parents[0].faults: a parent application makes no enable request",
        ),
        ({"parents": [PARENT | {"colour": "red"}]}, "parents[0]: there is no field 'colour'"),
        (
            {"new_application_delay_seconds": -1},
            "new_application_delay_seconds: Input should be greater than or equal to 0",
        ),
    ],
)
def test_a_world_that_cannot_be_is_refused_in_one_sentence(data: Any, sentence: str) -> None:
    with pytest.raises(WorldError) as caught:
        parse_world(data)
    assert str(caught.value) == sentence


def sandbox_of(world: World, seed: int = 0) -> Sandbox:
    application: FastAPI = create_app(world, clock=Clock(), seed=seed)
    return application.state.sandbox


def test_ids_that_are_not_given_are_the_same_in_every_run() -> None:
    world = parse_world({"applications": [app("a"), app("b"), app("c", application_id=7)]})
    first, second = (sandbox_of(world, seed).state()["applications"] for seed in (1, 2))
    assert first == second
    urns = [one["urn"] for one in first]
    assert urns[2] == "urn:li:developerApplication:7"
    assert len(set(urns)) == 3
    assert all(re.fullmatch(r"urn:li:developerApplication:\d+", urn) for urn in urns)


def test_a_generated_id_avoids_those_that_are_given() -> None:
    number = int(sandbox_of(parse_world({"applications": [app("a")]})).state()["applications"][0]["urn"].split(":")[-1])
    for order in (1, -1):
        world = parse_world({"applications": [app("a"), app("b", application_id=number)][::order]})
        made = sandbox_of(world).clients
        assert (made["a"].application_id, made["b"].application_id) == (number + 1, number)


async def test_a_second_secret_of_the_world_is_good_from_the_start() -> None:
    world = World(applications=[Application(client_id="a", client_secret="one", secrets=["one", "two"])])
    caller = Provisioner(Theatre(world), "a")
    assert [(await caller.ask_token(secret)).status_code for secret in ("one", "two", "three")] == [200, 200, 401]


async def busy() -> Provisioner:
    """A family in which everything has happened that a saved world has to keep."""
    faults = Fault(on="find", fault="status", status=503, times=2), Fault(on="update", fault="huge", bytes=None)
    parent = await provisioner(*faults, new_application_delay_seconds=60, secret_in_finder=True, retry_after=3)
    await parent.create(validJsSdkDomains=[DOMAIN], oauth2AuthorizedCallbackUrls=["https://x/"])
    await parent.rotate("urn:li:developerApplication:11")
    await parent.rotate()
    await parent.find()
    parent.sandbox.set_status("acme", next(iter(parent.sandbox.clients["acme"].integrations)), "ENABLED")
    parent.sandbox.set_admin("hooli", False)
    return parent


@pytest.mark.parametrize("options", [{}, {"by_alias": True}, {"by_alias": False}, {"indent": 1}])
async def test_a_saved_world_is_the_same_when_it_is_read(tmp_path: Path, options: dict[str, Any]) -> None:
    parent = await busy()
    saved = parent.sandbox.as_world()
    path = tmp_path / "world.json"
    path.write_text(saved.model_dump_json(**options))
    read = load_world(path)
    assert read == saved
    again = sandbox_of(read)
    assert again.as_world() == saved
    before, after = parent.sandbox.state(), again.state()
    assert after == before


async def test_a_saved_world_keeps_what_matters() -> None:
    parent = await busy()
    saved = parent.sandbox.as_world()
    first, *_, made = saved.applications
    acme = parent.sandbox.clients["acme"]
    assert first.secrets == acme.secrets
    assert (first.client_secret, len(first.secrets)) == ("acme-secret", 2)
    assert first.integrations[0].onboarding_status == "ENABLED"
    assert saved.applications[2].admin is False
    assert (made.unique_foreign_id, made.parent, made.name) == ("globex", "parent", "Our ATS - Globex")
    assert (made.js_sdk_domains, made.callback_urls) == ([DOMAIN], ["https://x/"])
    assert made.application_id == parent.sandbox.clients[made.client_id].application_id
    assert (saved.parents[0].client_secret, len(saved.parents[0].secrets)) == (PARENT_SECRET, 2)
    assert [(one.on, one.times) for one in saved.parents[0].faults] == [("find", 1), ("update", 1)]
    assert (saved.new_application_delay_seconds, saved.secret_in_finder, saved.retry_after) == (60, True, 3)


async def test_a_restored_world_goes_on() -> None:
    parent = await busy()
    theatre = Theatre(World.model_validate_json(parent.sandbox.as_world().model_dump_json()))
    again = await Provisioner(theatre, "parent").log_in()
    assert (await again.create()).status_code == 409
    fresh = (await again.create(uniqueForeignId="initrode")).json()
    secrets = [secret for one in parent.sandbox.callers.values() for secret in one.secrets]
    assert fresh["credentials"]["client_secret"] not in secrets
    assert fresh["credentials"]["client_id"] not in parent.sandbox.clients
    assert again.rules == []


async def test_the_same_draws_after_a_restart_make_no_twins() -> None:
    """The same seed begins with the same client_id and secret, which the restored world has already."""
    first = await provisioner(seed=3)
    made = (await first.create()).json()
    again = Theatre(first.sandbox.as_world(), seed=3)
    second = Provisioner(again, "parent")
    await second.log_in()
    other = (await second.create(uniqueForeignId="initrode")).json()
    assert other["credentials"]["client_id"] != made["credentials"]["client_id"]
    assert other["credentials"]["client_secret"] != made["credentials"]["client_secret"]
    assert other["key"] != made["key"]


async def test_the_same_draw_after_a_restart_is_no_second_use_of_a_secret() -> None:
    first = await provisioner(seed=3)
    rolled = (await first.rotate("urn:li:developerApplication:11")).json()["value"]["client_secret"]
    second = await Provisioner(Theatre(first.sandbox.as_world(), seed=3), "parent").log_in()
    assert (await second.rotate()).json()["value"]["client_secret"] != rolled


async def test_a_world_without_parents_is_saved_as_well() -> None:
    partner = await on_stage(Fault(on="verify", fault="status", status=500, times=None))
    await partner.enable()
    text = partner.sandbox.as_world().model_dump_json()
    one = json.loads(text)["applications"][0]
    assert one["integrations"][0] == {
        "integrationContext": AWLI[0],
        "integrationType": AWLI[1],
        "tenantType": AWLI[2],
        "onboardingStatus": "ENABLED",
        "integrationName": "Ours",
    }
    assert one["faults"] == [{"on": "verify", "fault": "status", "status": 500, "times": None, "after": 0}]
    assert (one["organization"], one["contract"]) == ("4gX03uw", CSA[0].rpartition(":")[2])


def test_a_world_keeps_its_secrets_out_of_its_repr() -> None:
    shown = repr([small_world(), family(), Parent(client_id="p", client_secret="hidden", secrets=["hidden", "too"])])
    for secret in ("acme-secret", PARENT_SECRET, "hidden", "too'", "s3cr"):
        assert secret not in shown
