"""Enabling survives what is worse than one kill: two of them, another process beside it, a long sleep, a slow LinkedIn.

Pairs of kills are drawn at random; KILL_EVERYTHING=1 draws many.
"""

import random
from typing import Any

import pytest

from sandbox.world import Fault
from tests.kill.enabling import EVERYTHING, JOBS, PARTNER_READY, RECRUITER, Street, named, requested
from tests.kill.harness import killed_at

#: A lease that is waited for in real time, where two processes have the same clock.
SHORT_LEASE = 1.5
#: Steps after the intent is on disk and before its request leaves.
BEFORE_SENDING = ["commit begin attempt: after", "commit count request: after", "enable: before"]
#: It wakes up with an answer in its hands that is older than what others have seen since.
ANSWERED = ["enable: answered", "enable: after"]


def kills(count: int, last: int) -> list[list[int]]:
    return [[random.randint(1, last), random.randint(1, last)] for _ in range(count)]


def steps_without_a_kill(there: Street) -> list[str]:
    (whole,) = there.work(there.cells(1), "without a kill")
    return list(whole["runs"][0]["steps"])


def test_two_kills_one_after_the_other(street: Any) -> None:
    """What a restart leaves behind when it is killed as well."""
    count = 90 if EVERYTHING else 8
    with street(requested(named())) as there:
        last = len(steps_without_a_kill(there))
        cells = [{**cell, "kills": pair} for cell, pair in zip(there.cells(count), kills(count, last), strict=True)]
        there.check(there.work(cells, "two kills"))


@pytest.mark.parametrize("act", ["request", "reconcile"])
def test_two_processes_at_the_same_time(street: Any, act: str) -> None:
    """The second one starts later each time; one waits for the other or finds everything done."""
    with street(requested(named(6))) as there:
        cells = there.cells(6, act=act, together=2)
        there.check(there.work([{**cell, "lag": 0.06 * turn} for turn, cell in enumerate(cells)], "side by side"))


def test_the_survivor_of_two_processes_finishes(street: Any) -> None:
    """The dead one's lease is waited for, and what it has sent is looked at and not sent again."""
    count = 60 if EVERYTHING else 8
    with street(requested(named(count + 1))) as there:
        last = len(steps_without_a_kill(there))
        cells = there.cells(count, together=2, lag=0.03, lease=SHORT_LEASE)
        fates = [[random.randint(4, last)] if turn % 2 else [None, random.randint(4, last)] for turn in range(count)]
        done = there.work([{**cell, "kills": fate} for cell, fate in zip(cells, fates, strict=True)], "one of two")
        assert any(killed_at(cell) for cell in done)
        there.check(done)


def asleep(there: Street, of: str) -> list[dict[str, Any]]:
    """A cell for each step outside of a transaction: inside, a sleeper would keep SQLite to itself."""
    steps = steps_without_a_kill(there)
    stops = [at for at, name in enumerate(steps, 1) if not (name.startswith("commit") and name.endswith("before"))]
    always = [at for at in stops if steps[at - 1] in (*BEFORE_SENDING, *ANSWERED)]
    taken = stops if EVERYTHING else sorted({*always, *stops[random.randint(0, 2) :: 3]})
    cells = [{**cell, "stop": at} for cell, at in zip(there.cells(len(taken)), taken, strict=True)]
    done = there.work(cells, of)
    assert all(cell["stopped"] for cell in done)
    return done


def test_one_that_sleeps_past_its_lease(street: Any) -> None:
    """Another run does everything meanwhile; the sleeper, wherever it slept, sends nothing any more."""
    with street(requested(named())) as there:
        cells = asleep(there, "asleep")
        there.check(cells)


def test_one_that_sleeps_past_its_lease_with_types_that_the_customer_switches_on(street: Any) -> None:
    """LinkedIn would confirm the sleeper's enable a second time."""
    with street(requested(named(), RECRUITER)) as there:
        cells = asleep(there, "asleep, recruiter types")
        there.check(cells, PARTNER_READY)


def test_a_dead_lease_is_waited_for(street: Any) -> None:
    """A restart within the lease waits until it ends, and then does everything."""
    at = ["commit take lease: after", "commit begin attempt: after", "enable: after", "commit record_looks: after"]
    with street(requested(named(len(at)))) as there:
        cells = [{**cell, "kills": [name], "ahead": 14.2} for cell, name in zip(there.cells(len(at)), at, strict=True)]
        done = there.work(cells, "lease not over yet")
        assert [killed_at(cell) for cell in done] == [[name] for name in at]
        there.check(done)


@pytest.mark.parametrize("fault", ["stall", "hang"])
def test_a_kill_while_linkedin_takes_its_time(street: Any, fault: str) -> None:
    """The request is on its way, or carried out and not answered; the lease is being renewed meanwhile."""
    at = ["commit renew lease: before", "commit renew lease: after"]
    slow = Fault(on="enable", fault=fault, seconds=0.8)
    with street(requested(named(4), JOBS, slow)) as there:
        # What was sent may land for 3 x 9.5 s, which is over long after the lease.
        cells = there.cells(4, renew=0.3, env={"GREENLIGHT_HTTP_TIMEOUT_SECONDS": "9.5"}, ahead=27.0)
        done = there.work([{**cell, "kills": [at[turn % 2]]} for turn, cell in enumerate(cells)], f"{fault}, renewing")
        assert [killed_at(cell) for cell in done] == [[at[turn % 2]] for turn in range(4)]
        there.check(done)
