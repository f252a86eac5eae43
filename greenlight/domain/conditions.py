"""From what LinkedIn said to what we know: a condition per item, and what became of an enable that was sent.

Pure tables. An enable's exit is *confirmed*, *refused* or *unclear*; unclear is settled by a look (verify), never by
sending again before looking (docs/life-of-an-integration.md#4-enabled).
"""

from dataclasses import dataclass
from enum import StrEnum

from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status


@dataclass(frozen=True, slots=True)
class Condition:
    """What is known of an item now. `detail` is LinkedIn's own words, cleaned, where they add something."""

    outcome: Outcome
    reason: Reason
    detail: str | None = None


#: What an enable brings about: REQUESTED is over, and the rest is the customer's (docs/linkedin.md#statuses).
EFFECT = frozenset({Status.ENABLED, Status.PARTNER_READY})

#: Failures that may pass by themselves, so that the same request is worth repeating after a wait.
WORTH_REPEATING = frozenset(
    {Reason.LINKEDIN_UNAVAILABLE, Reason.UNREADABLE_ANSWER, Reason.NOT_THE_API, Reason.THROTTLED}
)

#: What says that a customer's key is of no use any more.
DEAD_CREDENTIALS = frozenset({Reason.CREDENTIALS_REFUSED, Reason.WRONG_CREDENTIALS, Reason.TOKEN_REJECTED})

#: No trouble of the item's: the day is over for all, or its customer's share of it is, which no other run is bound by.
_NO_REQUEST_LEFT = {Reason.THROTTLED: Outcome.NOT_LOOKED_AT, Reason.SHARE_SPENT: Outcome.WAITING}

#: What LinkedIn calls invalid by itself, whoever asks.
_INVALID = frozenset({Reason.INVALID_CONTEXT, Reason.KEY_INCOMPLETE})

NOT_LOOKED_AT = Condition(Outcome.NOT_LOOKED_AT, Reason.NOT_LOOKED_AT)
HELD_BY_CAP = Condition(Outcome.HELD, Reason.HELD_BY_CAP)
CHANGED_SINCE_PLAN = Condition(Outcome.HELD, Reason.CHANGED_SINCE_PLAN)
ENABLED_BY_US = Condition(Outcome.ENABLED, Reason.ENABLED)
#: Nothing is called enabled that no look has shown.
NOT_SHOWN = Condition(Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN)


def when_withdrawn(observed: Status) -> Condition:
    """What is known of an integration that a person has withdrawn, by what was last seen of it."""
    if observed in EFFECT:
        return Condition(Outcome.ALREADY_ENABLED, Reason.ENABLED_BUT_WITHDRAWN)
    return Condition(Outcome.WAITING, Reason.WITHDRAWN)


_FROM_STATUS = {
    Status.NOT_REQUESTED: Condition(Outcome.WAITING, Reason.NOT_REQUESTED),
    Status.REQUESTED: Condition(Outcome.WAITING, Reason.READY_TO_ENABLE),
    Status.PARTNER_READY: Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER),
    Status.ENABLED: Condition(Outcome.ALREADY_ENABLED, Reason.ENABLED),
}


def after_look(seen: Observation) -> Condition:
    """The condition of an item that nothing was sent for."""
    if seen.status is Status.UNKNOWN:
        detail = f"onboardingStatus {seen.raw[:80]!r}" if seen.raw is not None else None
        return Condition(Outcome.UNKNOWN, Reason.UNREADABLE_ANSWER, detail)
    return _FROM_STATUS[seen.status]


def after_failed_look(reason: Reason, detail: str | None = None) -> Condition:
    """The condition of an item that could not be looked at. Nothing is wrong with one that no request is left for."""
    return Condition(_NO_REQUEST_LEFT.get(reason, Outcome.FAILED), reason, detail)


def of_a_browsers_word(known: Condition) -> Condition:
    """The condition of an item that a callback alone has named: what is invalid is no trouble of ours, nor urgent."""
    if known.reason not in _INVALID:
        return known
    return Condition(Outcome.WAITING, Reason.REJECTED_REQUEST, known.detail)


class Exit(StrEnum):
    """How the call that enables came back."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Answer:
    """The exit of one enable, with the reason where it is not confirmed and whether it may pass by itself."""

    exit: Exit
    reason: Reason = Reason.ENABLED
    detail: str | None = None
    may_pass: bool = False

    @property
    def needs_a_look(self) -> bool:
        """Unclear always does; of the refusals, those after which the integration may be enabled all the same."""
        return self.exit is Exit.UNCLEAR or self.reason in (Reason.ALREADY_ENABLED, Reason.REQUEST_REFUSED)


class AttemptOutcome(StrEnum):
    """The end of an attempt row. A row without one is an enable that may have an effect that no look has shown."""

    #: LinkedIn confirmed it and a look has shown the effect.
    CONFIRMED = "confirmed"
    #: Its answer proved nothing, and a look has shown the effect.
    CONFIRMED_BY_LOOKING = "confirmed_by_looking"
    #: LinkedIn itself refused the key, or the request never left.
    REFUSED = "refused"
    #: Its answer proved nothing, and a look after all that may still land had landed shows no effect.
    NOT_APPLIED = "not_applied"
    #: The customer has another application now, under which nothing was sent.
    REPLACED = "replaced"


#: Ends of an attempt whose effect is on record.
TOOK_EFFECT = (AttemptOutcome.CONFIRMED, AttemptOutcome.CONFIRMED_BY_LOOKING)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one enable came to. `attempt` is None while the attempt has to stay open.

    `confirmed` is LinkedIn's word for an effect that no look has shown; `worth_repeating` says that the same request
    may be made again in this try, `pending` that only a later look tells whether it may.
    """

    condition: Condition
    attempt: AttemptOutcome | None
    worth_repeating: bool = False
    confirmed: bool = False

    @property
    def pending(self) -> bool:
        return self.attempt is None and not self.confirmed


def settle_without_look(answer: Answer) -> Settlement:
    """Settle an exit that leaves no doubt, see `Answer.needs_a_look`."""
    if answer.exit is Exit.CONFIRMED:
        return Settlement(NOT_SHOWN, None, confirmed=True)
    outcomes = _NO_REQUEST_LEFT | {Reason.NOT_REQUESTED: Outcome.WAITING, Reason.THROTTLED: Outcome.HELD}
    outcome = outcomes.get(answer.reason, Outcome.FAILED)
    condition = Condition(outcome, answer.reason, answer.detail)
    return Settlement(condition, AttemptOutcome.REFUSED, answer.may_pass)


def settle_by_look(answer: Answer, seen: Observation | None) -> Settlement:
    """Settle a doubtful exit by what verify showed right after it; `seen` is None if that look failed too."""
    if answer.exit is Exit.UNCLEAR:
        return _settle_unclear(answer, seen)
    if seen is not None and seen.status is Status.ENABLED:
        return Settlement(Condition(Outcome.ALREADY_ENABLED, Reason.ALREADY_ENABLED), AttemptOutcome.REFUSED)
    if seen is not None and seen.status is Status.PARTNER_READY:
        return Settlement(after_look(seen), AttemptOutcome.REFUSED)
    if answer.reason is Reason.ALREADY_ENABLED:
        # As good as a confirmation, of this enable or of one before it: the look lags behind it.
        return Settlement(NOT_SHOWN, None, confirmed=True)
    return Settlement(Condition(Outcome.FAILED, answer.reason, answer.detail), AttemptOutcome.REFUSED)


def _settle_unclear(answer: Answer, seen: Observation | None) -> Settlement:
    if seen is not None and seen.status in EFFECT:
        condition = ENABLED_BY_US if seen.status is Status.ENABLED else after_look(seen)
        return Settlement(condition, AttemptOutcome.CONFIRMED_BY_LOOKING)
    # Whatever else is shown so soon, the request may still land.
    return Settlement(in_doubt(answer.detail), None)


def settle_open_attempt(seen: Observation, *, confirmed: bool, settled: bool) -> AttemptOutcome | None:
    """The end of an open attempt, from a look made later; None keeps it open.

    `confirmed` is whether LinkedIn confirmed it, `settled` whether the look was asked for after all that may still
    land had landed. What was confirmed is never taken for without effect: LinkedIn's looks may lag by minutes.
    """
    if seen.status in EFFECT:
        return AttemptOutcome.CONFIRMED if confirmed else AttemptOutcome.CONFIRMED_BY_LOOKING
    if confirmed or not settled or seen.status is Status.UNKNOWN:
        return None
    return AttemptOutcome.NOT_APPLIED


def while_open(*, confirmed: bool, detail: str | None, seen: Observation) -> Condition:
    """The condition of an item whose attempt a look has left open."""
    if seen.status is Status.UNKNOWN:
        return after_look(seen)
    return NOT_SHOWN if confirmed else in_doubt(detail)


def after_confirming_look(seen: Observation) -> Condition:
    """The condition of an item whose enable LinkedIn confirmed, once verify has been asked again."""
    if seen.status is Status.ENABLED:
        return ENABLED_BY_US
    if seen.status in (Status.REQUESTED, Status.NOT_REQUESTED):
        return NOT_SHOWN
    return after_look(seen)


def in_doubt(detail: str | None) -> Condition:
    """An enable was sent, and nothing tells yet what became of it."""
    return Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, detail)
