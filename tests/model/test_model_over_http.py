"""Random schedules of unkind answers, late effects, lagging looks, kills and overlaps, over real HTTP.

The sandbox's own watch rules judge what was sent. GREENLIGHT_SCHEDULES is how many, from `--seed` on; a
test run takes a few, a night takes 1,000. The figures are printed (`pytest -s`).
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from greenlight.ats.ledger import Attempt
from greenlight.ats.tables import Integration
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import AttemptOutcome
from greenlight.domain.reasons import EXPLANATIONS, Mover, Reason
from sandbox.watch import Violation
from tests.model.over_http import OverHttp
from tests.model.unkind import SETTLES, customer
from tests.model.world import Ground, of_seed

SCHEDULES = int(os.environ.get("GREENLIGHT_SCHEDULES", "5"))
CUSTOMERS = 12
NIGHTS = 14
REFUSED = AttemptOutcome.REFUSED
DONE = {"APPLY_WITH_LINKEDIN": "ENABLED", "ONE_CLICK_EXPORT": "PARTNER_READY"}


def nights(world: OverHttp, draw: random.Random) -> int:
    """Nights, some of the first killed or overlapped, until nothing is left to do; how many it took.

    What the reports of the last one have as settled is done.
    """
    for night in range(1, NIGHTS + 1):
        trouble = draw.random() if night <= 3 else 1.0
        tonight = [world.start(kill_after=draw.randrange(1, 900) if trouble < 0.3 else None)]
        if 0.2 < trouble < 0.5:
            world.loop.pass_time(draw.uniform(0, 40))
            # Naming a customer would be a person's word for sending again what LinkedIn has confirmed.
            tonight.append(world.start(draw.choice((Lane.OPERATOR, Lane.NIGHTLY))))
        world.finish()
        reports = [process.report for process in tonight if process.report is not None]
        if len(reports) == len(tonight) and not left(world):
            # What the other one did after a report was written cannot stand in that report.
            named = {entry.item for report in reports for entry in report.unsettled()}
            waiting = [
                entry for entry in world.known().items if entry.observed != DONE[entry.item.key.integration_type]
            ]
            assert all(entry.item in named for entry in waiting), f"{waiting} are not named, but {named}"
            assert all(EXPLANATIONS[entry.condition.reason].mover is Mover.LINKEDIN for entry in waiting)
            return night
        world.next_day()
    return NIGHTS


def left(world: OverHttp) -> list[str]:
    """What is neither enabled and known to be, nor named with whose move it is."""
    shown = {
        (one["customer"], i["integrationType"]): (i["onboardingStatus"], i["enables"]["effective"])
        for one in world.sandbox.state()["applications"]
        for i in one["integrations"]
    }
    found: list[str] = []
    for entry in world.known().items:
        type = entry.item.key.integration_type
        there, effective = shown[entry.item.customer_id, type]
        reason = entry.condition.reason
        if effective > 1:
            found.append(f"{entry.item}: enabled {effective} times")
        if there == DONE[type] == entry.observed:
            continue
        if reason is not Reason.CONFIRMED_NOT_SHOWN:
            found.append(f"{entry.item}: {there} at LinkedIn, {entry.observed} {reason} {entry.message}")
    return found


def check(world: OverHttp) -> None:
    """What holds whenever somebody looks."""
    broken = [one for one in world.sandbox.violations if not allowed(world, one)]
    assert not broken, f"{broken[0].rule}\n{story(world, broken[0].client_id)}"
    assert (world.defects, world.loop.complaints) == ([], [])


def allowed(world: OverHttp, violation: Violation) -> bool:
    """What is no fault: each process is new and holds no token, and a look of another run, whose answer gave no status,
    takes nothing from a look of one's own (so `tests.model.linkedin` has it as well). And a confirmation that died with
    its process is no more than a doubt, which is over when all that a gateway may keep has landed."""
    if violation.rule == "enable_before_effect":
        return not was_confirmed(world, violation)
    unreadable = violation.rule == "enable_without_verify" and violation.text.endswith("it was NO_STATUS")
    return violation.rule == "extra_token" or unreadable


def was_confirmed(world: OverHttp, violation: Violation) -> bool:
    """Whether anybody had heard LinkedIn confirm an enable of that key by then, or could not have settled it yet."""
    at = datetime.fromtimestamp(violation.time, UTC)
    (key,) = violation.keys
    kind = dict(part.split("=") for part in key.split("&"))["integrationType"]
    query = (
        select(Attempt)
        .join(Integration, col(Integration.id) == Attempt.integration_id)
        .where(Attempt.client_id == violation.client_id, Integration.integration_type == kind)
    )
    with world.database.reading() as session:
        until_then = sorted(
            (each for each in session.exec(query) if each.opened_at <= at), key=lambda each: each.opened_at
        )
    # The newest is the one that is judged.
    earlier = until_then[:-1]
    settled = all(each.opened_at < at - timedelta(seconds=SETTLES) or each.outcome == REFUSED for each in earlier)
    return not earlier or not settled or any(each.confirmed_at is not None for each in earlier)


def story(world: OverHttp, client_id: str) -> str:
    """All that one customer's application sent, with what was answered."""
    lines = [
        f"{entry.time - world.began:9.1f} {entry.operation} {entry.status} {entry.fault or ''} "
        + ", ".join(key.partition("integrationType=")[2] for key in entry.keys)
        for entry in world.sandbox.log
        if entry.client_id == client_id
    ]
    (script,) = [one.faults for one in world.sandbox.world.applications if one.client_id == client_id]
    return "\n".join([*lines, *(fault.model_dump_json() for fault in script)])


@pytest.mark.timeout(30 * SCHEDULES + 120)
def test_every_unkind_schedule_ends_enabled_once_or_named(ground: Ground, seeds: Callable[[int], range]) -> None:
    took, faults, ends = [], Counter[str](), Counter[str]()
    requests = effective = killed = 0
    for seed in seeds(SCHEDULES):
        draw = random.Random(seed)
        world = OverHttp(ground, [customer(number, draw) for number in range(CUSTOMERS)], seed)
        with of_seed(world, seed):
            took.append(nights(world, draw))
            check(world)
            assert left(world) == []
            for entry in world.known().items:
                ends[entry.condition.reason] += 1
            faults += Counter(entry.fault for entry in world.sandbox.log if entry.fault is not None)
            requests += len(world.sandbox.log)
            effective += _effective(world)
            killed += sum(process.dead for process in world.processes)
    print(  # noqa: T201 - figures for whoever asks for them
        f"\n{len(took)} schedules, {requests} requests, {effective} enables that had an effect, {killed} kills; "
        f"nights: most {max(took)}; ends: {dict(ends)}; faults: {dict(faults.most_common())}"
    )


def _effective(world: OverHttp) -> int:
    applications: list[dict[str, Any]] = world.sandbox.state()["applications"]
    return sum(i["enables"]["effective"] for one in applications for i in one["integrations"])
