"""What the model has found, each as the shortest story that shows it."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from greenlight.domain.budget import Lane, Scope
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Outcome, Reason
from tests.model.checks import Checks
from tests.model.linkedin import RECRUITER
from tests.model.process import PROCESS
from tests.model.world import Ground, World


def key(customer: str, kind: str = "APPLY_WITH_LINKEDIN") -> IntegrationKey:
    return IntegrationKey(f"urn:li:organization:{customer}", kind, "JOBS")


def customers(count: int, status: str = "REQUESTED") -> dict[str, dict[IntegrationKey, str | None]]:
    return {f"c{number}": {key(f"c{number}"): status} for number in range(count)}


@pytest.fixture
def a_world(ground: Ground, request: pytest.FixtureRequest) -> Callable[[int, Scope], World]:
    def made(limit: int = 5000, scope: Scope = Scope.PARENT) -> World:
        world = World(ground, limit=limit, scope=scope)
        request.addfinalizer(world.close)
        return world

    return made


def test_another_runs_plan_does_not_hide_that_an_enable_was_refused(a_world: Callable[..., World]) -> None:
    """A run cannot look; another one looks, enables and is refused with 429; the first one's plan takes that look for
    its own and sends the enable again, although nobody has looked since the refusal."""
    world = a_world()
    world.bring_in(customers(1))

    def weather(kind: str) -> str:
        if kind == "verify" and (PROCESS.get().number == 1 or world.linkedin.kinds["enable"]):
            return "500 before"
        return "429" if kind == "enable" and PROCESS.get().number == 2 else "fine"

    world.linkedin.weather = weather
    world.start(Lane.OPERATOR)
    world.loop.pass_time(31)
    world.start(Lane.OPERATOR)
    world.finish()
    ((place, enables),) = world.linkedin.enables.items()
    for first, second in pairwise(enables):
        between = [look for look in world.linkedin.looks[place] if first.at < look.at <= second.at and look.told]
        assert between, f"sent at {first.at} and again at {second.at} without a look that came through"


def test_a_backlog_over_the_days_budget_is_no_jump_of_what_is_wanted(a_world: Callable[..., World]) -> None:
    """Nobody has added anything since the first night; the second holds all that it finds, since what the first one
    had no requests for is taken for new, and so every other night is lost."""
    world = a_world(200)
    world.bring_in(customers(250))
    world.run()
    world.next_day()
    reasons = [entry.condition.reason for entry in world.run().items]
    assert Reason.WANTED_SET_JUMPED not in reasons, f"{reasons.count(Reason.WANTED_SET_JUMPED)} held"


def test_a_small_budget_goes_to_what_is_requested_first(a_world: Callable[..., World]) -> None:
    """Fifty customers wait for an enable and fifty are done; a day that cannot reach all is spent on those who wait."""
    world = a_world(100)
    world.bring_in(customers(50, "ENABLED") | {f"w{n}": {key(f"w{n}"): "REQUESTED"} for n in range(50)})
    # By hand and enabling none: all are on record as what they are.
    for _ in range(2):
        world.run(Lane.OPERATOR, max_changes=0)
        world.next_day()
    report = world.run()
    left_out = {i.item.customer_id for i in report.items if i.condition.outcome is Outcome.NOT_LOOKED_AT}
    waiting = sorted(name for name in left_out if name.startswith("w"))
    done = sorted(name for name in world.clients if name.startswith("c") and name not in left_out)
    assert not (waiting and done), f"{len(done)} that are done were looked at, {len(waiting)} that wait were not"


def test_no_token_is_asked_for_what_the_budget_does_not_reach(a_world: Callable[..., World]) -> None:
    """The day's requests are spent; a run that can send nothing asks LinkedIn for a token for each customer."""
    world = a_world(20)
    world.bring_in(customers(30))
    world.run(Lane.BACKFILL)
    before = world.linkedin.kinds.copy()
    world.run(Lane.BACKFILL)
    sent = world.linkedin.kinds - before
    assert sent["token"] <= sent["verify"] + sent["enable"], dict(sent)


def test_a_pause_that_begins_during_a_run_holds_what_was_not_sent_yet(a_world: Callable[..., World]) -> None:
    """While a customer's first enable is under way somebody pauses the customer; the second one is sent all the same.
    A night over thousands of customers takes long enough for that to matter."""
    world = a_world()
    world.bring_in({"acme": {key("acme"): "REQUESTED", key("acme", RECRUITER): "REQUESTED"}})
    world.linkedin.weather = lambda kind: "slow" if kind == "enable" else "fine"
    world.start(Lane.OPERATOR)
    world.loop.pass_time(5)
    assert world.linkedin.effective.total() == 1
    world.pause("acme", timedelta(days=1))
    world.finish()
    assert world.linkedin.effective.total() == 1


def test_a_request_is_counted_on_the_day_on_which_it_leaves(a_world: Callable[..., World]) -> None:
    """Two seconds before midnight more looks begin than there are connections, and LinkedIn is slow: those that had to
    wait are counted on the old day and arrive on the new one, whose limit they are on top of."""
    world = a_world()
    world.bring_in(customers(150, "ENABLED"))
    midnight = (world.clock() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    world.wait_until(midnight - timedelta(seconds=2))
    world.linkedin.weather = lambda kind: "slow" if kind == "verify" else "fine"
    world.run(Lane.OPERATOR)
    Checks(world).all()


def test_a_request_that_left_late_is_not_sent_again_while_it_may_land(a_world: Callable[..., World]) -> None:
    """An enable gets 401, the new token takes 14 seconds, and the process dies with the second request on its way; the
    next run finds the attempt settled by the clock, and sends again while that request can still be carried out."""
    world = a_world()
    world.bring_in(customers(1))
    script = {"token": iter(["fine", "slow"]), "enable": iter(["401", "later"])}
    world.linkedin.weather = lambda kind: next(script.get(kind, iter(())), "fine")
    first = world.start(Lane.OPERATOR)
    world.loop.pass_time(16)
    assert world.linkedin.sent[first.number, "enable"] == 2
    first.dead = True
    world.loop.pass_time(15.5)
    world.start(Lane.OPERATOR)
    world.finish()
    assert world.linkedin.wrong == []
