"""What became of an enable: every exit of the call with every look after it."""

from itertools import product

import pytest

from greenlight.domain.conditions import (
    Answer,
    AttemptOutcome,
    Condition,
    Exit,
    Settlement,
    settle_by_look,
    settle_open_attempt,
    settle_without_look,
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
    assert [a.value for a in AttemptOutcome] == ["confirmed", "confirmed_by_looking", "refused", "not_applied"]


def test_a_bare_confirmation_is_an_enable_that_leaves_nothing_to_repeat() -> None:
    answer = Answer(Exit.CONFIRMED)
    assert (answer.reason, answer.detail, answer.may_pass) == (Reason.ENABLED, None, False)
    assert settle_without_look(answer) == Settlement(
        Condition(Outcome.ENABLED, Reason.ENABLED), AttemptOutcome.CONFIRMED, worth_repeating=False
    )


@every_case
def test_every_answer_comes_to_exactly_one_outcome(seen: Observation | None) -> None:
    """For every exit there is one condition, and what is repeated is only what may pass by itself."""
    for answer in ANSWERS:
        settlement = settle(answer, seen)
        assert settlement == settle(answer, seen), "the same exit and look always come to the same"
        assert settlement.condition.outcome in set(Outcome) - {Outcome.NOT_LOOKED_AT}, "something was sent for it"
        assert answer.may_pass or not settlement.worth_repeating, answer


@every_case
def test_an_attempt_stays_open_only_while_a_later_look_can_settle_it(seen: Observation | None) -> None:
    for answer in ANSWERS:
        attempt = settle(answer, seen).attempt
        undecided = seen is None or settle_open_attempt(seen) is None
        assert (attempt is None) == (answer.exit is Exit.UNCLEAR and undecided), answer
        if answer.exit is Exit.UNCLEAR and seen is not None:
            assert attempt == settle_open_attempt(seen), "a look says the same now and later"
    assert {settle_open_attempt(Observation(s)) for s in Status} - {None}, "some later look settles it"


@every_case
def test_enabled_is_said_only_if_linkedin_confirmed_or_a_look_showed_it(seen: Observation | None) -> None:
    shown = seen is not None and seen.status is Status.ENABLED
    for answer in ANSWERS:
        settlement = settle(answer, seen)
        if settlement.condition.outcome in (Outcome.ENABLED, Outcome.ALREADY_ENABLED):
            assert answer.exit is Exit.CONFIRMED or shown, answer
        if settlement.attempt is AttemptOutcome.CONFIRMED:
            assert answer.exit is Exit.CONFIRMED, answer
        if settlement.attempt is AttemptOutcome.CONFIRMED_BY_LOOKING:
            assert seen is not None, answer
            assert seen.status in BY_LOOKING, answer
        if answer.exit is Exit.REFUSED:
            assert settlement.attempt is AttemptOutcome.REFUSED, "a refusal had no effect, whatever is seen"
            assert settlement.condition.outcome is not Outcome.ENABLED, "what others enabled is not ours"


@pytest.mark.parametrize("reason", [r for r in Reason if r not in CONTRADICTORY])
@pytest.mark.parametrize("may_pass", [False, True], ids=["lasting", "passing"])
def test_a_plain_refusal_keeps_its_reason(reason: Reason, may_pass: bool) -> None:
    """Not requested is the customer's move and throttling nobody's fault; everything else has failed."""
    outcome = {Reason.NOT_REQUESTED: Outcome.WAITING, Reason.THROTTLED: Outcome.HELD}.get(reason, Outcome.FAILED)
    answer = Answer(Exit.REFUSED, reason, "words", may_pass)
    assert settle(answer, None) == Settlement(Condition(outcome, reason, "words"), AttemptOutcome.REFUSED, may_pass)


UNAVAILABLE = Answer(Exit.UNCLEAR, Reason.LINKEDIN_UNAVAILABLE, "words", may_pass=True)


@pytest.mark.parametrize(
    ("seen", "settlement"),
    [
        pytest.param(
            None,
            Settlement(Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, "words"), None, worth_repeating=True),
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
            Settlement(Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE, "words"), None, worth_repeating=True),
            id="not applied yet, but the request may still land",
        ),
        pytest.param(
            Observation(Status.NOT_REQUESTED),
            Settlement(Condition(Outcome.WAITING, Reason.NOT_REQUESTED), AttemptOutcome.NOT_APPLIED),
            id="without a request at LinkedIn nothing can have been applied",
        ),
        pytest.param(
            Observation(Status.UNKNOWN, "PAUSED"),
            Settlement(Condition(Outcome.UNKNOWN, Reason.UNREADABLE_ANSWER, "onboardingStatus 'PAUSED'"), None),
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


DOUBT = Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, "words")
REFUSED_SO = Condition(Outcome.FAILED, Reason.REQUEST_REFUSED, "words")
FOUND_ENABLED = Condition(Outcome.ALREADY_ENABLED, Reason.ALREADY_ENABLED)
CUSTOMERS_MOVE = Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER)


@pytest.mark.parametrize(
    ("reason", "seen", "condition"),
    [
        pytest.param(Reason.ALREADY_ENABLED, Status.ENABLED, FOUND_ENABLED, id="already enabled, and verify confirms"),
        pytest.param(Reason.ALREADY_ENABLED, Status.PARTNER_READY, CUSTOMERS_MOVE, id="our part was done before"),
        pytest.param(Reason.ALREADY_ENABLED, Status.REQUESTED, DOUBT, id="already enabled, but verify says requested"),
        pytest.param(Reason.ALREADY_ENABLED, Status.NOT_REQUESTED, DOUBT, id="already enabled, but verify has nothing"),
        pytest.param(Reason.ALREADY_ENABLED, Status.UNKNOWN, DOUBT, id="already enabled, but verify says a new word"),
        pytest.param(Reason.ALREADY_ENABLED, None, DOUBT, id="already enabled, but nobody could look"),
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
        assert settlement == Settlement(condition, AttemptOutcome.REFUSED, worth_repeating=False)


@pytest.mark.parametrize(
    ("status", "end"),
    [
        pytest.param(Status.ENABLED, AttemptOutcome.CONFIRMED_BY_LOOKING, id="it was applied"),
        pytest.param(Status.PARTNER_READY, AttemptOutcome.CONFIRMED_BY_LOOKING, id="our part of it was applied"),
        pytest.param(Status.NOT_REQUESTED, AttemptOutcome.NOT_APPLIED, id="there is nothing that it could apply to"),
        pytest.param(Status.REQUESTED, None, id="it may still land"),
        pytest.param(Status.UNKNOWN, None, id="a word that nobody understands settles nothing"),
    ],
)
def test_a_later_look_ends_an_open_attempt(status: Status, end: AttemptOutcome | None) -> None:
    assert settle_open_attempt(Observation(status)) is end
