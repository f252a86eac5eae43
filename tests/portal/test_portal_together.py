"""Callbacks that reach the portal at the same moment: on record before they are answered, and together."""

import asyncio
from contextlib import AsyncExitStack

from sqlalchemy import Connection, event

from greenlight.ats.tables import RequestEvidence
from portal.context import digest_of
from tests.portal.world import Browser, Portal, add_customer, named


async def test_callbacks_that_come_together_are_few_transactions(portal: Portal) -> None:
    """Each is on record before it is answered, and twenty at once wait for a few commits and not for twenty."""
    add_customer(portal.database, "crow", types=[])
    commits, answers = list[object](), list[int]()
    async with AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(portal.visit(id)) for id in ("acme", "bolt", "crow") * 7]

        def committed(connection: Connection) -> None:
            if connection.get_execution_options().get("write", False):
                commits.append(connection)

        async def click(browser: Browser) -> None:
            answers.append((await browser.post(named(type="APPLY_CONNECT"))).status_code)
            assert [row["times"] for row in portal.rows(RequestEvidence) if row["session_digest"] == _digest(browser)]

        event.listen(portal.database.engine, "commit", committed)
        await asyncio.gather(*(click(browser) for browser in browsers))
        event.remove(portal.database.engine, "commit", committed)
    assert answers == [202] * 21
    assert len(commits) < 7
    assert len(portal.rows(RequestEvidence)) == 21


def _digest(browser: Browser) -> str:
    return digest_of(browser.client.cookies["__Host-greenlight"])
