"""Over real HTTP: looks that show what was."""

import httpx
import pytest

from sandbox.app import create_app
from sandbox.keys import Key
from sandbox.server import serving
from sandbox.world import parse_world
from tests.sandbox.late_stage import lag, late, served, shown
from tests.sandbox.partner import AWLI, CSA, Clock, Partner, by_key, small_world


class TestLaggingLooks:
    async def test_a_look_shows_what_was(self) -> None:
        async with served(lag(25)) as partner:
            assert await shown(partner) == ["REQUESTED"]
            await partner.enable()
            partner.sandbox.advance(24.9)
            assert (await shown(partner), partner.status()) == (["REQUESTED"], "ENABLED")
            partner.sandbox.advance(0.2)
            assert await shown(partner) == ["ENABLED"]
            assert partner.rules == []

    async def test_what_was_not_requested_then_is_absent(self) -> None:
        async with served(lag(25)) as partner:
            partner.sandbox.set_status("acme", Key(*AWLI), None)
            assert await shown(partner) == ["REQUESTED"]
            partner.sandbox.advance(26)
            partner.sandbox.request("acme", Key(*AWLI))
            assert await shown(partner) == [None]
            partner.sandbox.advance(26)
            assert await shown(partner) == ["REQUESTED"]

    async def test_the_name_lags_with_the_status(self) -> None:
        async with served(lag(25)) as partner:
            await partner.enable(AWLI)
            assert "integrationName" not in (await partner.verify()).text
            partner.sandbox.advance(26)
            assert by_key((await partner.verify()).json()["results"])[AWLI]["integrationName"] == "Ours"

    async def test_each_key_of_an_answer_has_its_own_lag(self) -> None:
        async with served(lag(25, type="CSA_API")) as partner:
            await partner.enable(AWLI)
            await partner.enable(CSA)
            assert await shown(partner, AWLI, CSA) == ["ENABLED", "REQUESTED"]

    async def test_a_context_limits_it_as_a_type_does(self) -> None:
        async with served(lag(25, context="urn:li:contract:77"), lag(0)) as partner:
            await partner.enable(AWLI)
            await partner.enable(CSA)
            assert await shown(partner, AWLI, CSA) == ["ENABLED", "REQUESTED"]
            assert await shown(partner, AWLI) == ["ENABLED"]

    async def test_a_late_effect_and_a_lagging_look_add_up(self) -> None:
        """The effect lands as of its own time, though nobody asked before."""
        async with served(late(seconds=5), lag(25)) as partner:
            await partner.enable()
            partner.sandbox.advance(29)
            assert await shown(partner) == ["REQUESTED"]
            partner.sandbox.advance(2)
            assert await shown(partner) == ["ENABLED"]

    @pytest.mark.parametrize(("own", "seen"), [(None, "REQUESTED"), (0, "ENABLED"), (5, "ENABLED"), (40, "REQUESTED")])
    async def test_a_world_lags_and_an_application_by_its_own(self, own: float | None, seen: str) -> None:
        world = small_world(look_lag_seconds=25)
        world.applications[0] = world.applications[0].model_copy(update={"look_lag_seconds": own})
        app = create_app(parse_world(world.model_dump()), clock=Clock())
        async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=5, verify=False) as http:
            partner = Partner(http, app.state.sandbox)
            await partner.log_in()
            await partner.enable()
            partner.sandbox.advance(10)
            assert await shown(partner) == [seen]
            again = partner.sandbox.as_world()
            assert (again.look_lag_seconds, again.applications[0].look_lag_seconds) == (25, own)

    async def test_a_fault_goes_before_the_world(self) -> None:
        async with served(lag(0), look_lag_seconds=25) as partner:
            await partner.enable()
            assert await shown(partner) == ["ENABLED"]

    async def test_sending_again_because_of_a_lagging_look_is_seen(self) -> None:
        """The look shows REQUESTED long after LinkedIn has confirmed: no licence to send once more."""
        async with served(lag(25)) as partner:
            await partner.verify()
            await partner.enable()
            assert await shown(partner) == ["REQUESTED"]
            await partner.enable()
            assert partner.rules == ["enable_again"]
