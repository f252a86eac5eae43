"""Another run is at the customer: that is said of what nobody has found out since, and written over nothing newer."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database, open_database
from greenlight.ats.leases import Leases
from greenlight.ats.looks import Look
from greenlight.ats.store import Store
from greenlight.domain.conditions import HELD_BY_CAP, Condition, after_look
from greenlight.domain.plan import Action, Planned
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.enable import Enabling
from greenlight.reconcile.observe import Observer, Purpose
from tests.ats.world import NOON, bring_in, customer, integration
from tests.reconcile.stand_ins import Everybodys, Shows

DONE = Condition(Outcome.ENABLED, Reason.ENABLED)


class Clock:
    now = NOON

    def __call__(self):
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Street:
    """One customer, at whom another run is, and a run that comes by."""

    def __init__(self, database: Database) -> None:
        self.database, self.store, self.clock = database, Store(database), Clock()
        (self.id,) = bring_in(database, customer("acme"))
        self.leases = CustomerLeases(Leases(database), self.clock, self.clock.sleep)
        self.observer = Observer(self.store, Shows(), Everybodys(), self.clock, self.leases)  # pyright: ignore[reportArgumentType]

    def another_comes(self) -> Leases:
        other = Leases(self.database)
        assert other.take("acme", "another", self.clock()) is None
        return other

    def another_has_seen(self, status: Status, known: Condition) -> None:
        self.clock.now += timedelta(seconds=1)
        looks = [Look(self.id, Observation(status), known, final=True, client_id="client-acme")]
        self.store.record_looks("observe:another", looks, self.clock(), self.clock())

    @property
    def known(self) -> tuple[str, str]:
        row = integration(self.database, self.id)
        return row.observed, row.reason


@pytest.fixture
def street(sqlite_template: Path, tmp_path: Path) -> Iterator[Street]:
    database = open_database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'ats.db')}")
    yield Street(database)
    database.close()


async def test_a_look_that_another_run_keeps_from_being_made_says_so(street: Street) -> None:
    street.another_comes()
    left = await street.observer.look("ours", Purpose.OBSERVE, [street.id])
    assert (left.items, street.known) == (1, (Status.UNKNOWN, Reason.CUSTOMER_BUSY))


async def test_what_the_other_run_has_found_out_meanwhile_stands(street: Street) -> None:
    """It is at the customer once more, for the look after its enable, and reports what it did in a moment."""
    street.another_comes()
    await street.observer.look("ours", Purpose.OBSERVE, [street.id])
    street.another_has_seen(Status.ENABLED, DONE)
    left = await street.observer.look("ours", Purpose.OBSERVE, [street.id])
    assert (left.items, street.known) == (1, (Status.ENABLED, Reason.ENABLED))


async def test_so_does_what_it_has_taken_further_than_the_plan(street: Street) -> None:
    assert (await street.observer.look("ours", Purpose.OBSERVE, [street.id])).items == 0
    assert street.known == (Status.REQUESTED, Reason.READY_TO_ENABLE)
    enabling = Enabling(Attempts(street.database), Shows(), Everybodys(), street.clock, street.leases, 15, 120)  # pyright: ignore[reportArgumentType]
    street.another_comes()
    (wanted,) = street.store.wanted([street.id])
    await enabling.enable("ours", wanted)
    assert street.known == (Status.REQUESTED, Reason.CUSTOMER_BUSY)
    street.another_has_seen(Status.ENABLED, DONE)
    (wanted,) = street.store.wanted([street.id])
    left = await enabling.enable("ours", wanted)
    assert (left.items, street.known) == (1, (Status.ENABLED, Reason.ENABLED))


async def test_a_failed_look_of_the_other_run_stands_as_well(street: Street) -> None:
    """It is that run's report, and its time is not set back."""
    street.another_comes()
    await street.observer.look("ours", Purpose.OBSERVE, [street.id])
    street.clock.now += timedelta(seconds=1)
    look = Look(street.id, None, Condition(Outcome.FAILED, Reason.CREDENTIALS_MISSING), final=True)
    street.store.record_looks("observe:another", [look], street.clock(), street.clock())
    checked_at = integration(street.database, street.id).checked_at
    await street.observer.look("ours", Purpose.OBSERVE, [street.id])
    row = integration(street.database, street.id)
    assert (row.reason, row.checked_at) == (Reason.CREDENTIALS_MISSING, checked_at)


async def test_who_is_kept_from_enabling_says_so_however_often_it_was_looked_at(street: Street) -> None:
    """Somebody has the page open, and what a look shows is what was planned."""
    await street.observer.look("ours", Purpose.OBSERVE, [street.id])
    enabling = Enabling(Attempts(street.database), Shows(), Everybodys(), street.clock, street.leases, 15, 120)  # pyright: ignore[reportArgumentType]
    street.another_comes()
    for _ in range(2):
        street.another_has_seen(Status.REQUESTED, after_look(Observation(Status.REQUESTED)))
        (wanted,) = street.store.wanted([street.id])
        assert (await enabling.enable("ours", wanted)).items == 1
        assert street.known == (Status.REQUESTED, Reason.CUSTOMER_BUSY)


async def test_a_newer_look_that_shows_the_same_takes_no_plan_back(street: Street) -> None:
    """What a cap held would else be open to the next click."""
    await street.observer.look("ours", Purpose.OBSERVE, [street.id])
    read = street.store.wanted([street.id])
    street.another_has_seen(Status.REQUESTED, read[0].condition)
    street.store.record_plan([(street.id, Planned(read[0].item, Action.NONE, HELD_BY_CAP))], street.clock(), read)
    assert street.known == (Status.REQUESTED, Reason.HELD_BY_CAP)


@pytest.mark.parametrize("action", list(Action))
async def test_a_plan_that_rests_on_less_than_is_known_now_is_not_written(street: Street, action: Action) -> None:
    """Its look came before the other run's enable, and that run reports in a moment what became of it."""
    await street.observer.look("ours", Purpose.OBSERVE, [street.id])
    read = street.store.wanted([street.id])
    planned = [(street.id, Planned(read[0].item, action, read[0].condition))]
    street.store.record_plan(planned, street.clock(), read)
    assert (street.known, integration(street.database, street.id).action) == (
        (Status.REQUESTED, Reason.READY_TO_ENABLE),
        action,
    )
    street.another_has_seen(Status.ENABLED, DONE)
    street.store.record_plan(planned, street.clock(), read)
    assert street.known == (Status.ENABLED, Reason.ENABLED)
