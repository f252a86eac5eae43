"""A source that lies for a while: the nights with it, the nights after it, and whoever runs or clicks meanwhile.

GREENLIGHT_SCHEDULES is how many, from `--seed` on. The figures are printed (`pytest -s`).
"""

import os
import random
from collections import Counter
from collections.abc import Callable

import pytest

from greenlight.domain.budget import Lane
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.report import Verdict
from tests.model.checks import Checks, mistaken, open_attempts, requested
from tests.model.world import Ground, World, of_seed

SCHEDULES = int(os.environ.get("GREENLIGHT_SCHEDULES", "20"))
CUSTOMERS = 12
MOST_NIGHTS = 10


def key_of(name: str) -> IntegrationKey:
    return IntegrationKey(f"urn:li:organization:{name}", "APPLY_WITH_LINKEDIN", "JOBS")


def some_runs(world: World, draw: random.Random) -> None:
    """A night, and beside it or after it what people do; somebody may be killed on the way."""
    night = world.start(kill_after=draw.choice((None, None, draw.randrange(1, 400))))
    # Who finds everything gone clicks once more.
    for who in draw.sample(list(world.clients), draw.randrange(8)):
        world.loop.pass_time(draw.uniform(0, 60))
        if draw.random() < 0.7:
            world.call_back(who, key_of(who))
            world.start(Lane.REALTIME, [who])
        else:
            world.start(Lane.OPERATOR, draw.choice(((), (who,))))
    world.finish()
    if world.linkedin.lie == "" and night.report is not None:
        assert night.report.verdict is not Verdict.OK, "everybody's integrations are gone, and all is said to be well"


def held(world: World) -> list[str]:
    return [e.item.customer_id for e in world.known().items if e.condition.reason is Reason.SUDDENLY_EMPTY]


@pytest.mark.timeout(15 * SCHEDULES + 120)
def test_a_source_that_lies_enables_nothing_that_is_held(ground: Ground, seeds: Callable[[int], range]) -> None:
    """Everything is gone, or everything is wanted at once, for a night or more; what was held waits for a person or for
    the truth, and in the end everything is enabled once."""
    lies, ends = Counter[str](), Counter[str]()
    for seed in seeds(SCHEDULES):
        draw = random.Random(seed)
        world = World(ground)
        with of_seed(world, seed):
            names = [f"c{number}" for number in range(CUSTOMERS)]
            states = {name: draw.choice(("ENABLED", "ENABLED", "PARTNER_READY", "REQUESTED")) for name in names}
            world.bring_in({name: {key_of(name): states[name]} for name in names})
            checks = Checks(world)
            # What has never been seen cannot be missed.
            world.run()
            for _ in range(draw.choice((1, 2, 3))):
                world.next_day()
                world.linkedin.lie = draw.choice(("", "", "", "REQUESTED", "REQUESTED", None))
                lies[str(world.linkedin.lie)] += 1
                some_runs(world, draw)
                checks.all()
            world.linkedin.lie = None
            for night in range(MOST_NIGHTS):
                world.next_day()
                report = world.run()
                checks.all()
                if not (requested(world) or open_attempts(world) or mistaken(world) or report.unsettled()):
                    break
                if night > 1:
                    ends["lifted"] += bool(held(world))
                    world.lift()
            else:
                raise AssertionError(f"{requested(world)}, {open_attempts(world)}, {mistaken(world)}")
            ends["quiet"] += 1
    print(f"\nnights with each lie: {dict(lies)}; ends: {dict(ends)}")  # noqa: T201 - figures for whoever asks for them
