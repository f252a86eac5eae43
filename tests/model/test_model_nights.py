"""Night after night over four periods: what is settled is looked at in its turn, and what LinkedIn undoes is found."""

from collections import Counter
from datetime import timedelta

import pytest

from greenlight.ats.announcements import Announcements
from greenlight.ats.holds import Holds
from greenlight.ats.nights import Nights
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.recheck import share
from greenlight.domain.selection import Selection
from tests.model.world import Ground, World

DAYS = 7


def key(customer: str) -> IntegrationKey:
    return IntegrationKey(f"urn:li:organization:{customer}", "APPLY_WITH_LINKEDIN", "JOBS")


def a_world(ground: Ground, customers: int, status: str) -> World:
    world = World(ground, recheck_days=DAYS)
    world.bring_in({f"c{n:03}": {key(f"c{n:03}"): status} for n in range(customers)})
    return world


def looked_at(world: World, before: dict[str, int]) -> Counter[str]:
    """How often LinkedIn was asked for each customer's since then."""
    return Counter(counted(world)) - Counter(before)


def counted(world: World) -> dict[str, int]:
    return {
        world.linkedin.applications[client].customer: len(looks) for (client, _), looks in world.linkedin.looks.items()
    }


def test_each_is_looked_at_in_its_turn_and_what_is_undone_is_found_within_the_period(ground: Ground) -> None:
    """A fleet that was enabled in one night; a customer's integration is undone in the second and the third period."""
    world = a_world(ground, 20, "REQUESTED")
    try:
        assert world.run().changed == 20
        seen, undone, found = dict.fromkeys(counted(world), 0), dict[str, int](), dict[str, int]()
        for night in range(1, 4 * DAYS + 1):
            if night in (9, 16):
                # Whoever was looked at last has the longest wait.
                lost = max(seen.keys() - found.keys(), key=lambda customer: (seen[customer], customer))
                world.show(lost, key(lost), None)
                undone[lost] = night
            world.next_day()
            before, requests = counted(world), world.linkedin.kinds.copy()
            report = world.run()
            looks = looked_at(world, before)
            settled = [customer for customer in looks if customer not in found]
            assert set(looks.values()) <= {1}
            assert len(settled) <= share(20, DAYS)
            sent = world.linkedin.kinds - requests
            assert (sent["token"], sent["verify"]) == (len(looks), len(looks)), "one of each for whom it is due"
            assert all(night - seen[customer] <= DAYS for customer in settled)
            seen |= dict.fromkeys(looks, night)
            assert len(report.items) + report.not_due.count == 20
            for drift in Announcements(world.database).drift(99):
                found.setdefault(drift.item.customer_id, night)
        assert min(seen.values()) > 3 * DAYS, "each was looked at in the last period"
        assert found.keys() == undone.keys()
        assert all(0 <= found[lost] - undone[lost] < DAYS for lost in undone)
        assert (world.linkedin.wrong, world.defects) == ([], [])
    finally:
        world.close()


@pytest.mark.parametrize(("empty", "trips"), [(5, True), (4, False)])
def test_a_share_that_turns_empty_holds_whatever_is_ready(ground: Ground, empty: int, trips: bool) -> None:
    """Five of the twenty that a night looks at, of 140: it is judged by what it looked at, and not by all."""
    world = a_world(ground, 140, "ENABLED")
    try:
        world.run()
        world.next_day()
        due = Nights(world.database).choose(Selection(), world.clock() + timedelta(minutes=1), DAYS)
        assert len(due.ids) == 20
        names = [f"c{n:03}" for n in range(140)]
        # Ids go up with names, as both came in.
        lost = [names[id - 1] for id in due.ids][:empty]
        for customer in lost:
            world.show(customer, key(customer), None)
        world.bring_in({"new": {key("new"): "REQUESTED"}})
        report = world.run()
        held = {hold.item.customer_id for hold in Holds(world.database).on_record()}
        assert held == ({*lost, "new"} if trips else set())
        reasons = {entry.item.customer_id: entry.condition.reason for entry in report.items}
        assert reasons["new"] is (Reason.SUDDENLY_EMPTY if trips else Reason.ENABLED)
        assert {hold.reason for hold in Holds(world.database).on_record()} <= {Reason.SUDDENLY_EMPTY}
        if trips:
            assert "5 of 21 customers that this run looked at" in Holds(world.database).on_record(["new"])[0].saw
    finally:
        world.close()


def test_a_few_customers_that_turn_empty_over_nights_are_too_many_together(ground: Ground) -> None:
    """Of fourteen a night looks at two, too few to judge by; in the third night it is a fifth of all, and five."""
    world = a_world(ground, 14, "ENABLED")
    try:
        world.run()
        for n in range(14):
            world.show(f"c{n:03}", key(f"c{n:03}"), None)
        held = list[int]()
        for _ in range(3):
            world.next_day()
            world.run()
            held.append(len(Holds(world.database).on_record()))
        assert held == [0, 0, 6]
    finally:
        world.close()


def test_a_night_may_enable_half_of_all_that_is_wanted_and_not_of_what_is_due(ground: Ground) -> None:
    world = a_world(ground, 140, "ENABLED")
    try:
        world.run()
        world.bring_in({f"n{n:02}": {key(f"n{n:02}"): "REQUESTED"} for n in range(60)})
        world.next_day()
        assert world.run().changed == 60
    finally:
        world.close()
