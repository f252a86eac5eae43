"""Enables that look wrong although LinkedIn would carry them out, and are held."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.conditions import Condition, after_failed_look
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status
from greenlight.domain.tripwires import Facts, emptied_together, held, jumped, scheduled_cap, still_empty, tripped
from tests.domain.things import QUIET, conditions, items, observations

READY = Observation(Status.REQUESTED)


def of(customer: str, context: str = "urn:li:organization:77") -> Item:
    return Item(customer, IntegrationKey(context, "APPLY_WITH_LINKEDIN", "JOBS"))


def reasons(observed: dict[Item, Observation | Condition], facts: Facts) -> dict[str, Reason]:
    return {item.customer_id: condition.reason for item, condition in tripped(observed, facts).items()}


def test_what_is_in_order_is_left_alone() -> None:
    assert not tripped({of("acme"): READY}, Facts())


def test_wanted_without_anybodys_request_is_held() -> None:
    item = of("acme")
    assert reasons({item: READY}, Facts(without_warrant=frozenset({item}))) == {"acme": Reason.WITHOUT_EVIDENCE}


def test_what_a_person_stopped_comes_before_what_a_guard_did() -> None:
    """Somebody's own words tell more than ours."""
    item = of("acme")
    facts = Facts(held={item: held(Reason.CLAIMED_TWICE, "also bolt")}, without_warrant=frozenset({item}))
    assert tripped({item: READY}, facts) == {item: Condition(Outcome.HELD, Reason.CLAIMED_TWICE, "also bolt")}
    paused = replace(facts, paused={"acme": "by ann until tomorrow: migration"})
    assert tripped({item: READY}, paused)[item].detail == "by ann until tomorrow: migration"
    assert reasons({item: READY}, paused) == {"acme": Reason.PAUSED}


@pytest.mark.parametrize(
    ("reason", "status", "holds"),
    [
        (Reason.SUDDENLY_EMPTY, Status.NOT_REQUESTED, True),
        (Reason.SUDDENLY_EMPTY, Status.REQUESTED, True),
        (Reason.SUDDENLY_EMPTY, Status.ENABLED, False),
        (Reason.CLAIMED_TWICE, Status.NOT_REQUESTED, False),
        (Reason.CLAIMED_TWICE, Status.REQUESTED, True),
        (Reason.CLAIMED_TWICE, Status.PARTNER_READY, False),
    ],
)
def test_what_is_gone_is_held_as_gone_and_what_has_come_about_is_not(
    reason: Reason, status: Status, holds: bool
) -> None:
    item, hold = of("acme"), held(reason, "a lot")
    assert tripped({item: Observation(status)}, Facts(held={item: hold})) == ({item: hold} if holds else {})
    assert not tripped({item: after_failed_look(Reason.THROTTLED)}, Facts(held={item: hold}))


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("emptied", "showing", "trips"),
    [
        (5, 20, True),
        (5, 21, False),
        (9, 0, True),
        (2, 0, False),
        (3, 0, True),
        (3, 2, True),
        (3, 3, False),
        (4, 4, False),
    ],
)
def test_many_answers_that_turn_empty_within_a_day_are_too_many(emptied: int, showing: int, trips: bool) -> None:
    """Customers do not all go at once: an answer that lost its content is likelier."""
    together = {f"c{number}": NOON + timedelta(hours=6 * number % 24) for number in range(emptied)}
    assert emptied_together(together, showing) == (set(together) if trips else set())


def test_customers_that_leave_one_by_one_are_nobodys_alarm() -> None:
    leaving = {f"c{number}": NOON + timedelta(days=number) for number in range(50)}
    assert not emptied_together(leaving, 0)
    assert emptied_together(leaving | {f"d{number}": NOON for number in range(20)}, 0) == {
        "c0",
        "c1",
        *(f"d{number}" for number in range(20)),
    }


def test_emptied_customers_are_held_for_until_only_a_few_are_left() -> None:
    assert [still_empty(count) for count in range(5)] == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("new", "known", "trips"),
    [(100, 200, True), (99, 1, False), (100, 201, False), (500, 0, False), (100, 1, True)],
)
def test_a_wanted_set_that_jumped_is_left_to_a_person(new: int, known: int, trips: bool) -> None:
    """The first night finds nothing but new ones."""
    assert jumped(new, known) is trips


@pytest.mark.parametrize(("most", "wanted", "cap"), [(200, 10, 25), (200, 100, 50), (200, 1000, 200), (3, 100, 3)])
def test_a_run_that_nobody_watches_enables_at_most_half(most: int, wanted: int, cap: int) -> None:
    assert scheduled_cap(most, wanted) == cap


@QUIET
@given(
    st.dictionaries(items, observations | conditions, max_size=8),
    st.dictionaries(items, st.builds(held, st.sampled_from([Reason.CLAIMED_TWICE, Reason.SUDDENLY_EMPTY])), max_size=4),
    st.frozensets(items, max_size=4),
)
def test_whatever_is_ready_and_held_or_unwarranted_is_never_left_out(
    observed: dict[Item, Observation | Condition], holds: dict[Item, Condition], unproven: frozenset[Item]
) -> None:
    found = tripped(observed, Facts(held=holds, without_warrant=unproven))
    ready = {item for item, seen in observed.items() if seen == READY}
    assert ready & (unproven | holds.keys()) <= found.keys() <= unproven | holds.keys()
    assert {condition.outcome for condition in found.values()} <= {Outcome.HELD}
