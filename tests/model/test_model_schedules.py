"""Hundreds of random schedules of faults, kills and overlaps over fifty customers, each followed by calm.

GREENLIGHT_SCHEDULES is how many, from `--seed` on; a test run takes the first few, a night takes 1,000.
The figures are printed (`pytest -s`).
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from statistics import median

import pytest

from greenlight.domain.budget import Lane
from greenlight.domain.keys import IntegrationKey
from tests.model.checks import mistaken, open_attempts, requested
from tests.model.linkedin import FAULTS, RECRUITER
from tests.model.world import Ground, World, of_seed

SCHEDULES = int(os.environ.get("GREENLIGHT_SCHEDULES", "40"))
CUSTOMERS = 50
MOST_RUNS = 15
STATES = ("REQUESTED", "REQUESTED", "ENABLED", "PARTNER_READY", None)


def customers(draw: random.Random) -> dict[str, dict[IntegrationKey, str | None]]:
    found = {}
    for number in range(CUSTOMERS):
        context = f"urn:li:organization:o{number}"
        keys = [IntegrationKey(context, "APPLY_WITH_LINKEDIN", "JOBS")]
        if draw.random() < 0.4:
            keys.append(IntegrationKey(context, RECRUITER, "RECRUITER"))
        found[f"c{number}"] = {key: draw.choice(STATES) for key in keys}
    return found


def weather(draw: random.Random) -> Iterator[str]:
    """Bad for the first so many requests, then fine for ever."""
    share = draw.uniform(0.05, 0.7)
    for _ in range(draw.randrange(20, 500)):
        yield draw.choice(FAULTS) if draw.random() < share else "fine"
    while True:
        yield "fine"


def converge(world: World, draw: random.Random) -> int:
    """Nights, some of them killed or overlapped, until nothing is left to do; how many it took."""
    sky = weather(draw)
    world.linkedin.weather = lambda _kind: next(sky)
    for night in range(1, MOST_RUNS + 1):
        trouble = draw.random() if night <= 3 else 1.0
        process = world.start(kill_after=draw.randrange(1, 2500) if trouble < 0.3 else None)
        if 0.2 < trouble < 0.5:
            world.loop.pass_time(draw.uniform(0, 40))
            world.start(Lane.OPERATOR, draw.sample(list(world.clients), 10))
        world.finish()
        settled = process.report is not None and not process.report.unsettled()
        if settled and not requested(world) and not open_attempts(world) and not mistaken(world):
            return night
        world.next_day()
    raise AssertionError(
        f"not quiet after {MOST_RUNS} nights: {requested(world)}, {open_attempts(world)}, {mistaken(world)}"
    )


@pytest.mark.timeout(15 * SCHEDULES + 120)
def test_every_schedule_of_faults_ends_with_all_enabled_once(ground: Ground, seeds: Callable[[int], range]) -> None:
    """Whatever went wrong while it went wrong, the nights after it bring everything to its end, and nothing twice."""
    nights, kinds, faults = [], Counter[str](), Counter[str]()
    effective = killed = 0
    for seed in seeds(SCHEDULES):
        draw = random.Random(seed)
        world = World(ground, limit=draw.choice([25, 5000]))
        with of_seed(world, seed):
            world.bring_in(customers(draw))
            nights.append(converge(world, draw))
            linkedin = world.linkedin
            assert (linkedin.wrong, world.defects, world.loop.complaints) == ([], [], [])
            assert linkedin.effective == linkedin.requested, "each request is enabled exactly once"
            kinds += linkedin.kinds
            faults += linkedin.misfortunes
            effective += linkedin.effective.total()
            killed += sum(process.dead for process in world.processes)
    print(  # noqa: T201 - figures for whoever asks for them
        f"\n{len(nights)} schedules, {dict(kinds)} requests, {effective} enables that had an effect, {killed} kills; "
        f"nights: median {median(nights)}, most {max(nights)}; faults: {dict(faults.most_common())}"
    )
