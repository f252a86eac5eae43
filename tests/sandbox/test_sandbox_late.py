"""Over real HTTP: effects that come after their answer."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from sandbox.app import create_app
from sandbox.faults import FAULTS, Fault
from sandbox.keys import Key
from sandbox.server import serving_in_thread
from tests.sandbox.late_stage import late, served, shown
from tests.sandbox.partner import AWLI, CONNECT, CSA, OTHERS, Partner, by_key, entities, small_world, url_of

LOCATION = "http://127.0.0.1:9/login"
WITHOUT_ANSWER = ("lost", "truncated")

#: Everything that an enable can be answered before it takes effect, with the HTTP status.
EARLY: list[tuple[str, dict[str, Any], int]] = [
    ("status", {"status": 504}, 504),
    ("status", {"status": 202}, 202),
    ("status", {"status": 408}, 408),
    ("html", {"status": 502}, 502),
    ("garbage", {}, 200),
    ("empty", {}, 200),
    ("redirect", {"location": LOCATION}, 302),
    ("truncated", {}, 0),
    ("huge", {"bytes": 1000}, 200),
    ("lost", {}, 0),
    ("foreign", {}, 200),
    ("foreign_extra", {}, 200),
    ("missing_key", {}, 200),
    ("conflicting", {}, 200),
    ("status_in_errors", {"status": 504}, 200),
    ("ignored", {}, 200),
    ("ignored", {"status": 202}, 200),
]


class TestLateEffects:
    @pytest.mark.parametrize(("name", "parameters", "status"), EARLY)
    async def test_the_answer_is_first_and_the_effect_later(
        self, name: str, parameters: dict[str, Any], status: int
    ) -> None:
        async with served(late(name, 5, **parameters)) as partner:
            assert await shown(partner) == ["REQUESTED"]
            try:
                assert (await partner.enable()).status_code == status
            except httpx.HTTPError:
                assert name in WITHOUT_ANSWER
            partner.sandbox.advance(4.9)
            assert await shown(partner) == ["REQUESTED"]
            assert partner.enables() == (1, 0)
            partner.sandbox.advance(0.2)
            assert await shown(partner) == ["ENABLED"]
            assert (partner.enables(), partner.rules) == ((1, 1), [])

    def test_every_fault_that_can_come_too_early_is_tried(self) -> None:
        assert {name for name, _, _ in EARLY} == {
            name for name, (_, takes) in FAULTS.items() if "applied_after" in takes
        }

    async def test_what_is_told_per_key_is_202_too(self) -> None:
        async with served(late("ignored", status=202)) as partner:
            assert by_key((await partner.enable()).json()["results"]) == {AWLI: {"status": 202}}

    async def test_an_effect_is_seen_from_the_control_calls_and_in_python(self) -> None:
        async with served(late()) as partner:
            await partner.enable()
            partner.sandbox.advance(6)
            state = (await partner.http.get("/sandbox/state")).json()
            assert state["applications"][0]["integrations"][0]["onboardingStatus"] == "ENABLED"
            (world,) = [one for one in partner.sandbox.as_world().applications if one.client_id == "acme"]
            assert world.integrations[0].onboarding_status == "ENABLED"

    async def test_the_next_enable_meets_what_has_landed(self) -> None:
        """LinkedIn itself refuses it; nobody has looked in between."""
        async with served(late()) as partner:
            await partner.verify()
            await partner.enable()
            partner.sandbox.advance(6)
            assert (await partner.enable()).status_code == 400
            assert partner.enables() == (2, 1)
            assert partner.rules == ["enable_again", "enable_repeated_blind"]

    @pytest.mark.parametrize("operation", ["enable", "verify"])
    async def test_what_lands_while_another_request_hangs_is_met_by_it(self, operation: str) -> None:
        """The first lands in between, and nobody asks until the second is carried out, or looked for."""
        async with served(
            late(),
            Fault(on="enable", fault="stall", seconds=0.3, after=1),
            Fault(on="verify", fault="stall", seconds=0.3),
        ) as partner:
            await partner.enable()
            waiting = asyncio.create_task(partner.enable() if operation == "enable" else partner.verify())
            await asyncio.sleep(0.1)
            partner.sandbox.advance(6)
            answer = await waiting
            assert answer.status_code == (400 if operation == "enable" else 200)
            assert operation == "enable" or by_key(answer.json()["results"])[AWLI]["onboardingStatus"] == "ENABLED"
            assert partner.enables()[1] == 1

    async def test_only_one_of_two_that_land_has_an_effect(self) -> None:
        async with served(late(seconds=9), late(seconds=3, after=1)) as partner:
            await partner.enable()
            await partner.enable()
            partner.sandbox.advance(20)
            assert (partner.status(), partner.enables()) == ("ENABLED", (2, 1))

    async def test_what_lands_late_may_undo_what_a_person_did_since(self) -> None:
        """Requested once more after the first one's end: the old request, still under way, enables it."""
        async with served(late(seconds=30)) as partner:
            await partner.enable()
            partner.sandbox.set_status("acme", Key(*AWLI), None)
            partner.sandbox.advance(10)
            partner.sandbox.request("acme", Key(*AWLI))
            assert await shown(partner) == ["REQUESTED"]
            partner.sandbox.advance(25)
            assert await shown(partner) == ["ENABLED"]

    async def test_what_can_no_longer_be_enabled_is_left_alone(self) -> None:
        async with served(late()) as partner:
            await partner.enable()
            partner.sandbox.set_status("acme", Key(*AWLI), None)
            partner.sandbox.advance(10)
            assert (await shown(partner), partner.enables()) == ([None], (1, 0))

    async def test_for_recruiter_types_it_ends_where_it_always_ends(self) -> None:
        async with served(late(type="CSA_API")) as partner:
            await partner.enable(CSA)
            partner.sandbox.advance(6)
            assert await shown(partner, CSA) == ["PARTNER_READY"]

    async def test_a_new_world_knows_nothing_of_it(self) -> None:
        async with served(late()) as partner:
            await partner.enable()
            partner.sandbox.replace(small_world(Fault(on="enable", fault="dropped")))
            await partner.log_in()
            await partner.verify()
            with pytest.raises(httpx.HTTPError):
                await partner.enable()
            partner.sandbox.advance(10)
            assert (partner.status(), partner.rules) == ("REQUESTED", [])

    def test_it_lands_by_the_real_clock_in_a_thread_of_its_own(self) -> None:
        app = create_app(small_world(late(seconds=0.3)))
        with serving_in_thread(app) as url, httpx.Client(base_url=url, timeout=5) as http:
            partner = Partner(http, app.state.sandbox)  # type: ignore[arg-type]
            secret = app.state.sandbox.world.applications[0].client_secret
            form = {"grant_type": "client_credentials", "client_id": "acme", "client_secret": secret}
            token = http.post("/oauth/v2/accessToken", data=form).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}", "x-restli-method": "batch_partial_update"}
            assert http.post(url_of(AWLI), json=entities([AWLI]), headers=headers).status_code == 504
            assert partner.status() == "REQUESTED"
            until = time.monotonic() + 5
            while partner.status() != "ENABLED" and time.monotonic() < until:
                time.sleep(0.05)
            assert partner.enables() == (1, 1)

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"on": "verify", "fault": "html", "applied_after": 5}, "only an enable can be applied later"),
            ({"on": "token", "fault": "status", "status": 500, "applied_after": 5}, "only an enable can be applied"),
            ({"on": "create", "fault": "html", "applied_after": 5}, "only an enable can be applied later"),
            ({"on": "enable", "fault": "html", "applied_after": 5, "applied": True}, "exclude each other"),
            ({"on": "enable", "fault": "html", "applied_after": 5, "applied": False}, "exclude each other"),
            ({"on": "enable", "fault": "html", "applied_after": 0}, "greater than 0"),
            ({"on": "enable", "fault": "html", "applied_after": float("inf")}, "finite"),
            ({"on": "enable", "fault": "hang", "seconds": 1, "applied_after": 5}, "takes no 'applied_after'"),
            ({"on": "enable", "fault": "stall", "seconds": 1, "applied_after": 5}, "takes no 'applied_after'"),
            ({"on": "enable", "fault": "throttle", "applied_after": 5}, "takes no 'applied_after'"),
            ({"on": "enable", "fault": "lag", "seconds": 5}, "cannot happen on 'enable'"),
            ({"on": "verify", "fault": "lag"}, "needs 'seconds'"),
            ({"on": "token", "fault": "html", "context": "urn:li:organization:1"}, "no integration type or context"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, parameters: dict[str, Any], words: str) -> None:
        with pytest.raises(ValidationError, match=words):
            Fault.model_validate(parameters)


class TestEnableBeforeEffect:
    """Whoever sends again while the first one may still land enables twice."""

    async def test_a_look_in_between_is_no_excuse(self) -> None:
        async with served(late()) as partner:
            await partner.verify()
            await partner.enable()
            partner.sandbox.advance(4)
            assert await shown(partner) == ["REQUESTED"]
            await partner.enable()
            assert partner.rules == ["enable_before_effect"]
            assert partner.sandbox.violations[0].keys == [Key(*AWLI).canonical]

    async def test_after_it_has_landed_without_effect_the_way_is_free(self) -> None:
        async with served(late()) as partner:
            await partner.verify()
            await partner.enable()
            partner.sandbox.set_status("acme", Key(*AWLI), None)
            partner.sandbox.advance(6)
            partner.sandbox.request("acme", Key(*AWLI))
            await partner.verify()
            await partner.enable()
            assert (partner.status(), partner.rules) == ("ENABLED", [])

    async def test_another_key_and_another_application_are_free(self) -> None:
        async with served(late()) as acme:
            zeta = Partner(acme.http, acme.sandbox, "zeta")
            await zeta.log_in()
            await acme.verify(AWLI, CONNECT)
            await zeta.verify(OTHERS)
            await acme.enable()
            await acme.enable(CONNECT)
            await zeta.enable(OTHERS)
            assert acme.rules == []

    async def test_each_key_of_a_batch_waits(self) -> None:
        async with served(late()) as partner:
            await partner.verify(AWLI, CONNECT)
            await partner.enable(AWLI, CONNECT)
            await partner.verify(AWLI, CONNECT)
            await partner.enable(CONNECT)
            assert partner.rules == ["enable_before_effect"]

    async def test_two_waiting_and_one_landed_still_waits(self) -> None:
        async with served(late(seconds=3), late(seconds=20, after=1), late(seconds=30, after=2)) as partner:
            for _ in range(2):
                await partner.verify()
                await partner.enable()
            assert partner.rules == ["enable_before_effect"]
            partner.sandbox.advance(1)
            await partner.enable()
            partner.sandbox.advance(5)
            assert partner.status() == "ENABLED"
            await partner.enable()
            assert partner.rules.count("enable_before_effect") == 3

    async def test_a_stalled_enable_has_the_same_gap(self) -> None:
        async with served(Fault(on="enable", fault="stall", seconds=0.5)) as partner:
            await partner.verify()
            first = asyncio.create_task(partner.enable())
            await asyncio.sleep(0.1)
            assert partner.enables() == (1, 0)
            await partner.verify()
            await partner.enable()
            assert partner.rules == ["enable_before_effect"]
            await first
            assert not partner.sandbox.late.waits("acme", Key(*AWLI))
