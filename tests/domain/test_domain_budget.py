"""The day's requests: lanes, their reserves, and what a 429 teaches."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.budget import (
    REFUSALS_THAT_PARK,
    Lane,
    ceiling,
    day_ends,
    lesson,
    limit_next_day,
    limit_today,
    share,
)
from tests.domain.things import QUIET

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
limits = st.integers(1, 10_000)


@QUIET
@given(limits)
def test_a_lane_leaves_what_is_kept_for_those_before_it(limit: int) -> None:
    ceilings = [ceiling(limit, lane) for lane in Lane]
    assert ceilings[0] == limit, "real time may use the whole day"
    assert ceilings == sorted(ceilings, reverse=True)
    assert ceilings[-1] >= limit * 60 // 100


def test_the_shares_of_linkedins_own_limit() -> None:
    assert {lane: ceiling(5000, lane) for lane in Lane} == {
        Lane.REALTIME: 5000,
        Lane.OPERATOR: 4750,
        Lane.NIGHTLY: 4500,
        Lane.BACKFILL: 3000,
    }


@pytest.mark.parametrize("lane", list(Lane))
def test_a_small_limit_is_not_eaten_by_reserves(lane: Lane) -> None:
    """Who sets a limit of three for a trial gets three."""
    assert ceiling(3, lane) == 3


@pytest.mark.parametrize("refusals", range(1, REFUSALS_THAT_PARK))
@pytest.mark.parametrize("retry_after", [None, 0, 30])
def test_a_passing_refusal_teaches_nothing(refusals: int, retry_after: float | None) -> None:
    """LinkedIn throttles now and then to protect itself (docs/linkedin.md#throttling)."""
    assert lesson(100, refusals, retry_after, NOW) is None


def test_refusals_one_after_another_park_until_the_day_turns() -> None:
    taught = lesson(1204, 4, None, NOW)
    assert taught is not None
    assert (taught.parked_until, taught.learned_limit) == (MIDNIGHT, 1200)


@pytest.mark.parametrize(
    ("retry_after", "until"),
    [(31, NOW + timedelta(seconds=31)), (3600, NOW + timedelta(hours=1)), (1e9, MIDNIGHT), (1e300, MIDNIGHT)],
)
def test_a_long_retry_after_is_honoured_up_to_the_end_of_the_day(retry_after: float, until: datetime) -> None:
    """A wait that ends before the day does says nothing of the day's limit."""
    taught = lesson(10, 1, retry_after, NOW)
    assert taught is not None
    assert taught.parked_until == until
    assert taught.learned_limit == (9 if until == MIDNIGHT else None)


@QUIET
@given(st.integers(0, 9999), st.integers(1, 50), st.none() | st.floats(0, 1e12))
def test_a_lesson_leaves_a_limit_and_ends_with_the_day(spent: int, refusals: int, retry_after: float | None) -> None:
    taught = lesson(spent, refusals, retry_after, NOW)
    if taught is not None:
        assert NOW < taught.parked_until <= day_ends(NOW) == MIDNIGHT
        assert (taught.learned_limit is not None) == (taught.parked_until == MIDNIGHT)
        assert taught.learned_limit is None or taught.learned_limit >= 1


@QUIET
@given(limits, st.none() | limits)
def test_a_lesson_fades_day_by_day(configured: int, learned: int | None) -> None:
    """One bad day must not starve the days after it, and a limit that is lower for good is found again."""
    assert limit_today(configured, learned) <= configured
    days = 0
    while learned is not None:
        days += 1
        after = limit_next_day(configured, learned)
        assert after is None or after > learned
        learned = after
    assert days <= 15


@pytest.mark.parametrize(("limit", "part"), [(5000, 100), (1000, 20), (100, 20), (1, 20)])
def test_one_customers_share_of_a_day_for_all_is_two_percent_and_at_least_a_few_clicks(limit: int, part: int) -> None:
    assert share(limit) == part
