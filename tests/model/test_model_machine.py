"""Everything that can happen, in any order, with what must be true checked after each step.

GREENLIGHT_MODEL multiplies the examples: `GREENLIGHT_MODEL=20 pytest tests/model/test_model_machine.py` is a night's
work. Then the examples are drawn at random and not the same each time.
"""

import os
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import SecretStr

from greenlight.ats.registry import credentials_changed
from greenlight.domain.backoff import Backoff, is_quarantined
from greenlight.domain.budget import Lane, Scope
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Status
from greenlight.linkedin.oauth import Credentials
from tests.model.checks import Checks, mistaken, open_attempts, requested
from tests.model.linkedin import FAULTS, RECRUITER
from tests.model.process import Process
from tests.model.world import Ground, World

TIMES = int(os.environ.get("GREENLIGHT_MODEL", "0"))
EXAMPLES, STEPS = 75 * max(1, TIMES), 40
NAMES = ("acme", "bolt", "cork", "dune")


def key(customer: str, kind: str = "APPLY_WITH_LINKEDIN", tenant: str = "JOBS") -> IntegrationKey:
    return IntegrationKey(f"urn:li:organization:{customer}", kind, tenant)


#: Two customers share an agency, which LinkedIn may show under both.
KEYS = {
    name: (key(name), key(name, RECRUITER, "RECRUITER"), key("agency" if name in NAMES[:2] else name, "APPLY_CONNECT"))
    for name in NAMES
}
CUSTOMER = st.sampled_from(NAMES)
PLACE = st.integers(0, 2)
STATES = st.sampled_from([None, "REQUESTED", "REQUESTED", "PARTNER_READY", "ENABLED"])
KILL = st.one_of(st.none(), st.integers(1, 150))
SECONDS = st.one_of(st.floats(0, 60), st.sampled_from([0.0, 0.1, 1.0, 16.0]))


class Everything(RuleBasedStateMachine):
    """Customers, runs, LinkedIn and bad luck."""

    #: One, where its world gets a database.
    grounds: ClassVar[tuple[Ground, ...]]
    steps: ClassVar[int] = 0

    @initialize(
        limit=st.sampled_from([12, 60, 5000]),
        scope=st.sampled_from(list(Scope)),
        states=st.lists(STATES, min_size=8, max_size=8),
    )
    def begin(self, limit: int, scope: Scope, states: list[str | None]) -> None:
        self.world = World(self.grounds[0], limit=limit, scope=scope)
        given = iter(states)
        self.world.bring_in({name: {key: next(given) for key in KEYS[name][:2]} for name in NAMES})
        self.checks = Checks(self.world)

    @property
    def under_way(self) -> list[Process]:
        return [process for process in self.world.processes if process.running]

    @rule(faults=st.lists(st.sampled_from([*FAULTS, "fine", "fine"]), min_size=1, max_size=12))
    def bad_weather(self, faults: list[str]) -> None:
        self.world.linkedin.faults.extend(faults)

    @rule(faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4))
    def bad_luck_with_enables(self, faults: list[str]) -> None:
        self.world.linkedin.at_enables.extend(faults)

    @precondition(lambda self: len(self.under_way) < 3)
    @rule(kill_after=KILL, seconds=SECONDS, most=st.sampled_from([1, 500]))
    def night(self, kill_after: int | None, seconds: float, most: int) -> None:
        self.world.start(Lane.NIGHTLY, (), most, kill_after)
        self.world.loop.pass_time(seconds)

    @precondition(lambda self: len(self.under_way) < 3)
    @rule(who=st.lists(CUSTOMER, unique=True, max_size=3), kill_after=KILL, seconds=SECONDS)
    def by_hand(self, who: list[str], kill_after: int | None, seconds: float) -> None:
        self.world.start(Lane.OPERATOR, who, kill_after=kill_after)
        self.world.loop.pass_time(seconds)

    @precondition(lambda self: len(self.under_way) < 3)
    @rule(who=CUSTOMER, place=PLACE, kill_after=KILL, seconds=SECONDS)
    def the_button(self, who: str, place: int, kill_after: int | None, seconds: float) -> None:
        self.world.call_back(who, KEYS[who][place])
        self.world.start(Lane.REALTIME, [who], kill_after=kill_after)
        self.world.loop.pass_time(seconds)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.under_way)).dead = True

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), seconds=st.floats(1, 120))
    def freeze(self, data: st.DataObject, seconds: float) -> None:
        process = data.draw(st.sampled_from(self.under_way))
        process.frozen_until = self.world.loop.time() + seconds

    @rule(seconds=SECONDS)
    def a_moment(self, seconds: float) -> None:
        self.world.loop.pass_time(seconds)

    @rule(hours=st.sampled_from([0.1, 0.5, 1, 5, 24]))
    def hours(self, hours: float) -> None:
        self.world.loop.pass_time(hours * 3600)

    @rule()
    def just_before_midnight(self) -> None:
        midnight = (self.world.clock() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        self.world.wait_until(midnight - timedelta(seconds=1))

    @rule(who=CUSTOMER, in_the_block=st.booleans())
    def rotate(self, who: str, in_the_block: bool) -> None:
        application = self.world.linkedin.applications[self.world.clients[who]]
        application.secret += "+"
        if in_the_block:
            self.mend(who)

    def mend(self, who: str) -> None:
        client_id = self.world.clients[who]
        secret = SecretStr(self.world.linkedin.applications[client_id].secret)
        self.world.secrets[f"block-{who}"] = Credentials(client_id, secret)
        credentials_changed(self.world.database, [who])

    @rule(who=CUSTOMER, place=PLACE, status=st.sampled_from([None, "ENABLED", "REQUESTED", "On hold"]))
    def linkedin_changes(self, who: str, place: int, status: str | None) -> None:
        wanted = KEYS[who][place]
        now = self.world.linkedin.applications[self.world.clients[who]].statuses.get(wanted)
        # Nobody but an enable takes anything from REQUESTED to ENABLED.
        if (now, status) not in [("REQUESTED", "ENABLED"), (None, "ENABLED"), (status, status)]:
            self.world.show(who, wanted, status)

    @rule(who=CUSTOMER, minutes=st.sampled_from([1, 600]))
    def pause(self, who: str, minutes: int) -> None:
        self.world.pause(who, timedelta(minutes=minutes))

    @rule()
    def resume(self) -> None:
        self.world.end_pauses()

    @rule(who=CUSTOMER)
    def lift(self, who: str) -> None:
        self.world.lift(who)

    @rule(who=CUSTOMER)
    def replace_application(self, who: str) -> None:
        self.world.replace_application(who)

    def calm(self) -> None:
        self.world.linkedin.calm()
        for process in self.world.processes:
            process.frozen_until = 0.0
        self.world.finish()
        for name in NAMES:
            self.mend(name)

    @rule()
    def an_undisturbed_night(self) -> None:
        """Whatever was left open is settled, unless it is held for a person or beyond the day's budget."""
        self.calm()
        self.world.loop.pass_time(13 * 3600)
        self.world.next_day()
        self.world.run(Lane.NIGHTLY)
        for wanted, row in open_attempts(self.world).items():
            resting = is_quarantined(Backoff(row.tries, row.next_try_at), Reason(row.reason))
            waits = row.outcome == Outcome.HELD or row.reason == Reason.THROTTLED or row.observed == Status.UNKNOWN
            assert resting or waits, f"{wanted} is still open: {row.reason} {row.detail}"

    @invariant()
    def all_is_true(self) -> None:
        if hasattr(self, "checks"):
            type(self).steps += 1
            self.checks.all()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.calm()
            self.world.end_pauses()
            for who in NAMES:
                for wanted in KEYS[who]:
                    if self.world.linkedin.applications[self.world.clients[who]].statuses.get(wanted) == "On hold":
                        self.world.show(who, wanted, "PARTNER_READY")
            for _ in range(25):
                self.world.next_day()
                self.world.lift()
                self.world.run(Lane.OPERATOR, NAMES)
                self.checks.all()
                if not (self.left_to_do() or open_attempts(self.world) or mistaken(self.world)):
                    break
            else:
                raise AssertionError(f"{self.left_to_do()}, {open_attempts(self.world)}, {mistaken(self.world)}")
        finally:
            self.world.close()

    def left_to_do(self) -> list[str]:
        """REQUESTED at LinkedIn, and ours to know of."""
        known = {f"{i.item.customer_id}: {i.item.key}" for i in self.world.known().items}
        return [what for what in requested(self.world) if what in known]


@pytest.mark.timeout(0)
def test_whatever_happens_in_whatever_order(ground: Ground, engine_name: str, sampled: bool) -> None:
    """Requests, nights, runs by hand, kills, freezes, faults, rotations, pauses, midnights and LinkedIn's own changes:
    nothing is enabled unseen or twice, everything is counted, and calm days bring everything to its end."""
    # On PostgreSQL each statement is a journey.
    examples = (EXAMPLES if engine_name == "sqlite" else EXAMPLES // 5) // (10 if sampled else 1)
    machine = type("Machine", (Everything,), {"grounds": (ground,)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=settings().derandomize and not TIMES,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"\n{examples} examples, {machine.steps} steps")  # noqa: T201 - figures for whoever asks for them
