"""More customers than a day has requests: the days that it takes, and nothing over any day's limit.

GREENLIGHT_DAYS=full takes 12,000 customers and 5,000 requests a day, which is half an hour; else a twentieth
of everything, also of the chunks that work is cut into. The figures are printed (`pytest -s`).
"""

import math
import os
import random
from datetime import timedelta
from unittest.mock import patch

import pytest

import tasks.parts.chunks
from greenlight.domain.budget import Lane, Scope, ceiling
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Outcome, Reason
from tests.model.world import Ground, World

SCALE = 1 if os.environ.get("GREENLIGHT_DAYS") == "full" else 20
CUSTOMERS, LIMIT, ASKED_A_DAY = 12_000 // SCALE, 5_000 // SCALE, 40 // SCALE
#: A look, an enable, and a look at what came of it.
EACH = 3


def key(number: int, kind: str = "APPLY_WITH_LINKEDIN") -> IntegrationKey:
    return IntegrationKey(f"urn:li:organization:o{number}", kind, "JOBS")


def expected_days(lane: Lane) -> int:
    """From the price of each and the lane's share alone."""
    return math.ceil(CUSTOMERS / (ceiling(LIMIT, lane) // EACH))


@pytest.mark.long
@pytest.mark.timeout(20_000)
@pytest.mark.parametrize("lane", [Lane.NIGHTLY, Lane.BACKFILL])
@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_backlog_takes_the_days_that_its_price_says(ground: Ground, lane: Lane) -> None:
    """One limit for all children: no day goes over it, what is asked for by day is served by day, and the backlog is
    done on the day that can be computed beforehand, give or take one."""
    world = World(ground, limit=LIMIT, scope=Scope.PARENT)
    draw = random.Random(1)
    world.bring_in({f"c{number}": {key(number): "REQUESTED"} for number in range(CUSTOMERS)})
    try:
        with patch.object(tasks.parts.chunks, "CUSTOMERS_PER_LOOK", max(1, 60 // SCALE)):
            days = work_off(world, lane, draw)
        assert (world.linkedin.wrong, world.defects) == ([], [])
        assert world.linkedin.effective == world.linkedin.requested
        assert abs(days - expected_days(lane)) <= 1, f"{expected_days(lane)} were expected"
    finally:
        world.close()


def work_off(world: World, lane: Lane, draw: random.Random) -> int:
    """Night after night until nothing is REQUESTED at LinkedIn; how many it took."""
    for day in range(1, 3 * expected_days(lane)):
        began, before = world.clock(), world.linkedin.kinds.copy()
        report = world.run(lane, max_changes=CUSTOMERS)
        looked = {
            world.linkedin.applications[client].customer
            for (client, _), looks in world.linkedin.looks.items()
            if looks[-1].at >= began
        }
        left_out = {i.item.customer_id for i in report.items if i.condition.outcome is Outcome.NOT_LOOKED_AT}
        assert left_out.isdisjoint(looked), "the report names exactly those that were not looked at"
        # An integration that came by day belongs to a customer whose other one is looked at as well.
        assert left_out | looked == set(world.clients)
        used = dict(world.linkedin.kinds - before)
        print(  # noqa: T201 - figures for whoever asks for them
            f"day {day}: {used}, {len(left_out)} customers not looked at, "
            f"{world.linkedin.effective.total()} enabled so far",
            flush=True,
        )
        if world.linkedin.effective == world.linkedin.requested:
            return day
        serve_the_day(world, draw, day)
        world.next_day()
    raise AssertionError("the backlog does not end")


def serve_the_day(world: World, draw: random.Random, day: int) -> None:
    """Customers press the button at random times, and do not wait for tomorrow."""

    for hour, number in sorted((draw.uniform(1, 20), draw.randrange(CUSTOMERS)) for _ in range(ASKED_A_DAY)):
        customer, wanted = f"c{number}", key(number, f"TYPE_{day}")
        midnight = world.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        world.wait_until(midnight + timedelta(hours=2 + hour))
        world.call_back(customer, wanted)
        world.run(Lane.REALTIME, [customer])
        statuses = world.linkedin.applications[world.clients[customer]].statuses
        assert statuses[wanted] == "ENABLED", "a request is served on its day, out of the share that is kept for it"


def test_a_customer_with_more_than_a_day_allows_is_finished_over_the_days(ground: Ground) -> None:
    """Three requests a day and six integrations: a look and what is left of the day each night, and never a fourth."""
    world = World(ground, limit=3, scope=Scope.CHILD)
    wanted = [key(number) for number in range(6)]
    world.bring_in({"acme": dict.fromkeys(wanted, "REQUESTED")})
    try:
        enabled = []
        for _ in range(10):
            world.run()
            enabled.append(world.linkedin.effective.total())
            world.next_day()
        assert world.linkedin.wrong == []
        assert enabled[-1] == 6, f"enabled by night: {enabled}"
        assert {item.condition.reason for item in world.known().items} == {Reason.ENABLED}
    finally:
        world.close()
