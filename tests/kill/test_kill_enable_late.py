"""Killed while an enable is on its way that lands after its answer, or is shown later: looked for, not sent again.

Effects and looks are late in real time, so nothing here moves a cell's clock on.
"""

import time
from typing import Any

import pytest

from sandbox.world import Fault
from tests.kill.enabling import ENABLED, JOBS, PARTNER_READY, RECRUITER, Street, named, requested
from tests.kill.harness import killed_at
from tests.kill.test_kill_enable_twice import SHORT_LEASE

#: Within the 3 s that these worlds give an enable to settle.
LATE = 1.8
#: From the intent on.
AT = ["commit begin attempt: after", "enable: answered", "enable: after", "commit end attempt: after"]


def killed_on_the_way(there: Street, of: str) -> list[dict[str, Any]]:
    """A cell for each of these kills, and one that is left alone."""
    kills: list[list[str]] = [*([name] for name in AT), []]
    cells = there.cells(len(kills), act="reconcile", lease=SHORT_LEASE, renew=SHORT_LEASE / 3, ahead=0)
    done = there.work([{**cell, "kills": at} for cell, at in zip(cells, kills, strict=True)], of)
    assert [killed_at(cell) for cell in done] == kills
    return done


def run_after(there: Street, cells: list[dict[str, Any]], of: str) -> list[dict[str, Any]]:
    """What is confirmed is not waited for, so it is another run that sees the effect."""
    after = there.work([{**cell, "kills": []} for cell in cells], f"{of}, the run after")
    # What a killed one has counted and not sent is known from its steps.
    return [{**cell, "runs": [*before["runs"], *cell["runs"]]} for before, cell in zip(cells, after, strict=True)]


@pytest.mark.parametrize(
    "early",
    [{"fault": "status", "status": 504}, {"fault": "status", "status": 202}, {"fault": "lost"}, {"fault": "ignored"}],
    ids=["504", "202", "lost", "204"],
)
@pytest.mark.parametrize("types", [JOBS, RECRUITER], ids=["jobs", "recruiter"])
def test_a_kill_before_the_effect(street: Any, early: dict[str, Any], types: Any) -> None:
    late = Fault.model_validate({"on": "enable", "applied_after": LATE, **early})
    with street(requested(named(len(AT) + 1), types, late)) as there:
        done = killed_on_the_way(there, "late effects")
        if early["fault"] == "ignored":
            done = run_after(there, done, "late effects")
        there.check(done, PARTNER_READY if types is RECRUITER else ENABLED)


@pytest.mark.parametrize("types", [JOBS, RECRUITER], ids=["jobs", "recruiter"])
def test_a_kill_where_looks_lag(street: Any, types: Any) -> None:
    """The next run's look may show REQUESTED although the enable has landed: no licence to send it again."""
    lag = Fault(on="verify", fault="lag", seconds=LATE, times=None)
    with street(requested(named(len(AT) + 1), types, lag)) as there:
        done = run_after(there, killed_on_the_way(there, "lagging looks"), "lagging looks")
        # What the run after had to send itself is confirmed, and a look shows it only now.
        time.sleep(LATE)
        done = run_after(there, done, "lagging looks, once more")
        there.check(done, PARTNER_READY if types is RECRUITER else ENABLED)
