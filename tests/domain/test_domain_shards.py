"""Shards: every customer is whole in one of them, the same one in every process."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.shards import SMALL_AMONG, SMALL_PARTS, shard_of, shards

names = st.text(min_size=1, max_size=20)
fleets = st.dictionaries(st.integers(1, 500), names, max_size=80)
sizes = st.integers(1, 100)


@given(fleets, sizes)
def test_each_integration_is_in_exactly_one_shard_and_a_customers_are_together(
    fleet: dict[int, str], size: int
) -> None:
    parts = shards(fleet, size)
    assert sorted(id for part in parts for id in part) == sorted(fleet)
    assert all(parts), "nobody is started for nothing"
    homes = {fleet[id]: number for number, part in enumerate(parts) for id in part}
    assert all(homes[fleet[id]] == number for number, part in enumerate(parts) for id in part)
    full = max(1, -(-len(set(fleet.values())) // size))
    assert len(parts) <= full + full // SMALL_AMONG * (SMALL_PARTS - 1)


@given(fleets, sizes, st.randoms())
def test_the_order_in_which_they_come_changes_nothing(fleet: dict[int, str], size: int, draw: Random) -> None:
    items = list(fleet.items())
    draw.shuffle(items)
    assert [set(part) for part in shards(dict(items), size)] == [set(part) for part in shards(fleet, size)]


@given(names, st.integers(1, 1000))
def test_a_shard_is_one_of_those_there_are(customer: str, count: int) -> None:
    assert 0 <= shard_of(customer, count) < count


@pytest.mark.parametrize(("customer", "shard"), [("acme", 0), ("bolt", 3), ("customer-000001", 12), ("Ærø", 3)])
def test_it_is_the_same_on_every_machine_and_in_every_version(customer: str, shard: int) -> None:
    """Python's own hash of a text differs from process to process."""
    assert shard_of(customer, 16) == shard


def test_shards_are_about_as_large_as_they_are_to_be() -> None:
    parts = shards({number: f"customer-{number:06}" for number in range(10_000)}, 500)
    assert len(parts) == 15 + 20
    assert all(400 < len(part) < 600 for part in parts[:15])
    assert all(90 < len(part) < 160 for part in parts[15:]), "whoever ends first does not wait long for the others"


@pytest.mark.parametrize("customers", [1, 2, 100, 101, 299])
def test_a_few_shards_are_cut_as_large_as_they_may_be(customers: int) -> None:
    parts = shards({number: f"customer-{number}" for number in range(customers)}, 100)
    assert len(parts) == min(customers, -(-customers // 100))
