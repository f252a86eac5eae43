"""Enabling survives a SIGKILL at any step: each integration is enabled, once, and everything is on record.

Every matrix takes its steps from the run itself (`tests/kill/steps.py`), so a step that is new in the code is in it.
The first one has a kill at each step, the others at each so-manyth from a random one on; KILL_EVERYTHING=1 has all.
"""

from typing import Any

from sandbox.world import Fault
from tests.kill.enabling import JOBS, PARTNER_READY, RECRUITER, enabled_by_somebody_else, named, requested
from tests.kill.harness import steps_of

#: Of a variant's steps each so-manyth is taken.
SOME = 5
#: The steps without which a matrix would prove little.
ALWAYS = {
    *("commit start: after", "commit take lease: before", "commit take lease: after", "token: before", "token: after"),
    *("commit count request: before", "commit count request: after", "verify: before", "verify: answered"),
    *("verify: after", "commit record_looks: before", "commit record_looks: after", "commit record_plan: before"),
    *("commit record_plan: after", "commit begin attempt: before", "commit begin attempt: after", "enable: before"),
    *("enable: answered", "enable: after", "commit end attempt: before", "commit end attempt: after"),
    *("commit release lease: before", "commit release lease: after", "commit finish: before", "commit finish: after"),
}


def test_what_a_customer_has_requested(street: Any) -> None:
    """The task worker's way: the request stays open until it was acted on, so the next turn takes it up."""
    with street(requested(named())) as there:
        cells = there.matrix("requested")
        assert {*ALWAYS, "commit acted_on: before", "commit acted_on: after"} <= set(steps_of(cells))
        there.check(cells)


def test_a_flow_run_and_another_one_after_it(street: Any) -> None:
    """The nightly flow's way: the next run looks at everything again."""
    with street(requested(named())) as there:
        cells = there.matrix("reconciled", every=SOME, act="reconcile")
        there.check(cells)


def test_a_flow_run_that_is_started_again(street: Any) -> None:
    """Prefect may run a crashed flow run once more, by the same id: what it has looked at it does not look at again."""
    with street(requested(named())) as there:
        cells = there.matrix("the same flow run", every=SOME, act="reconcile", again=True)
        there.check(cells)


def test_types_that_the_customer_switches_on(street: Any) -> None:
    """An enable leaves them PARTNER_READY, and LinkedIn would confirm a second one."""
    with street(requested(named(), RECRUITER)) as there:
        cells = there.matrix("recruiter types", every=SOME)
        there.check(cells, PARTNER_READY)


def test_an_enable_whose_answer_is_lost(street: Any) -> None:
    """LinkedIn has acted and the connection is cut, for the first of the two integrations."""
    with street(requested(named(), JOBS, Fault(on="enable", fault="lost"))) as there:
        cells = there.matrix("lost answers", every=SOME)
        there.check(cells)


def test_an_enable_that_is_lost(street: Any) -> None:
    """LinkedIn has not acted, and nobody can tell: it is sent again once it surely has not landed."""
    with street(requested(named(), JOBS, Fault(on="enable", fault="dropped"))) as there:
        cells = there.matrix("lost requests", every=SOME)
        there.check(cells)


def test_what_somebody_else_enables_meanwhile(street: Any) -> None:
    """LinkedIn refuses what is enabled already, and that is as good."""
    with street(requested(named())) as there:
        enabled_by_somebody_else(there)
        cells = there.matrix("already enabled", every=SOME)
        there.check(cells, effective=0)
