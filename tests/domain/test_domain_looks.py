"""From one look, or one that failed, to what is known of an integration."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.conditions import (
    WORTH_REPEATING,
    Condition,
    after_confirming_look,
    after_failed_look,
    after_look,
    next_try,
)
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status
from tests.domain.things import QUIET, conditions

THROTTLED = Condition(Outcome.NOT_LOOKED_AT, Reason.THROTTLED)


@pytest.mark.parametrize(
    ("seen", "condition"),
    [
        pytest.param(
            Observation(Status.NOT_REQUESTED),
            Condition(Outcome.WAITING, Reason.NOT_REQUESTED),
            id="nothing was requested: the customer's move",
        ),
        pytest.param(
            Observation(Status.REQUESTED),
            Condition(Outcome.WAITING, Reason.READY_TO_ENABLE),
            id="requested: ours to enable",
        ),
        pytest.param(
            Observation(Status.PARTNER_READY),
            Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER),
            id="our part is done and the customer's admin switches it on",
        ),
        pytest.param(
            Observation(Status.ENABLED),
            Condition(Outcome.ALREADY_ENABLED, Reason.ENABLED),
            id="enabled, but not by this run",
        ),
        pytest.param(
            Observation(Status.UNKNOWN, "PAUSED"),
            Condition(Outcome.UNKNOWN, Reason.UNREADABLE_ANSWER, "onboardingStatus 'PAUSED'"),
            id="a new word is quoted, so that somebody can look it up",
        ),
        pytest.param(
            Observation(Status.UNKNOWN, ""),
            Condition(Outcome.UNKNOWN, Reason.UNREADABLE_ANSWER, "onboardingStatus ''"),
            id="an empty word was said all the same",
        ),
        pytest.param(
            Observation(Status.UNKNOWN),
            Condition(Outcome.UNKNOWN, Reason.UNREADABLE_ANSWER),
            id="without a word there is nothing to quote",
        ),
    ],
)
def test_a_look_gives_a_condition(seen: Observation, condition: Condition) -> None:
    assert after_look(seen) == condition


def test_a_new_word_cannot_break_out_of_its_line() -> None:
    detail = after_look(Observation(Status.UNKNOWN, "X\n\x1b[31mENABLED\u202e")).detail
    assert detail is not None
    assert detail.isprintable()


@pytest.mark.parametrize("reason", Reason)
def test_a_look_that_failed_is_a_failure_but_for_throttling(reason: Reason) -> None:
    """Throttled means that nobody looked: nothing is wrong with the item."""
    expected = Outcome.NOT_LOOKED_AT if reason is Reason.THROTTLED else Outcome.FAILED
    assert after_failed_look(reason, "words") == Condition(expected, reason, "words")
    assert after_failed_look(reason) == Condition(expected, reason, None)


@pytest.mark.parametrize(
    ("seen", "condition"),
    [
        pytest.param(
            Observation(Status.ENABLED),
            Condition(Outcome.ENABLED, Reason.ENABLED),
            id="verify agrees with the confirmation",
        ),
        pytest.param(
            Observation(Status.PARTNER_READY),
            Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER),
            id="applied, and now it is the customer's move",
        ),
        pytest.param(
            Observation(Status.REQUESTED),
            Condition(
                Outcome.UNKNOWN,
                Reason.OUTCOME_UNKNOWN,
                "LinkedIn confirmed the enable but verify shows REQUESTED",
            ),
            id="LinkedIn contradicts itself, so enabled is not claimed",
        ),
        pytest.param(
            Observation(Status.NOT_REQUESTED),
            Condition(
                Outcome.UNKNOWN,
                Reason.OUTCOME_UNKNOWN,
                "LinkedIn confirmed the enable but verify shows NOT_REQUESTED",
            ),
            id="the request is gone, so enabled is not claimed",
        ),
        pytest.param(
            Observation(Status.UNKNOWN, "PAUSED"),
            Condition(Outcome.UNKNOWN, Reason.UNREADABLE_ANSWER, "onboardingStatus 'PAUSED'"),
            id="a new word after a confirmation is still not understood",
        ),
    ],
)
def test_a_confirmed_enable_is_called_enabled_only_if_verify_agrees(seen: Observation, condition: Condition) -> None:
    assert after_confirming_look(seen) == condition


def test_what_may_pass_by_itself_is_worth_repeating() -> None:
    """A refusal that somebody has to act on is never repeated."""
    assert {Reason.LINKEDIN_UNAVAILABLE, Reason.UNREADABLE_ANSWER, Reason.THROTTLED} == WORTH_REPEATING


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
    moment = next_try(THROTTLED, now)
    assert moment == then
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)


@QUIET
@given(
    conditions, st.datetimes(timezones=st.timezones(), min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1))
)
def test_only_throttling_names_a_time_and_it_is_ahead_within_a_day(condition: Condition, now: datetime) -> None:
    moment = next_try(condition, now)
    if condition.reason is not Reason.THROTTLED:
        assert moment is None
    else:
        assert moment is not None
        assert timedelta(0) < moment - now.astimezone(UTC) <= timedelta(days=1)
