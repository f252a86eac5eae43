"""One run at a customer at a time: leases that end by themselves."""

from datetime import timedelta

import pytest

from greenlight.ats.attempts import AttemptRefused, Attempts
from greenlight.ats.database import Database
from greenlight.ats.leases import LEASE, Leases
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.store import Store
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.reconcile.customer_leases import PAUSES, Busy, CustomerLeases
from tests.ats.world import NOON, ids_of, one

TICK = timedelta(milliseconds=1)


@pytest.fixture
def two(database: Database) -> tuple[Leases, Leases]:
    one(database)
    return Leases(database), Leases(database)


def test_of_two_runs_one_has_the_customer_and_the_other_is_told_who(
    database: Database, two: tuple[Leases, Leases]
) -> None:
    first, second = two
    Runs(database).start("run-1", Command.APPLY, RunTarget(Selection()), NOON)
    assert first.take("acme", "run-1", NOON) is None
    held = second.take("acme", "run-2", NOON)
    assert held is not None
    assert (held.words, held.until) == ("apply run run-1", NOON + LEASE)


def test_a_customer_that_was_given_back_can_be_taken_at_once(two: tuple[Leases, Leases]) -> None:
    first, second = two
    assert first.take("acme", "run-1", NOON) is None
    first.release("acme")
    assert second.take("acme", "run-2", NOON) is None


def test_a_dead_holder_keeps_a_customer_for_no_longer_than_a_lease(two: tuple[Leases, Leases]) -> None:
    first, second = two
    assert first.take("acme", "run-1", NOON) is None
    assert second.take("acme", "run-2", NOON + LEASE - TICK) is not None
    assert second.take("acme", "run-2", NOON + LEASE) is None


def test_a_holder_that_lives_renews_all_that_it_has(two: tuple[Leases, Leases]) -> None:
    first, second = two
    assert first.take("acme", "run-1", NOON) is None
    first.renew(["acme"], NOON + LEASE / 2)
    assert second.take("acme", "run-2", NOON + LEASE) is not None


def test_who_lost_a_lease_neither_renews_nor_gives_back_anothers(two: tuple[Leases, Leases]) -> None:
    first, second = two
    assert first.take("acme", "run-1", NOON) is None
    late = NOON + LEASE
    assert second.take("acme", "run-2", late) is None
    first.renew(["acme"], late)
    first.release("acme")
    assert first.take("acme", "run-1", late) is not None, "it is still the second one's"


def test_who_lost_a_lease_sends_nothing(database: Database, two: tuple[Leases, Leases]) -> None:
    """A process that was stopped for a while and goes on must not enable beside the one that took over."""
    first, _ = two
    assert first.take("acme", "run-1", NOON) is None
    (wanted,) = Store(database).wanted(ids_of(database)[:1])
    attempts, late = Attempts(database), NOON + LEASE
    with pytest.raises(AttemptRefused, match="lease"):
        attempts.begin(wanted, "run-1", "app", late, settles_at=late, owner=first.owner)


class Time:
    """A clock that moves while somebody sleeps."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self):
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def test_a_run_waits_for_another_says_for_whom_and_gives_up(two: tuple[Leases, Leases]) -> None:
    first, second = two
    assert first.take("acme", "run-1", NOON) is None
    time = Time()
    mine = CustomerLeases(second, time, time.sleep)
    with pytest.raises(Busy, match="run run-1 is at it") as refused:
        async with mine.holding("acme", "run-2"):
            pytest.fail("two runs at one customer")
    assert time.now == NOON + timedelta(seconds=sum(PAUSES))
    assert mine.waited == {"acme": "another run run-1"}
    time.now += timedelta(seconds=refused.value.wait)
    async with mine.holding("acme", "run-2"):
        assert first.take("acme", "run-1", time.now) is not None
    assert first.take("acme", "run-1", time.now) is None, "given back at the end"
