"""An enable that never left is closed as refused and tried again in the same try, without a wait for what may land."""

import socket
from datetime import timedelta

import aiohttp
import httpx
import pytest
from typing_extensions import override

from greenlight.ats.database import Database
from greenlight.ats.registry import Registration, register
from greenlight.ats.runs import Runs
from greenlight.domain.conditions import AttemptOutcome
from tests.reconcile import test_reconcile_settling as settling
from tests.reconcile.test_reconcile_settling import KEY, START, LinkedIn, run


class NobodyThere(settling._Wireless):
    """The first enable goes out to a port of this machine at which nobody listens."""

    asked = 0

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and "atsIntegrations" in request.url.path:
            NobodyThere.asked += 1
            if NobodyThere.asked == 1:
                await self._refused()
        return await super().handle_async_request(request)

    async def _refused(self) -> None:
        """Raises what the real transport does."""
        async with aiohttp.ClientSession() as session:
            with socket.socket() as closed:
                closed.bind(("127.0.0.1", 0))
                await session.post(f"http://127.0.0.1:{closed.getsockname()[1]}/")


async def test_what_never_left_is_tried_again_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_Wireless", NobodyThere)
    monkeypatch.setattr(NobodyThere, "asked", 0)
    register(database, [Registration("acme", "Acme", ("app", "block"), [(KEY, "Acme's")])], START)
    linkedin = LinkedIn((), ())
    await run(database, linkedin, "run", 2)
    assert linkedin.now - START < timedelta(seconds=5), "nothing was waited for"
    # The second is confirmed, and open until a later look shows its effect.
    assert [attempt.outcome for _, attempt in Runs(database).attempts("acme")] == [AttemptOutcome.REFUSED, None]
    assert (linkedin.effective, NobodyThere.asked) == (1, 2)
