"""What an attempt came to, and what a run still has to do or to confirm."""

from dataclasses import replace

import pytest
from sqlmodel import update

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt
from greenlight.ats.registry import register
from greenlight.domain.conditions import (
    Answer,
    Condition,
    Exit,
    Settlement,
    after_look,
    settle_by_look,
    settle_without_look,
)
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status
from tests.ats.world import at, attempts_at, begin, bring_in, customer, fails, integration, one, shows, wanted

CONFIRMED = settle_without_look(Answer(Exit.CONFIRMED))
LOST = Answer(Exit.UNCLEAR, Reason.LINKEDIN_UNAVAILABLE, "timed out", may_pass=True)


def end(
    database: Database,
    attempt_id: int,
    id: int,
    settlement: Settlement,
    minute: int = 3,
    *,
    seen: Status | None = None,
    run_id: str = "run-1",
) -> None:
    observation = Observation(seen) if seen is not None else None
    Attempts(database).end(
        attempt_id,
        wanted(database, id),
        run_id,
        settlement,
        at(minute),
        seen=observation,
        settles_at=at(minute + 10),
    )


def started(database: Database) -> tuple[int, int]:
    """An integration with an attempt on its way; returns both ids."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(1))
    return id, begin(database, id, now=at(2))


def test_a_confirmed_attempt(database: Database) -> None:
    """The end, the condition and that the run is done with it, in one; what verify last showed is still that."""
    id, attempt_id = started(database)
    end(database, attempt_id, id, CONFIRMED)
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at, attempt.confirmed_at) == (None, None, at(3))
    row = integration(database, id)
    assert (row.outcome, row.reason) == (Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN)
    assert (row.observed, row.observed_at) == (Status.REQUESTED, at(1))
    assert (row.condition_since, row.checked_at) == (at(3), at(3))
    assert row.done_in_run == "run-1"
    shows(database, id, Status.ENABLED, at(4))
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at) == ("confirmed", at(4))


def test_a_refused_attempt_keeps_linkedins_words(database: Database) -> None:
    """They stand on the attempt and on the integration, where people look."""
    id, attempt_id = started(database)
    refused = settle_without_look(Answer(Exit.REFUSED, Reason.REQUEST_REFUSED, "HTTP 418 no"))
    end(database, attempt_id, id, refused)
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.reason, attempt.detail) == ("refused", "REQUEST_REFUSED", "HTTP 418 no")
    row = integration(database, id)
    assert (row.outcome, row.reason, row.detail) == ("failed", "REQUEST_REFUSED", "HTTP 418 no")


def test_a_refusal_that_may_pass_leaves_it_to_do(database: Database) -> None:
    """The attempt has ended and the run is not done: it tries again with another one."""
    id, attempt_id = started(database)
    end(database, attempt_id, id, settle_without_look(Answer(Exit.REFUSED, Reason.THROTTLED, None, may_pass=True)))
    assert attempts_at(database, id)[0].outcome == "refused"
    assert integration(database, id).done_in_run is None
    assert [entry.id for entry in Attempts(database).still_to_enable([id], "run-1")] == [id]


@pytest.mark.parametrize("seen", [None, Status.REQUESTED, Status.NOT_REQUESTED, Status.UNKNOWN])
def test_an_unclear_attempt_stays_open(database: Database, seen: Status | None) -> None:
    """Nothing shows what became of it, so it has no outcome; how long it may still land is moved on."""
    id, attempt_id = started(database)
    settlement = settle_by_look(LOST, Observation(seen) if seen is not None else None)
    end(database, attempt_id, id, settlement, seen=seen)
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at, attempt.settles_at) == (None, None, at(13))
    assert attempt.reason == settlement.condition.reason
    open_attempt = Attempts(database).open_of(id)
    assert open_attempt is not None
    assert open_attempt.settles_at == at(13)
    row = integration(database, id)
    assert (row.observed, row.observed_at) == ((seen, at(3)) if seen is not None else (Status.REQUESTED, at(1)))


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (Status.ENABLED, "confirmed_by_looking"),
        (Status.PARTNER_READY, "confirmed_by_looking"),
    ],
)
def test_an_unclear_attempt_is_settled_by_the_look_after_it(database: Database, seen: Status, outcome: str) -> None:
    """What was seen is on record together with what it means."""
    id, attempt_id = started(database)
    end(database, attempt_id, id, settle_by_look(LOST, Observation(seen)), seen=seen)
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at) == (outcome, at(3))
    row = integration(database, id)
    assert (row.observed, row.observed_at, row.done_in_run) == (seen, at(3), "run-1")


def test_a_refusal_is_a_refusal_even_if_it_is_enabled(database: Database) -> None:
    """Somebody else enabled it: the look shows ENABLED, and that was not this attempt."""
    id, attempt_id = started(database)
    answer = Answer(Exit.REFUSED, Reason.ALREADY_ENABLED)
    end(database, attempt_id, id, settle_by_look(answer, Observation(Status.ENABLED)), seen=Status.ENABLED)
    assert attempts_at(database, id)[0].outcome == "refused"
    assert integration(database, id).observed == Status.ENABLED


def test_a_sleepers_answer_does_not_change_what_a_look_has_settled(database: Database) -> None:
    """The end that somebody has written stands, and what is on record of the integration as well."""
    id, attempt_id = started(database)
    shows(database, id, Status.ENABLED, at(3))
    refused = settle_without_look(Answer(Exit.REFUSED, Reason.REQUEST_REFUSED, "HTTP 418 no"))
    end(database, attempt_id, id, refused, minute=5)
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at, attempt.reason) == ("confirmed_by_looking", at(3), None)
    row = integration(database, id)
    assert (row.observed, row.reason) == (Status.ENABLED, Reason.ENABLED)
    assert row.done_in_run == "run-1"


def test_an_unclear_end_does_not_open_what_a_look_has_settled(database: Database) -> None:
    """Another run has looked while the answer was awaited, and what it saw stands."""
    id, attempt_id = started(database)
    shows(database, id, Status.ENABLED, at(3), purpose="observe:run-2")
    end(database, attempt_id, id, settle_by_look(LOST, None), minute=4)
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at) == ("confirmed_by_looking", at(3))


def test_a_sleepers_answer_does_not_end_what_another_run_has_begun_since(database: Database) -> None:
    """Its own attempt was settled meanwhile; what came of the next one is not known yet."""
    id, attempt_id = started(database)
    shows(database, id, Status.REQUESTED, at(5), purpose="observe:run-2")
    next_id = begin(database, id, "run-2", at(6))
    refused = settle_without_look(Answer(Exit.REFUSED, Reason.REQUEST_REFUSED, "HTTP 418 no"))
    end(database, attempt_id, id, refused, minute=7)
    settled, under_way = attempts_at(database, id)
    assert (settled.id, settled.outcome) == (attempt_id, "not_applied")
    assert (under_way.id, under_way.closed_at, under_way.reason) == (next_id, None, None)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.ENABLED, "confirmed_by_looking"),
        (Status.PARTNER_READY, "confirmed_by_looking"),
        (Status.NOT_REQUESTED, "not_applied"),
        (Status.REQUESTED, "not_applied"),
        (Status.UNKNOWN, None),
    ],
)
def test_a_recorded_look_settles_an_open_attempt(database: Database, status: Status, outcome: str | None) -> None:
    """The look that is made before anything is sent again is a look like any other."""
    id, _ = started(database)
    seen = Observation(status)
    Attempts(database).record(wanted(database, id), "run-2", after_look(seen), at(5), final=True, seen=seen)
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at) == (outcome, at(5) if outcome else None)
    row = integration(database, id)
    assert (row.observed, row.observed_at, row.done_in_run) == (status, at(5), "run-2")
    assert row.reason == after_look(seen).reason


def test_recording_without_a_look(database: Database) -> None:
    """Missing credentials, say: the condition is new, what was seen stays, and an open attempt stays open."""
    id, _ = started(database)
    missing = Condition(Outcome.FAILED, Reason.CREDENTIALS_MISSING)
    Attempts(database).record(wanted(database, id), "run-1", missing, at(5), final=False)
    row = integration(database, id)
    assert (row.reason, row.observed, row.observed_at) == ("CREDENTIALS_MISSING", Status.REQUESTED, at(1))
    assert (row.condition_since, row.done_in_run) == (at(5), None)
    assert attempts_at(database, id)[0].closed_at is None


def test_still_to_enable(database: Database) -> None:
    """A repeated chunk goes on with what this run is not done with, in the order of the plan."""
    first, second, third = bring_in(database, *(customer(name) for name in ("a", "b", "c")))
    done = Condition(Outcome.FAILED, Reason.TOKEN_REJECTED)
    Attempts(database).record(wanted(database, second), "run-1", done, at(1), final=True)
    Attempts(database).record(wanted(database, third), "run-1", done, at(1), final=False)
    attempts = Attempts(database)
    still = attempts.still_to_enable([third, second, first, 999_999], "run-1")
    assert [entry.id for entry in still] == [third, first]
    still = attempts.still_to_enable([third, second, first], "run-2")
    assert [entry.id for entry in still] == [third, second, first]


def test_what_was_confirmed_and_is_not_shown(database: Database) -> None:
    """Those LinkedIn confirmed in this run and no look has shown since: they are looked at once more."""
    names = ("confirmed", "refused", "lost", "seen", "other", "failed")
    ids = bring_in(database, *(customer(name) for name in names))
    by_name = dict(zip(names, ids, strict=True))
    for name, id in reversed(by_name.items()):
        shows(database, id, Status.REQUESTED, at(1))
        run_id = "run-2" if name == "other" else "run-1"
        refused = settle_without_look(Answer(Exit.REFUSED, Reason.TOKEN_REJECTED))
        settlement = {"refused": refused, "lost": settle_by_look(LOST, None)}.get(name, CONFIRMED)
        end(database, begin(database, id, run_id, at(2)), id, settlement, run_id=run_id)
    shows(database, by_name["seen"], Status.ENABLED, at(5), purpose="confirm:run-1")
    fails(database, by_name["failed"], at(5), purpose="confirm:run-1")
    attempts = Attempts(database)
    assert attempts.not_shown(ids, "run-9", at(0)) == [by_name["confirmed"], by_name["other"], by_name["failed"]]
    assert attempts.not_shown([by_name["other"], by_name["lost"]], "run-9", at(0)) == [by_name["other"]]
    assert attempts.not_shown(ids, "run-2", at(60)) == [by_name["other"]]
    assert attempts.not_shown(ids, "run-9", at(60)) == []
    assert attempts.in_doubt(ids) == {by_name["lost"]: at(13)}


def test_a_look_under_another_application_settles_nothing(database: Database) -> None:
    """It was replaced while the request was on its way: what the new one shows is about something else, and free."""
    id, attempt_id = started(database)
    end(database, attempt_id, id, settle_by_look(LOST, None))
    register(database, [replace(customer("acme"), application=("client-new", "child-app-acme"))], at(4))
    shows(database, id, Status.ENABLED, at(30))
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at) == ("replaced", at(4))


def test_a_person_may_insist(database: Database) -> None:
    """Only their word takes a confirmed enable that is not shown for one without effect."""
    id, attempt_id = started(database)
    end(database, attempt_id, id, CONFIRMED)
    seen, entry = Observation(Status.REQUESTED), wanted(database, id)
    attempts = Attempts(database)
    attempts.record(entry, "run-2", after_look(seen), at(20), final=False, seen=seen)
    assert attempts_at(database, id)[0].closed_at is None
    attempts.record(entry, "run-2", after_look(seen), at(21), final=False, seen=seen, insist=True)
    assert (attempts_at(database, id)[0].outcome, integration(database, id).reason) == (
        "not_applied",
        Reason.READY_TO_ENABLE,
    )
    begin(database, id, "run-2", at(21))


def test_a_sleepers_look_changes_nothing_that_is_newer(database: Database) -> None:
    """It was asked for an hour before it is written down, and somebody has looked since."""
    id, _ = started(database)
    entry, seen = wanted(database, id), Observation(Status.REQUESTED)
    shows(database, id, Status.ENABLED, at(63), purpose="observe:run-2")
    before = integration(database, id)
    Attempts(database).record(entry, "run-1", after_look(seen), at(3), final=True, seen=seen)
    row = integration(database, id)
    assert (row.observed, row.observed_at, row.reason) == (Status.ENABLED, at(63), before.reason)
    assert row.done_in_run == "run-1"


def test_a_look_that_was_asked_for_before_the_intent_ends_nothing(database: Database) -> None:
    """It shows what was before; what was sent after it may still land."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(1))
    begin(database, id, "run-1", at(5))
    shows(database, id, Status.ENABLED, at(4), purpose="observe:run-2")
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.closed_at) == (None, None)
    shows(database, id, Status.ENABLED, at(5), purpose="observe:run-3")
    assert attempts_at(database, id)[0].outcome == "confirmed_by_looking"


def test_a_look_under_the_application_of_today_says_nothing_of_what_another_one_sent(database: Database) -> None:
    """As an older version may have left it, which did not end such attempts."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(1))
    begin(database, id, "run-1", at(2))
    with database.writing() as session:
        session.exec(update(Attempt).values(client_id="client-old"))
    shows(database, id, Status.ENABLED, at(30), purpose="observe:run-2")
    assert attempts_at(database, id)[0].closed_at is None
