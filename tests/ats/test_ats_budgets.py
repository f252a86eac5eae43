"""Requests are counted before they are sent, in lanes, and a refusal is remembered."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from greenlight.ats.budgets import Ask, Budgets, No, Share, Unsent
from greenlight.ats.database import Database
from greenlight.domain.budget import Lane, Scope
from greenlight.domain.reasons import Reason
from tests.ats.world import NOON

DAY = timedelta(days=1)


def spend(budgets: Budgets, lane: Lane, most: int, now=NOON) -> int:
    """How many of `most` requests may be sent."""
    return sum(budgets.take("app", lane, now) is None for _ in range(most))


def says(no: No | None) -> str:
    assert no is not None
    assert no.reason is Reason.THROTTLED
    return no.says


def test_a_day_has_so_many_requests_and_the_next_one_as_many_again(database: Database) -> None:
    budgets = Budgets(database, 7)
    assert spend(budgets, Lane.REALTIME, 10) == 7
    assert "7 of the day's 7 requests" in says(budgets.take("app", Lane.REALTIME, NOON))
    assert spend(budgets, Lane.REALTIME, 10, NOON + DAY) == 7


def test_each_application_has_its_own(database: Database) -> None:
    budgets = Budgets(database, 1)
    assert [budgets.take(app, Lane.OPERATOR, NOON) for app in ("a", "b")] == [None, None]


def test_a_backlog_leaves_the_rest_of_the_day_to_those_before_it(database: Database) -> None:
    """However much a backfill has to do, a customer who clicks is served."""
    budgets = Budgets(database, 100)
    assert [spend(budgets, lane, 100) for lane in reversed(Lane)] == [60, 30, 5, 5]
    (today,) = budgets.today(NOON)
    assert today.by_lane == {Lane.REALTIME: 5, Lane.OPERATOR: 5, Lane.NIGHTLY: 30, Lane.BACKFILL: 60}
    assert (today.application, today.spent, today.limit) == ("app", 100, 100)


def test_what_is_owed_to_later_requests_is_left(database: Database) -> None:
    budgets = Budgets(database, 3)
    assert budgets.take("app", Lane.REALTIME, NOON, leave=2) is None
    assert budgets.take("app", Lane.REALTIME, NOON, leave=2) is not None
    assert budgets.left("app", Lane.REALTIME, NOON) == 2, "nothing is counted that was not let through"


def test_many_at_once_never_pass_the_limit(database: Database) -> None:
    budgets = Budgets(database, 20)
    with ThreadPoolExecutor(8) as pool:
        let = list(pool.map(lambda _: budgets.take("app", Lane.REALTIME, NOON), range(40)))
    assert let.count(None) == 20


def test_refusals_one_after_another_park_until_the_day_turns(database: Database) -> None:
    budgets = Budgets(database, 100)
    spend(budgets, Lane.REALTIME, 10)
    for _ in range(3):
        budgets.refused("app", None, NOON)
    assert budgets.take("app", Lane.REALTIME, NOON) is None, "three may pass by themselves"
    budgets.refused("app", None, NOON)
    assert "nothing is sent until 2026-03-02 00:00:00Z" in says(budgets.take("app", Lane.REALTIME, NOON))
    assert budgets.left("app", Lane.REALTIME, NOON) == 0
    (today,) = budgets.today(NOON)
    assert (today.spent, today.limit) == (11, 7)


def test_an_answer_in_between_makes_refusals_passing_ones(database: Database) -> None:
    budgets = Budgets(database, 100)
    for _ in range(3):
        for _ in range(3):
            budgets.refused("app", None, NOON)
        budgets.answered("app", NOON)
    assert budgets.take("app", Lane.REALTIME, NOON) is None


def test_a_long_retry_after_parks_for_so_long(database: Database) -> None:
    budgets = Budgets(database, 100)
    budgets.refused("app", 600, NOON)
    assert budgets.take("app", Lane.REALTIME, NOON + timedelta(seconds=599)) is not None
    assert budgets.left("app", Lane.REALTIME, NOON + timedelta(seconds=600)) == 100


@pytest.mark.parametrize("lane", list(Lane))
def test_one_refusal_for_a_minute_stops_no_lane_for_the_rest_of_the_day(database: Database, lane: Lane) -> None:
    budgets = Budgets(database, 100)
    spend(budgets, lane, 10)
    budgets.refused("app", 60, NOON)
    assert spend(budgets, lane, 5, NOON + timedelta(seconds=61)) == 5
    assert budgets.today(NOON)[0].limit == 100


def test_a_short_wait_takes_nothing_from_a_long_one(database: Database) -> None:
    """Requests were under way when the application was parked for the day, and are answered as well."""
    budgets = Budgets(database, 100)
    for retry_after in (1e9, 60):
        budgets.refused("app", retry_after, NOON)
    assert budgets.take("app", Lane.REALTIME, NOON + timedelta(hours=11)) is not None
    assert budgets.today(NOON)[0].limit == 1, "what the first one taught stays"


@pytest.mark.parametrize(("spent", "day_after"), [(21, 59), (101, 99)])
def test_the_next_day_begins_half_way_to_what_was_configured(database: Database, spent: int, day_after: int) -> None:
    """LinkedIn's own limit may be lower than the setting for good, and one bad day may not starve the next."""
    budgets = Budgets(database, 101)
    spend(budgets, Lane.REALTIME, spent)
    for _ in range(4):
        budgets.refused("app", None, NOON)
    assert budgets.left("app", Lane.REALTIME, NOON + DAY) == day_after
    assert budgets.left("app", Lane.REALTIME, NOON + 9 * DAY) >= day_after


def test_one_customer_spends_no_more_than_its_share_of_a_limit_for_all(database: Database) -> None:
    """Many processes at once, and each other customer is served."""
    budgets = Budgets(database, 1000)

    def ask(name: str) -> No | None:
        return budgets.take("parent", Lane.REALTIME, NOON, of=Share(name))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, ["eve"] * 60 + [f"c{n % 20}" for n in range(100)]))
    assert answers[:60].count(None) == 20
    assert {no.reason for no in answers[:60] if no is not None} == {Reason.SHARE_SPENT}
    assert answers[60:] == [None] * 100
    assert budgets.left("parent", Lane.REALTIME, NOON) == 1000 - 120
    assert budgets.at_their_share(NOON, Scope.PARENT) == ["eve"]
    assert budgets.at_their_share(NOON, Scope.CHILD) == []
    assert budgets.take("parent", Lane.NIGHTLY, NOON) is None, "no other lane is bound by it"
    assert budgets.take("parent", Lane.REALTIME, NOON + DAY, of=Share("eve")) is None, "a day has a share of its own"


def test_a_share_keeps_what_is_to_follow_and_nothing_is_counted_that_is_refused(database: Database) -> None:
    budgets = Budgets(database, 1000)
    for _ in range(18):
        assert budgets.take("parent", Lane.REALTIME, NOON, of=Share("eve", 2)) is None
    for ask in (budgets.refusals, budgets.take_all):
        (no,) = ask([Ask("parent", Lane.REALTIME, NOON, of=Share("eve", 2))])
        assert no == (Reason.SHARE_SPENT, "18 requests of 20, which is its part of 1000")
    assert budgets.left("parent", Lane.REALTIME, NOON) == 1000 - 18
    assert budgets.take("parent", Lane.REALTIME, NOON, of=Share("eve", 1)) is None
    assert budgets.take("parent", Lane.REALTIME, NOON, of=Share("eve")) is None


def test_what_never_left_is_counted_no_more(database: Database) -> None:
    budgets, eve = Budgets(database, 1000), Share("eve")
    for _ in range(3):
        budgets.take("parent", Lane.REALTIME, NOON, of=eve)
    unsent = [Unsent(Ask("parent", Lane.REALTIME, NOON, of=eve)), Unsent(Ask("parent", Lane.REALTIME, NOON))]
    budgets.give_back_all(unsent)
    assert [(day.application, day.spent) for day in budgets.today(NOON)] == [("eve", 2), ("parent", 1)]
    budgets.give_back_all(unsent)
    assert budgets.left("parent", Lane.REALTIME, NOON) == 999, "once, also where that is repeated"
    budgets.give_back_all([Unsent(Ask("parent", Lane.REALTIME, NOON))])
    assert [day.application for day in budgets.today(NOON)] == ["eve"], "nothing of another's was sent"
    budgets.give_back_all([Unsent(Ask("parent", Lane.REALTIME, NOON + DAY))])
    assert budgets.today(NOON + DAY) == [], "of a day without a row there is nothing to give back"


async def test_a_count_is_given_back_once_where_the_answer_to_the_commit_is_lost(database: Database) -> None:
    """The batch is taken for failed, and each of its units is done again alone."""
    budgets, lost = Budgets(database, 1000), [True]
    for _ in range(3):
        budgets.take("app", Lane.NIGHTLY, NOON)

    def lose(connection: Any) -> None:
        if lost.pop():
            lost.append(False)
            connection.connection.driver_connection.commit()
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"), connection_invalidated=True)
        lost.append(False)

    event.listen(database.engine, "commit", lose)
    unsent = [Unsent(Ask("app", Lane.NIGHTLY, NOON)) for _ in range(2)]
    await asyncio.gather(*(database.writer.join(budgets.give_back_all, each) for each in unsent))
    event.remove(database.engine, "commit", lose)
    assert budgets.today(NOON)[0].spent == 1
