"""Red is for what is new: one dead key of many must not make every night red."""

import json
from typing import Any

from blocks.child_app import ChildAppBlocks, block_name
from flows.reconcile import reconcile
from flows.request import What
from sandbox.world import Application, World

TYPE = "APPLY_WITH_LINKEDIN"


def row(name: str, secret: str) -> str:
    context = f"urn:li:organization:{name}"
    return json.dumps(
        {
            "customer_id": name,
            "customer_name": name,
            "client_id": f"client{name}",
            "client_secret": secret,
            "integration_context": context,
            "integration_type": TYPE,
            "tenant_type": "JOBS",
            "integration_name": "",
        }
    )


async def test_a_trouble_is_red_once_and_the_exit_code_goes_on_saying_it(town: Any) -> None:
    applications = [Application(client_id=f"client{n}", client_secret="right", customer=n) for n in ("ktone", "kttwo")]
    async with town(World(applications=applications)) as there:
        await there.bring_in(f"{row('ktone', 'right')}\n{row('kttwo', 'wrong')}\n")
        first = await reconcile(What.APPLY, return_state=True)
        assert (first.name, first.is_failed(), there.report(first).exit_code) == ("PartialFailure", True, 3)
        again = await reconcile(What.APPLY, return_state=True)
        assert (again.name, again.is_completed(), there.report(again).exit_code) == ("KnownTrouble", True, 3)
        assert "kttwo (CREDENTIALS_REFUSED)" in (again.message or "")

        # Another one is new, and so is the same after it was well.
        await there.bring_in(f"{row('ktone', 'wrong')}\n{row('kttwo', 'wrong')}\n")
        worse = await reconcile(What.APPLY, return_state=True)
        assert worse.is_failed()

        # The key that it replaced has been kept, since the new one does not work; it goes once one that is held does.
        assert "credentials restore" in there.report(worse).items[0].as_json()["remedy"]
        block = block_name("ktone")
        right = await ChildAppBlocks().before(block)
        assert right is not None
        assert right.client_secret.get_secret_value() == "right"
        await ChildAppBlocks().swap(block, right)
        assert "ktone" not in (await reconcile(What.APPLY, customers=("ktone",), return_state=True)).message
        assert await ChildAppBlocks().before(block) is None
