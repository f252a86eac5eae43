"""Which night looks again at what is settled: everybody in time, nobody before it is needed, and no night at many."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.recheck import NotDue, due_tonight, nights_left, nights_to_next, recheck_by, share
from tests.domain.things import QUIET

DAY = date(2026, 11, 23)
periods = st.integers(1, 12)


def on(day: int) -> date:
    return DAY + timedelta(days=day)


class Fleet:
    """Customers by the day of their last look; a night takes as many as the rule says, longest unseen first."""

    def __init__(self, days: int, seen: list[int]) -> None:
        self.days = days
        self.seen = sorted(seen)

    def left(self, today: int) -> list[int]:
        left = [0] * (self.days + 1)
        for seen in self.seen:
            left[nights_left(on(seen), on(today), self.days)] += 1
        return left

    def night(self, today: int) -> list[int]:
        """Look at who is due; the days of their last looks."""
        due = due_tonight(self.left(today), self.days)
        taken, rest = self.seen[:due], self.seen[due:]
        self.seen = [*rest, *[today] * due]
        return taken


@QUIET
@given(periods, st.integers(0, 60))
def test_a_fleet_that_was_enabled_in_one_night_is_spread_over_the_period(days: int, customers: int) -> None:
    """Three periods, night by night: each in time, none over its share, and each period takes everybody once."""
    fleet, looks = Fleet(days, [0] * customers), list[int]()
    for tonight in range(1, 3 * days + 1):
        taken = fleet.night(tonight)
        assert len(taken) <= share(customers, days)
        assert all(tonight - seen <= days for seen in taken)
        assert all(tonight - seen < days for seen in fleet.seen)
        looks.append(len(taken))
    for period in range(3):
        assert sum(looks[period * days : (period + 1) * days]) == customers
    assert max(looks) - min(looks) <= share(customers, days)


@QUIET
@given(periods, st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_a_fleet_that_grows_is_looked_at_in_time_all_the_same(days: int, arrivals: list[int]) -> None:
    fleet = Fleet(days, [])
    for today, new in enumerate(arrivals):
        taken = fleet.night(today)
        assert len(taken) <= share(len(fleet.seen), days)
        assert all(today - seen < days or seen == today for seen in fleet.seen), "nobody is left unseen for longer"
        fleet.seen = sorted([*fleet.seen, *[today] * new])


@QUIET
@given(st.integers(2, 12), st.integers(1, 60), st.integers(0, 40))
def test_after_nights_that_never_came_the_longest_unseen_go_first_and_no_night_takes_all(
    days: int, customers: int, missed: int
) -> None:
    fleet = Fleet(days, [number % days for number in range(customers)])
    tonight, seen = days + missed, set[int]()
    for night in range(days + 1):
        taken = fleet.night(tonight + night)
        assert len(taken) <= share(customers, days)
        assert taken == sorted(taken)
        seen |= {day for day in taken if day < days}
    assert all(day >= tonight for day in fleet.seen), "a period later everybody was looked at"


@QUIET
@given(st.integers(2, 12), st.integers(0, 60))
def test_a_second_night_of_the_same_day_looks_at_nobody_again(days: int, customers: int) -> None:
    fleet = Fleet(days, [0] * customers)
    assert fleet.night(0) == []
    fleet.night(1)
    assert fleet.night(1) == []


@given(st.integers(0, 60))
def test_a_period_of_one_day_means_everybody_each_night(customers: int) -> None:
    fleet = Fleet(1, [0] * customers)
    assert [len(fleet.night(tonight)) for tonight in (0, 1, 1, 2)] == [customers] * 4


@QUIET
@given(periods, st.lists(st.integers(-20, 0), max_size=40))
def test_the_next_night_with_something_due_is_known_beforehand(days: int, seen: list[int]) -> None:
    fleet = Fleet(days, seen)
    foretold = nights_to_next(fleet.left(0), days)
    fleet.night(0)
    if all(day == 0 for day in fleet.seen) and (days == 1 or all(day < 0 for day in seen)):
        assert foretold is None, "all are looked at tonight"
        return
    first = next(night for night in range(1, days + 1) if fleet.night(night))
    assert foretold == first


def test_a_single_customer_is_left_alone_until_its_day() -> None:
    assert [nights_left(DAY, on(day), 7) for day in (-1, 0, 1, 6, 7, 30)] == [7, 7, 6, 1, 0, 0]
    fleet = Fleet(7, [0])
    assert [len(fleet.night(day)) for day in range(1, 15)] == [0] * 6 + [1] + [0] * 6 + [1]
    assert recheck_by(DAY, 7) == on(7)


@pytest.mark.parametrize(
    ("not_due", "words"),
    [
        (NotDue(), ""),
        (NotDue(0, DAY), ""),
        (NotDue(7, DAY), "7 not due, the next on 2026-11-23"),
        (NotDue(7), "7 not due"),
    ],
)
def test_what_was_not_due_is_a_count_and_a_day(not_due: NotDue, words: str) -> None:
    assert not_due.in_words() == words
    document = not_due.as_json()
    assert (document["count"], document["reason"], document["whose_move"]) == (not_due.count, "NOT_DUE", "nobody")
    assert document["next_on"] == (None if not_due.next_on is None else "2026-11-23")
