"""A pause has a reason, an owner and an end."""

from datetime import timedelta

import pytest

from greenlight.ats.database import Database
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.store import UnknownCustomer
from tests.ats.world import NOON, one

HOUR = timedelta(hours=1)


def pause(customer: str = "acme", *, reason: str = "migration", hours: int = 1) -> Pause:
    return Pause(customer, reason, "ann", NOON, NOON + hours * HOUR)


def test_a_pause_is_in_force_until_its_end(database: Database) -> None:
    one(database)
    pauses = Pauses(database)
    pauses.begin(pause())
    (found,) = pauses.now_in_force(["acme", "bolt"], NOON).values()
    assert found.words() == "by ann until 2026-03-01 13:00:00Z: migration"
    assert not pauses.now_in_force(["acme"], NOON + HOUR)


def test_a_second_pause_takes_the_place_of_the_first(database: Database) -> None:
    one(database)
    pauses = Pauses(database)
    pauses.begin(pause())
    pauses.begin(pause(reason="still migrating", hours=2))
    assert pauses.now_in_force(["acme"], NOON + HOUR)["acme"].reason == "still migrating"


def test_a_pause_can_be_ended_once(database: Database) -> None:
    one(database)
    pauses = Pauses(database)
    pauses.begin(pause())
    assert [pauses.end("acme"), pauses.end("acme")] == [True, False]
    assert not pauses.now_in_force(["acme"], NOON)


def test_nobody_pauses_a_customer_that_does_not_exist(database: Database) -> None:
    with pytest.raises(UnknownCustomer, match="'nobody'"):
        Pauses(database).begin(pause("nobody"))
