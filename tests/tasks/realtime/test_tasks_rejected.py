"""What a customer's browser made up: asked about once, out of every run after that, and no trouble of anybody's."""

from datetime import timedelta
from typing import Any

from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.registry import Registration, register
from greenlight.ats.requests import Requests
from greenlight.domain.keys import IntegrationKey
from sandbox.world import World
from tasks.realtime.requested import enable_requested
from tests.tasks.realtime.test_tasks_requested import TYPE, Customer

TYPES = ("ONE_CLICK_EXPORT", "IN_ATS_INDICATOR", "PROFILE_PLUGIN", "CSA_API", "APPLY_CONNECT")
REJECTED = ("UNKNOWN", "waiting", "REJECTED_REQUEST")


def junk(number: int) -> IntegrationKey:
    """A key of the right form that LinkedIn has no use for: of an unknown type, or in a context that is none."""
    if number % 2:
        return IntegrationKey(f"urn:li:organization:junk.{number}", TYPES[number // 2], "JOBS")
    return IntegrationKey(f"urn:li:organization:junk{number}", f"NO_SUCH_TYPE_{number}", "JOBS")


async def test_junk_of_one_browser_spoils_no_run(town: Any) -> None:
    """Every run was red from then on, each asked for every key alone, and nobody could take them out again."""
    ada, bob = Customer("ada"), Customer("bob")
    async with town(World(applications=[ada.application, bob.application])) as there:
        await ada.move_in(there)
        await bob.move_in(there)
        ada.clicks(there)
        ada.says(there, *(junk(n) for n in range(10)), ada.key())
        bob.clicks(there)
        await enable_requested()
        shown = ada.shown(there)
        assert shown == {TYPE: ("ENABLED", "enabled", "ENABLED")} | {
            junk(n).integration_type: REJECTED for n in range(10)
        }
        assert Requests(there.database).open_customers() == []

        # The runs after it do not ask about it, and all is well.
        there.linkedin.log.clear()
        state = await reconcile(What.APPLY, return_state=True)
        assert state.name == "Converged"
        assert [entry.operation for entry in there.linkedin.log if entry.client_id == ada.client_id].count(
            "verify"
        ) == 1
        report = there.report(state)
        assert report.exit_code == 0
        assert {entry.item.key.integration_type for entry in report.items} == {TYPE}

        # Neither does the worker on each click of the same, and what is real still comes in.
        there.linkedin.log.clear()
        for _ in range(3):
            ada.says(there, *(junk(n) for n in range(10)))
            await enable_requested()
        assert there.operations() == []
        Requests(there.database).record(ada.id, ada.id, [junk(1)], there.now() + timedelta(minutes=6))
        assert Requests(there.database).open_customers() == [ada.id], "it may exist by then"


async def test_what_an_import_names_as_well_is_ours_to_look_into(town: Any) -> None:
    ada = Customer("ada")
    async with town(World(applications=[ada.application])) as there:
        await ada.move_in(there)
        ada.says(there, junk(1))
        await enable_requested()
        assert ada.shown(there)["ONE_CLICK_EXPORT"] == REJECTED
        register(there.database, [Registration(ada.id, ada.id, None, [(junk(1), "named")])], there.now())
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert report.exit_code == 3
        assert ada.shown(there)["ONE_CLICK_EXPORT"] == ("UNKNOWN", "failed", "INVALID_CONTEXT")
