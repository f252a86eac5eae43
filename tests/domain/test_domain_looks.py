"""From one look, or one that failed, to what is known of an integration."""

import pytest

from greenlight.domain.conditions import (
    WORTH_REPEATING,
    Condition,
    after_confirming_look,
    after_failed_look,
    after_look,
    of_a_browsers_word,
)
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status

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
    """Throttled means that nobody looked: nothing is wrong with the item. Nor is with one that waits for the night."""
    left_out = {Reason.THROTTLED: Outcome.NOT_LOOKED_AT, Reason.SHARE_SPENT: Outcome.WAITING}
    expected = left_out.get(reason, Outcome.FAILED)
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
            Condition(Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN),
            id="the look may lag, so enabled is not claimed",
        ),
        pytest.param(
            Observation(Status.NOT_REQUESTED),
            Condition(Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN),
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
    passing = {Reason.LINKEDIN_UNAVAILABLE, Reason.UNREADABLE_ANSWER, Reason.NOT_THE_API, Reason.THROTTLED}
    assert passing == WORTH_REPEATING


@pytest.mark.parametrize("reason", Reason)
def test_what_a_browser_alone_named_is_rejected_where_linkedin_calls_it_invalid_and_nowhere_else(
    reason: Reason,
) -> None:
    known = Condition(Outcome.FAILED, reason, "its words")
    rejected = Condition(Outcome.WAITING, Reason.REJECTED_REQUEST, "its words")
    invalid = reason in (Reason.INVALID_CONTEXT, Reason.KEY_INCOMPLETE)
    assert of_a_browsers_word(known) == (rejected if invalid else known)
