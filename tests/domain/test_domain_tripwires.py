"""Enables that look wrong although LinkedIn would carry them out, and are held."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.conditions import Condition
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import NOT_REQUESTED, Observation, Status
from greenlight.domain.tripwires import Facts, named_by, scheduled_cap, tripped
from tests.domain.things import QUIET, conditions, items, observations

READY = Observation(Status.REQUESTED)


def of(customer: str, context: str = "urn:li:organization:77") -> Item:
    return Item(customer, IntegrationKey(context, "APPLY_WITH_LINKEDIN", "JOBS"))


def reasons(observed: dict[Item, Observation | Condition], facts: Facts) -> dict[str, Reason]:
    return {item.customer_id: condition.reason for item, condition in tripped(observed, facts).items()}


def test_what_is_in_order_is_left_alone() -> None:
    claims = {"urn:li:organization:77": frozenset({"acme"})}
    assert not tripped({of("acme"): READY}, Facts(claims=claims))


def test_the_same_organization_under_two_customers_is_enabled_for_neither() -> None:
    claims = {"urn:li:organization:77": frozenset({"acme", "bolt"})}
    found = tripped({of("acme"): READY, of("bolt"): READY}, Facts(claims=claims))
    assert [(i.customer_id, c.outcome, c.reason, c.detail) for i, c in found.items()] == [
        ("acme", Outcome.HELD, Reason.CLAIMED_TWICE, "also bolt"),
        ("bolt", Outcome.HELD, Reason.CLAIMED_TWICE, "also acme"),
    ]


def test_wanted_without_anybodys_request_is_held() -> None:
    item = of("acme")
    assert reasons({item: READY}, Facts(without_evidence=frozenset({item}))) == {"acme": Reason.WITHOUT_EVIDENCE}


def test_a_person_who_names_the_customer_lifts_a_tripwire_and_no_pause() -> None:
    item = of("acme")
    facts = Facts(without_evidence=frozenset({item}), named=frozenset({"acme"}))
    assert not tripped({item: READY}, facts)
    paused = replace(facts, paused={"acme": "by ann until tomorrow: migration"})
    assert tripped({item: READY}, paused)[item].detail == "by ann until tomorrow: migration"
    assert reasons({item: READY}, paused) == {"acme": Reason.PAUSED}


@pytest.mark.parametrize(("emptied", "of_all", "trips"), [(4, 4, False), (5, 25, True), (5, 26, False), (9, 9, True)])
def test_many_answers_that_turn_empty_hold_everything(emptied: int, of_all: int, trips: bool) -> None:
    """Customers do not all go at once: an answer that lost its content is likelier."""
    full = [of(f"full {number}") for number in range(of_all)]
    before = dict.fromkeys(full, Status.ENABLED)
    observed: dict[Item, Observation | Condition] = {
        item: NOT_REQUESTED if number < emptied else Observation(Status.ENABLED) for number, item in enumerate(full)
    }
    observed[of("acme")] = READY
    assert reasons(observed, Facts(before=before)) == ({"acme": Reason.SUDDENLY_EMPTY} if trips else {})


def test_a_customer_that_still_shows_something_is_not_empty() -> None:
    before, observed = {}, {}
    for number in range(10):
        gone, stays = of(f"c{number}", "urn:li:organization:1"), of(f"c{number}", "urn:li:organization:2")
        before |= {gone: Status.ENABLED, stays: Status.ENABLED}
        observed |= {gone: NOT_REQUESTED, stays: Observation(Status.ENABLED)}
    assert not tripped({**observed, of("acme"): READY}, Facts(before=before))


@pytest.mark.parametrize(
    ("new", "known", "trips"), [(100, 200, True), (99, 1, False), (100, 201, False), (500, 0, True)]
)
def test_a_wanted_set_that_jumped_is_left_to_a_person(new: int, known: int, trips: bool) -> None:
    old = [of(f"old {number}") for number in range(known)]
    young = [of(f"new {number}") for number in range(new)]
    observed: dict[Item, Observation | Condition] = dict.fromkeys([*old, *young], READY)
    facts = Facts(before=dict.fromkeys(observed, Status.UNKNOWN), new=frozenset(young))
    held = tripped(observed, facts)
    assert set(held) == (set(young) if trips else set()), "what was known before goes on"
    assert {condition.reason for condition in held.values()} <= {Reason.WANTED_SET_JUMPED}


@pytest.mark.parametrize(("most", "wanted", "cap"), [(200, 10, 25), (200, 100, 50), (200, 1000, 200), (3, 100, 3)])
def test_a_run_that_nobody_watches_enables_at_most_half(most: int, wanted: int, cap: int) -> None:
    assert scheduled_cap(most, wanted) == cap


def test_a_schedules_parameters_are_no_persons_word() -> None:
    assert named_by(["acme"], scheduled=True) == frozenset()
    assert named_by(["acme"], scheduled=False) == {"acme"}


@QUIET
@given(
    st.dictionaries(items, observations | conditions, max_size=8),
    st.dictionaries(items, st.sampled_from(Status), max_size=8),
    st.frozensets(items, max_size=4),
)
def test_only_what_could_be_enabled_is_held_and_always_with_a_reason(
    observed: dict[Item, Observation | Condition],
    before: dict[Item, Status],
    unproven: frozenset[Item],
) -> None:
    found = tripped(observed, Facts(before=before, without_evidence=unproven))
    assert all(observed[item] == READY for item in found)
    assert {condition.outcome for condition in found.values()} <= {Outcome.HELD}
    assert {item for item, seen in observed.items() if seen == READY} & unproven <= set(found)
