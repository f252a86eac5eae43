"""Somebody in between answers for LinkedIn, for all customers at once: a trouble of the network, and of no customer."""

from typing import Any

import pytest

from flows.reconcile import reconcile
from flows.request import What
from greenlight.domain.reasons import Outcome, Reason
from sandbox.faults import Fault
from tests.flows.fault_world import Case, import_file, world

MANY = 12


@pytest.mark.parametrize("on", ["token", "verify"])
@pytest.mark.parametrize("status", [403, 200])
async def test_an_hour_of_a_blocked_proxy_leaves_nothing_behind(town: Any, heard: Any, on: str, status: int) -> None:
    fault = Fault.model_validate({"on": on, "fault": "html", "status": status, "times": None})
    cases = tuple(Case(f"c{n:02}", "behind the proxy", ("", "", ""), (fault,)) for n in range(MANY))
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        for entry in report.items:
            assert (entry.condition.outcome, entry.condition.reason) == (Outcome.FAILED, Reason.NOT_THE_API)
            assert f"HTTP {status}, text/html" in entry.message
            assert "127.0.0.1" in entry.message
            assert entry.next_try_at is None, "no customer rests for it"
        assert f"NOT_THE_API: {MANY} customers." in report.headline()
        assert "Needs somebody" not in report.headline()
        assert heard == [], "nobody is told that a credential is dead"
        assert there.operations().count("enable") == 0

        for case in cases:
            there.linkedin.set_faults(case.client_id, [])
        after = there.report(await reconcile(What.APPLY, return_state=True))
        assert {entry.condition.outcome for entry in after.items} == {Outcome.ENABLED}
        assert there.violations() == []
