"""What became of an enable: every exit of the call with every look after it."""

from itertools import product

import pytest

from greenlight.domain.conditions import (
    NOT_SHOWN,
    Answer,
    AttemptOutcome,
    Condition,
    Exit,
    Settlement,
    settle_by_look,
    settle_open_attempt,
    settle_without_look,
    while_open,
)
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status

LOOKS = [None, *map(Observation, Status), Observation(Status.UNKNOWN, "PAUSED")]
ANSWERS = [
    Answer(exit_, reason, detail, may_pass)
    for exit_, reason, detail, may_pass in product(Exit, Reason, [None, "LinkedIn's words"], [False, True])
    if exit_ is not Exit.CONFIRMED or reason is Reason.ENABLED
]

BY_LOOKING = {Status.ENABLED, Status.PARTNER_READY}
CONTRADICTORY = (Reason.ALREADY_ENABLED, Reason.REQUEST_REFUSED)


def settle(answer: Answer, seen: Observation | None) -> Settlement:
    return settle_by_look(answer, seen) if answer.needs_a_look else settle_without_look(answer)


every_case = pytest.mark.parametrize("seen", LOOKS, ids=lambda s: "no look" if s is None else f"{s.status} {s.raw}")


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_a_look_is_needed_exactly_where_the_exit_leaves_a_doubt(answer: Answer) -> None:
    """Unclear always; a refusal only if the integration may be enabled all the same."""
    doubtful = answer.exit is Exit.UNCLEAR or (answer.exit is Exit.REFUSED and answer.reason in CONTRADICTORY)
    assert answer.needs_a_look is doubtful


def test_the_ends_of_an_attempt_are_written_to_the_database_under_these_names() -> None:
    """A renamed one would orphan the rows that earlier runs wrote."""
    assert [e.value for e in Exit] == ["confirmed", "refused", "unclear"]
    assert [a.value for a in AttemptOutcome] == [
        "confirmed",
        "confirmed_by_looking",
        "refused",
        "not_applied",
        "replaced",
    ]


def test_a_confirmation_leaves_nothing_to_repeat_and_is_not_called_enabled() -> None:
    answer = Answer(Exit.CONFIRMED)
    assert (answer.reason, answer.detail, answer.may_pass) == (Reason.ENABLED, None, False)
    assert settle_without_look(answer) == Settlement(NOT_SHOWN, None, worth_repeating=False, confirmed=True)


@every_case
def test_every_answer_comes_to_exactly_one_outcome(seen: Observation | None) -> None:
    """For every exit there is one condition, and what is repeated is only what may pass by itself."""
    for answer in ANSWERS:
        settlement = settle(answer, seen)
        assert settlement == settle(answer, seen), "the same exit and look always come to the same"
        assert settlement.condition.outcome in set(Outcome) - {Outcome.NOT_LOOKED_AT}, "something was sent for it"
        assert answer.may_pass or not settlement.worth_repeating, answer


@every_case
def test_an_attempt_ends_only_by_a_refusal_or_by_an_effect_that_was_shown(seen: Observation | None) -> None:
    """Everything else may still land; right after the answer no look proves the opposite."""
    effect = seen is not None and seen.status in BY_LOOKING
    for answer in ANSWERS:
        settlement = settle(answer, seen)
        lagging = answer.reason is Reason.ALREADY_ENABLED and not effect
        assert settlement.confirmed == (answer.exit is Exit.CONFIRMED or (answer.exit is Exit.REFUSED and lagging))
        if settlement.confirmed:
            assert (settlement.condition, settlement.attempt) == (NOT_SHOWN, None), answer
        elif answer.exit is Exit.REFUSED:
            assert settlement.attempt is AttemptOutcome.REFUSED, "a refusal had no effect, whatever is seen"
        else:
            assert settlement.attempt is (AttemptOutcome.CONFIRMED_BY_LOOKING if effect else None), answer
        assert settlement.pending == (settlement.attempt is None and not settlement.confirmed)


@every_case
def test_enabled_is_said_only_if_a_look_showed_it(seen: Observation | None) -> None:
    for answer in ANSWERS:
        settlement = settle(answer, seen)
        if settlement.condition.outcome in (Outcome.ENABLED, Outcome.ALREADY_ENABLED):
            assert seen is not None, answer
            assert seen.status is Status.ENABLED, answer
        if answer.exit is Exit.REFUSED:
            assert settlement.condition.outcome is not Outcome.ENABLED, "what others enabled is not ours"


@pytest.mark.parametrize("reason", [r for r in Reason if r not in CONTRADICTORY])
@pytest.mark.parametrize("may_pass", [False, True], ids=["lasting", "passing"])
def test_a_plain_refusal_keeps_its_reason(reason: Reason, may_pass: bool) -> None:
    """Not requested is the customer's move, throttling and a spent share nobody's fault; everything else has failed."""
    waiting = dict.fromkeys((Reason.NOT_REQUESTED, Reason.SHARE_SPENT), Outcome.WAITING)
    outcome = (waiting | {Reason.THROTTLED: Outcome.HELD}).get(reason, Outcome.FAILED)
    answer = Answer(Exit.REFUSED, reason, "words", may_pass)
    assert settle(answer, None) == Settlement(Condition(outcome, reason, "words"), AttemptOutcome.REFUSED, may_pass)


UNAVAILABLE = Answer(Exit.UNCLEAR, Reason.LINKEDIN_UNAVAILABLE, "words", may_pass=True)


@pytest.mark.parametrize(
    ("seen", "settlement"),
    [
        pytest.param(
            None,
            Settlement(Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, "words"), None),
            id="the look failed too: the attempt stays open",
        ),
        pytest.param(
            Observation(Status.ENABLED),
            Settlement(Condition(Outcome.ENABLED, Reason.ENABLED), AttemptOutcome.CONFIRMED_BY_LOOKING),
            id="it was applied although the answer was lost",
        ),
        pytest.param(
            Observation(Status.PARTNER_READY),
            Settlement(Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER), AttemptOutcome.CONFIRMED_BY_LOOKING),
            id="it was applied and the customer is next",
        ),
        pytest.param(
            Observation(Status.REQUESTED),
            Settlement(Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, "words"), None),
            id="not applied yet, but the request may still land",
        ),
        pytest.param(
            Observation(Status.NOT_REQUESTED),
            Settlement(Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, "words"), None),
            id="nothing is shown, but that look may lag as well",
        ),
        pytest.param(
            Observation(Status.UNKNOWN, "PAUSED"),
            Settlement(Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, "words"), None),
            id="a new word settles nothing, and repeating would send blindly",
        ),
    ],
)
def test_an_unclear_exit_is_settled_by_the_look(seen: Observation | None, settlement: Settlement) -> None:
    assert settle(UNAVAILABLE, seen) == settlement


@pytest.mark.parametrize("seen", [None, Observation(Status.REQUESTED)], ids=["no look", "requested"])
def test_what_does_not_pass_by_itself_is_not_repeated(seen: Observation | None) -> None:
    """LinkedIn may ask for a longer silence than a run can keep."""
    assert not settle(Answer(Exit.UNCLEAR, Reason.LINKEDIN_UNAVAILABLE), seen).worth_repeating


REFUSED_SO = Condition(Outcome.FAILED, Reason.REQUEST_REFUSED, "words")
FOUND_ENABLED = Condition(Outcome.ALREADY_ENABLED, Reason.ALREADY_ENABLED)
CUSTOMERS_MOVE = Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER)


@pytest.mark.parametrize(
    ("reason", "seen", "condition"),
    [
        pytest.param(Reason.ALREADY_ENABLED, Status.ENABLED, FOUND_ENABLED, id="already enabled, and verify confirms"),
        pytest.param(Reason.ALREADY_ENABLED, Status.PARTNER_READY, CUSTOMERS_MOVE, id="our part was done before"),
        pytest.param(Reason.ALREADY_ENABLED, Status.REQUESTED, NOT_SHOWN, id="already enabled, a look lags"),
        pytest.param(Reason.ALREADY_ENABLED, Status.NOT_REQUESTED, NOT_SHOWN, id="already enabled, a look is empty"),
        pytest.param(Reason.ALREADY_ENABLED, Status.UNKNOWN, NOT_SHOWN, id="already enabled, and a new word"),
        pytest.param(Reason.ALREADY_ENABLED, None, NOT_SHOWN, id="already enabled, but nobody could look"),
        pytest.param(Reason.REQUEST_REFUSED, Status.ENABLED, FOUND_ENABLED, id="an unlisted 4xx of an enabled one"),
        pytest.param(Reason.REQUEST_REFUSED, Status.PARTNER_READY, CUSTOMERS_MOVE, id="an unlisted 4xx of a ready one"),
        pytest.param(Reason.REQUEST_REFUSED, Status.REQUESTED, REFUSED_SO, id="an unlisted 4xx is a failure"),
        pytest.param(Reason.REQUEST_REFUSED, Status.NOT_REQUESTED, REFUSED_SO, id="an unlisted 4xx keeps its words"),
        pytest.param(Reason.REQUEST_REFUSED, Status.UNKNOWN, REFUSED_SO, id="a new word does not explain a refusal"),
        pytest.param(Reason.REQUEST_REFUSED, None, REFUSED_SO, id="an unlisted 4xx without a look"),
    ],
)
def test_a_doubtful_refusal_is_settled_by_the_look(reason: Reason, seen: Status | None, condition: Condition) -> None:
    look = None if seen is None else Observation(seen)
    for may_pass in (False, True):
        settlement = settle(Answer(Exit.REFUSED, reason, "words", may_pass), look)
        if condition is NOT_SHOWN:
            assert settlement == Settlement(NOT_SHOWN, None, confirmed=True)
        else:
            assert settlement == Settlement(condition, AttemptOutcome.REFUSED)


@pytest.mark.parametrize("settled", [False, True], ids=["may still land", "settled"])
@pytest.mark.parametrize("confirmed", [False, True], ids=["in doubt", "confirmed"])
@pytest.mark.parametrize("status", Status)
def test_a_later_look_ends_an_open_attempt(status: Status, confirmed: bool, settled: bool) -> None:
    """The effect always does; its absence only what is in doubt, and only once nothing can land any more."""
    end = settle_open_attempt(Observation(status), confirmed=confirmed, settled=settled)
    if status in BY_LOOKING:
        assert end is (AttemptOutcome.CONFIRMED if confirmed else AttemptOutcome.CONFIRMED_BY_LOOKING)
    elif confirmed or not settled or status is Status.UNKNOWN:
        assert end is None
    else:
        assert end is AttemptOutcome.NOT_APPLIED


@pytest.mark.parametrize("confirmed", [False, True], ids=["in doubt", "confirmed"])
@pytest.mark.parametrize("status", Status)
def test_what_an_open_attempt_is_called(status: Status, confirmed: bool) -> None:
    """Never ready to enable again, and never settled."""
    condition = while_open(confirmed=confirmed, detail="words", seen=Observation(status, "PAUSED"))
    if status is Status.UNKNOWN:
        assert condition.reason is Reason.UNREADABLE_ANSWER
    else:
        assert condition == (NOT_SHOWN if confirmed else Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, "words"))
