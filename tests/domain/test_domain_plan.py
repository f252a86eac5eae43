"""The planner: what is done follows from what is wanted, what was seen and the cap, and from nothing else."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.conditions import Condition, after_look
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Action, Item, Planned, Policy, RequestTotals, plan, price
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status
from tests.domain.things import AWLI, CSA, QUIET, conditions, items, observations

Seen = Observation | Condition

READY = Observation(Status.REQUESTED)
LOOKS_READY = Condition(Outcome.WAITING, Reason.READY_TO_ENABLE)

#: Half of what is seen can be enabled, so that caps matter.
seen_things = st.just(READY) | observations | conditions | st.just(LOOKS_READY)
caps = st.integers(-1, 8)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Item], dict[Item, Seen]]:
    wanted = draw(st.lists(items, max_size=8, unique=True))
    observed = {item: seen for item in wanted if (seen := draw(st.none() | seen_things)) is not None}
    return wanted, observed


def ready(wanted: list[Item], observed: Mapping[Item, Seen]) -> list[Item]:
    return [i for i in wanted if i in observed and observed[i] == READY]


def enabled(planned: list[Planned]) -> list[Item]:
    return [p.item for p in planned if p.action is Action.ENABLE]


def held(planned: list[Planned]) -> list[Item]:
    return [p.item for p in planned if p.condition.reason is Reason.HELD_BY_CAP]


@QUIET
@given(worlds(), caps)
def test_every_wanted_item_is_planned_once_and_in_order(world: tuple, cap: int) -> None:
    wanted, observed = world
    assert [p.item for p in plan(wanted, observed, Policy(cap))] == wanted


@QUIET
@given(worlds(), caps)
def test_nothing_is_enabled_that_was_not_seen_requested(world: tuple, cap: int) -> None:
    """Enabling cannot be undone; a condition that only looks ready is not a look."""
    for entry in plan(*world, Policy(cap)):
        if entry.action is Action.ENABLE:
            assert world[1].get(entry.item) == READY
            assert entry.condition == LOOKS_READY, (
                "an item that would be enabled has outcome waiting (docs/interface.md#the-report)"
            )


@QUIET
@given(worlds(), caps)
def test_the_cap_takes_the_first_that_are_ready_and_holds_the_others(world: tuple, cap: int) -> None:
    wanted, observed = world
    planned = plan(wanted, observed, Policy(cap))
    able = ready(wanted, observed)
    assert enabled(planned) == able[: max(0, cap)]
    own = {item for item, seen in observed.items() if isinstance(seen, Condition)}
    assert [i for i in held(planned) if i not in own] == able[max(0, cap) :]
    for entry in planned:
        if entry.item in able[max(0, cap) :]:
            assert (entry.action, entry.condition.outcome) == (Action.NONE, Outcome.HELD)


@QUIET
@given(worlds(), caps)
def test_what_is_not_ready_is_left_alone_and_says_what_was_seen(world: tuple, cap: int) -> None:
    wanted, observed = world
    able = ready(wanted, observed)
    for entry in plan(wanted, observed, Policy(cap)):
        if entry.item in able:
            continue
        assert entry.action is Action.NONE
        match observed.get(entry.item):
            case None:
                assert entry.condition == Condition(Outcome.NOT_LOOKED_AT, Reason.NOT_LOOKED_AT)
            case Observation() as seen:
                assert entry.condition == after_look(seen)
            case seen:
                assert entry.condition == seen


@QUIET
@given(worlds(), caps, st.integers(0, 8))
def test_a_higher_cap_only_adds(world: tuple, cap: int, more: int) -> None:
    few, many = (plan(*world, Policy(limit)) for limit in (cap, cap + more))
    assert enabled(many)[: len(enabled(few))] == enabled(few)
    assert set(held(many)) <= set(held(few))


@QUIET
@given(worlds(), caps, st.dictionaries(items, seen_things, max_size=4))
def test_what_was_seen_of_others_changes_nothing(world: tuple, cap: int, others: dict[Item, Seen]) -> None:
    """An answer about an integration that nobody asked for must neither be enabled nor use up the cap."""
    wanted, observed = world
    foreign = {item: seen for item, seen in others.items() if item not in wanted}
    assert plan(wanted, foreign | observed, Policy(cap)) == plan(wanted, observed, Policy(cap))


def test_the_same_key_under_another_customer_is_another_item() -> None:
    """Each customer's application sees its own requests: what one shows says nothing of the other."""
    ours, theirs = Item("acme", AWLI), Item("globex", AWLI)
    planned = plan([ours, theirs], {theirs: READY}, Policy(5))
    assert enabled(planned) == [theirs]


def test_the_actions_are_those_of_the_interface() -> None:
    assert [a.value for a in Action] == ["enable", "none"]


def test_a_plan_of_nothing_is_empty_and_free() -> None:
    assert plan([], {Item("acme", AWLI): READY}, Policy(5)) == []
    assert price([]) == RequestTotals(token=0, verify=0, enable=0)


def many(count: int) -> list[IntegrationKey]:
    return [IntegrationKey("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", f"JO{n:02}") for n in range(count)]


def ready_plan(*wanted: tuple[str, list[IntegrationKey]], cap: int = 100) -> list[Planned]:
    chosen = [Item(customer, key) for customer, keys in wanted for key in keys]
    return plan(chosen, dict.fromkeys(chosen, READY), Policy(cap))


@pytest.mark.parametrize(
    ("planned", "cost"),
    [
        pytest.param(ready_plan(("acme", [AWLI])), RequestTotals(1, 2, 1), id="a token, a look before, a look after"),
        pytest.param(
            ready_plan(("acme", [AWLI, CSA])), RequestTotals(1, 2, 2), id="one look is for all of a customer's"
        ),
        pytest.param(
            ready_plan(("acme", [AWLI]), ("globex", [AWLI])),
            RequestTotals(2, 4, 2),
            id="customers share neither token nor look",
        ),
        pytest.param(ready_plan(("acme", many(23))), RequestTotals(1, 2, 23), id="23 keys fit one query"),
        pytest.param(ready_plan(("acme", many(24))), RequestTotals(1, 4, 24), id="24 keys take two queries"),
        pytest.param(
            ready_plan(("acme", [AWLI]), ("globex", [AWLI]), cap=1),
            RequestTotals(1, 2, 1),
            id="what is held costs nothing",
        ),
        pytest.param(
            ready_plan(("acme", [AWLI, CSA]), cap=0), RequestTotals(0, 0, 0), id="a plan without changes is free"
        ),
        pytest.param(
            ready_plan(("acme", [AWLI]), ("globex", [AWLI]), ("acme", [CSA])),
            RequestTotals(2, 4, 3),
            id="a customer's items need not stand together",
        ),
    ],
)
def test_the_price_counts_what_would_be_sent(planned: list[Planned], cost: RequestTotals) -> None:
    assert price(planned) == cost


@QUIET
@given(worlds(), caps)
def test_the_price_follows_from_what_is_enabled(world: tuple, cap: int) -> None:
    planned = plan(*world, Policy(cap))
    cost = price(planned)
    customers = {item.customer_id for item in enabled(planned)}
    assert cost == RequestTotals(token=len(customers), verify=2 * len(customers), enable=len(enabled(planned)))
