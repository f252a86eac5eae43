"""With one limit for all of the parent's children, one customer cannot spend the others' day."""

from typing import Any

from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.budgets import Budgets, Share
from greenlight.ats.requests import Requests
from greenlight.domain.budget import PARENT, Lane
from sandbox.world import World
from tasks.realtime.requested import act_on_requests, enable_requested
from tests.tasks.realtime.test_tasks_requested import ENABLED, TYPE, Customer

LIMIT, OTHERS = 1000, 8


async def test_one_customer_that_hammers_leaves_the_others_their_day(town: Any) -> None:
    """An open page, a script that repeats its callback: whoever comes later is served, and the night does the rest."""
    eve, others = Customer("eve"), [Customer(f"c{n}") for n in range(OTHERS)]
    world = World(applications=[each.application for each in (eve, *others)])
    async with town(world, GREENLIGHT_REQUESTS_PER_DAY=str(LIMIT), GREENLIGHT_BUDGET_SCOPE="parent") as there:
        for customer in (eve, *others):
            await customer.move_in(there)
        for _ in range(16):
            Budgets(there.database, LIMIT).take(PARENT, Lane.REALTIME, there.now(), of=Share(eve.client_id))
        for _ in range(4):
            # What LinkedIn has no request for is looked at again with each callback.
            eve.says(there)
            await enable_requested()
        assert there.operations() == ["token", "verify"] * 2, "its share is spent, and nothing more is sent"
        eve.says(there)
        act: Any = act_on_requests
        assert (await act([eve.id], return_state=True)).is_completed(), "nobody has to do anything"
        assert eve.shown(there)[TYPE][1:] == ("waiting", "SHARE_SPENT")

        for customer in (eve, *others):
            customer.clicks(there)
        await enable_requested()
        assert [each.shown(there) for each in others] == [ENABLED] * OTHERS
        assert eve.shown(there)[TYPE][1:] == ("waiting", "SHARE_SPENT")
        assert Requests(there.database).open_customers() == [eve.id], "what it asked for is not lost"
        assert Requests(there.database).due_customers(there.now()) == []

        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert report.exit_code == 0
        assert eve.shown(there)[TYPE][0] == "ENABLED", "a nightly run is not bound by it"
