"""Attack 14: hostile answers of LinkedIn's, through whole runs: bounded waits, and nothing enabled by default."""

import time
from typing import Any

import pytest

from flows.reconcile import reconcile
from flows.request import What
from sandbox.world import Fault
from tests.flows.fault_world import CASES, Case, import_file, world

#: Cases of the fault world that belong here.
NAMED = {
    *("v-html", "v-huge", "v-foreign", "v-two", "v-garbage", "v-redirect", "t-empty", "t-expiry", "e-html"),
    *("e-ignored", "e-empty", "e-nowhere", "e-foreign", "e-norecord"),
}  # fmt: skip
WAITS = {
    "thousand years": "1000000000",
    "negative": "-5",
    "date in the past": "Wed, 21 Oct 2015 07:28:00 GMT",
    "date in the future": "Fri, 31 Dec 9999 23:59:59 GMT",
    "words": "soon",
    "not finite": "1e999",
}
LIFETIMES: list[Any] = ["soon", True, [], 1e400]


def _stubborn(on: str, **more: Any) -> tuple[Fault, ...]:
    return (Fault.model_validate({"on": on, "times": None, **more}),)


def _cases() -> tuple[Case, ...]:
    cases = [case for case in CASES if case.id in NAMED]
    for number, wait in enumerate(WAITS.values()):
        for on in ("token", "verify", "enable"):
            fault = _stubborn(on, fault="throttle", retry_after=wait)
            cases.append(Case(f"wait-{on}-{number}", "a wait without end", ("", "", ""), fault, effective=0))
    for number, lifetime in enumerate(LIFETIMES):
        fault = _stubborn("token", fault="bad_expiry", expires_in=lifetime)
        cases.append(Case(f"life-{number}", "a token that never lives", ("", "", ""), fault, effective=0))
    return tuple(cases)


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_attack_14_no_hostile_answer_enables_anything_or_holds_up_the_run(town: Any) -> None:
    """Each entity gets a typed outcome of its own; what LinkedIn had not done is never called enabled."""
    cases = _cases()
    assert {case.id for case in cases} >= NAMED
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        started = time.monotonic()
        report = there.report(await reconcile(What.APPLY, return_state=True))
        took = time.monotonic() - started
        done = {name: count["effective"] for name, count in there.enables().items()}
        received = {name: count["received"] for name, count in there.enables().items()}
    got = {item.item.customer_id: item for item in report.items}
    assert set(got) == {case.id for case in cases}
    for case in cases:
        item = got[case.id]
        claimed = item.condition.outcome.value in ("enabled", "already_enabled")
        assert not claimed or done[case.id] == 1, (case.id, item.condition)
        assert done[case.id] <= 1, case.id
        assert received[case.id] <= 3, "one, and one for each of the two retries, with a look before each"
        if case.expected[1]:
            assert item.condition.reason.value == case.expected[1], case.id
        else:
            assert item.condition.outcome.value in ("failed", "held", "not_looked_at"), (case.id, item.condition)
    assert took < 60, "no wait that LinkedIn asks for is without a bound"
