"""What failures mean for the next try: back-off, quarantine, and what ends them."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.backoff import BACK_OFF, LAST_TRY, Backoff, backoff_after, is_backing_off, is_quarantined
from greenlight.domain.conditions import Condition, after_failed_look
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason
from tests.domain.things import QUIET, conditions

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
THROTTLED = Condition(Outcome.NOT_LOOKED_AT, Reason.THROTTLED)
REFUSED = Condition(Outcome.FAILED, Reason.CREDENTIALS_REFUSED)
DOWN = Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE)
GOOD = (Outcome.ENABLED, Outcome.ALREADY_ENABLED, Outcome.WAITING)
BAD = (Outcome.FAILED, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        pytest.param(
            datetime(2026, 11, 23, 14, 30, 5, 7, tzinfo=UTC),
            datetime(2026, 11, 24, tzinfo=UTC),
            id="the next midnight, to the microsecond",
        ),
        pytest.param(
            datetime(2026, 11, 23, tzinfo=UTC),
            datetime(2026, 11, 24, tzinfo=UTC),
            id="at midnight itself the limit that was met is the new day's",
        ),
        pytest.param(
            datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
            id="over the end of a year",
        ),
        pytest.param(
            datetime(2026, 11, 23, 20, tzinfo=timezone(timedelta(hours=-8))),
            datetime(2026, 11, 25, tzinfo=UTC),
            id="LinkedIn's day is UTC's, wherever the clock stands",
        ),
        pytest.param(
            datetime(2026, 3, 29, 0, 30, tzinfo=ZoneInfo("Europe/Berlin")),
            datetime(2026, 3, 29, tzinfo=UTC),
            id="a change to summer time moves nothing",
        ),
    ],
)
def test_a_throttled_item_is_tried_again_after_midnight_utc(now: datetime, then: datetime) -> None:
    moment = backoff_after(Backoff(), THROTTLED, now).next_try_at
    assert moment == then
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)


def test_a_share_that_is_spent_changes_nothing_that_is_remembered() -> None:
    """No other run is bound by it, so that the night is not kept from it either."""
    spent = after_failed_look(Reason.SHARE_SPENT)
    assert spent.outcome is Outcome.WAITING
    for backoff in (Backoff(), Backoff(3, NOW)):
        assert backoff_after(backoff, spent, NOW) == backoff


def test_each_failure_after_its_back_off_makes_the_next_one_longer() -> None:
    backoff, now, waits = Backoff(), NOW, []
    for _ in range(7):
        backoff = backoff_after(backoff, REFUSED, now)
        assert backoff.next_try_at is not None
        waits.append(backoff.next_try_at - now)
        now = backoff.next_try_at
    assert waits == [*BACK_OFF, BACK_OFF[-1], BACK_OFF[-1]]
    assert timedelta(minutes=1) <= BACK_OFF[0] < BACK_OFF[-1] <= timedelta(days=1)


def test_the_repeats_of_one_run_are_one_try() -> None:
    """A run repeats within seconds; that must not bring an item into quarantine in one night."""
    first = backoff_after(Backoff(), DOWN, NOW)
    assert backoff_after(first, DOWN, NOW + timedelta(seconds=42)) == first


def test_what_is_ours_to_mend_ends_in_quarantine_and_what_is_linkedins_does_not() -> None:
    tired = Backoff(LAST_TRY, NOW)
    assert is_quarantined(tired, Reason.CREDENTIALS_REFUSED)
    assert is_backing_off(tired, Reason.CREDENTIALS_REFUSED, NOW + timedelta(days=365))
    assert not is_quarantined(tired, Reason.LINKEDIN_UNAVAILABLE)
    assert not is_backing_off(tired, Reason.LINKEDIN_UNAVAILABLE, NOW)


def test_a_trouble_of_the_network_is_never_a_customers_rest() -> None:
    """An hour of a blocked proxy must not put every customer to rest, or into quarantine."""
    backoff = Backoff()
    for hour in range(24):
        backoff = backoff_after(backoff, Condition(Outcome.FAILED, Reason.NOT_THE_API), NOW + timedelta(hours=hour))
        assert not is_backing_off(backoff, Reason.NOT_THE_API, NOW)
    tired = Backoff(LAST_TRY, NOW)
    assert not is_quarantined(tired, Reason.NOT_THE_API)
    assert backoff_after(tired, Condition(Outcome.FAILED, Reason.NOT_THE_API), NOW) == tired


def test_a_change_releases_from_quarantine() -> None:
    """Other credentials or an import take the time away; the failures are remembered for the order of looks."""
    assert not is_backing_off(Backoff(LAST_TRY, None), Reason.CREDENTIALS_REFUSED, NOW)


@QUIET
@given(st.integers(0, 9), st.none() | st.timedeltas(timedelta(-1), timedelta(1)), conditions)
def test_memory_follows_from_the_outcome(tries: int, ahead: timedelta | None, condition: Condition) -> None:
    before = Backoff(tries, None if ahead is None else NOW + ahead)
    after = backoff_after(before, condition, NOW)
    if condition.reason is Reason.THROTTLED:
        assert after.tries == tries, "a limit is nobody's failure"
    elif condition.reason is Reason.SHARE_SPENT:
        assert after == before, "nor is a share of it"
    elif condition.reason is Reason.NOT_THE_API and condition.outcome in BAD:
        assert after == before, "a trouble of the network is no customer's"
    elif condition.outcome in GOOD and condition.reason is not Reason.REJECTED_REQUEST:
        assert after == Backoff()
    elif condition.outcome in BAD or condition.reason is Reason.REJECTED_REQUEST:
        assert after.tries in (max(1, tries), tries + 1)
        assert after.next_try_at is not None
        assert after.next_try_at > NOW
        assert is_backing_off(after, condition.reason, NOW)
        if is_quarantined(after, condition.reason):
            assert EXPLANATIONS[condition.reason].mover is Mover.US
    else:
        assert after == before


def test_what_a_browser_made_up_backs_off_like_a_failure_though_it_is_none() -> None:
    made_up = Condition(Outcome.WAITING, Reason.REJECTED_REQUEST)
    backoff = backoff_after(Backoff(), made_up, NOW)
    assert (backoff.tries, is_backing_off(backoff, made_up.reason, NOW)) == (1, True)
    again = backoff_after(backoff, made_up, NOW + BACK_OFF[0])
    assert (again.tries, again.next_try_at) == (2, NOW + BACK_OFF[0] + BACK_OFF[1])
    assert not is_quarantined(Backoff(99), made_up.reason)
    assert backoff_after(again, Condition(Outcome.WAITING, Reason.READY_TO_ENABLE), NOW) == Backoff()
