"""Killed while an enable is on its way that takes effect only after its answer: it is looked for, and not sent again.

The effect is late in real time, so nothing here moves a cell's clock on.
"""

from typing import Any

import pytest

from sandbox.world import Fault
from tests.kill.enabling import ENABLED, JOBS, PARTNER_READY, RECRUITER, named, requested
from tests.kill.harness import killed_at
from tests.kill.test_kill_enable_twice import SHORT_LEASE

#: Within the 3 s that these worlds give an enable to settle.
LATE = 1.8
#: From the intent on.
AT = ["commit begin attempt: after", "enable: answered", "enable: after", "commit end attempt: after"]


@pytest.mark.parametrize(
    "early",
    [{"fault": "status", "status": 504}, {"fault": "status", "status": 202}, {"fault": "lost"}, {"fault": "ignored"}],
    ids=["504", "202", "lost", "204"],
)
@pytest.mark.parametrize("types", [JOBS, RECRUITER], ids=["jobs", "recruiter"])
def test_a_kill_before_the_effect(street: Any, early: dict[str, Any], types: Any) -> None:
    late = Fault.model_validate({"on": "enable", "applied_after": LATE, **early})
    with street(requested(named(len(AT) + 1), types, late)) as there:
        cells = there.cells(len(AT) + 1, act="reconcile", lease=SHORT_LEASE, renew=SHORT_LEASE / 3, ahead=0)
        kills: list[list[str]] = [*([name] for name in AT), []]
        done = there.work([{**cell, "kills": at} for cell, at in zip(cells, kills, strict=True)], "late effects")
        assert [killed_at(cell) for cell in done] == kills
        if early["fault"] == "ignored":
            # What is confirmed is not waited for, so it is another run that sees the effect.
            done = there.work([{**cell, "kills": []} for cell in cells], "late effects, the run after")
        there.check(done, PARTNER_READY if types is RECRUITER else ENABLED)
