"""What a look leaves in the database, and what a plan may believe of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import NoResultFound

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database
from greenlight.ats.looks import Look
from greenlight.ats.registry import register
from greenlight.ats.requests import Requests
from greenlight.ats.rows import item
from greenlight.ats.store import Store
from greenlight.domain.budget import day_ends
from greenlight.domain.conditions import Condition, after_failed_look, after_look
from greenlight.domain.plan import Action, Policy, plan
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status
from tests.ats.asking import session_of
from tests.ats.world import at, attempts_at, begin, bring_in, customer, fails, integration, key_of, one, shows, wanted


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.UNKNOWN])
def test_a_look_is_on_record(database: Database, status: Status) -> None:
    """What LinkedIn showed and when, and what follows from it."""
    id = one(database)
    shows(database, id, status, at(1))
    row = integration(database, id)
    expected = after_look(Observation(status))
    assert (row.observed, row.observed_at) == (status, at(1))
    assert (row.outcome, row.reason, row.detail) == (expected.outcome, expected.reason, None)
    assert (row.condition_since, row.checked_at, row.next_try_at) == (at(1), at(1), None)
    assert row.looked_for == "observe:run-1"


def test_a_failed_look_leaves_what_was_seen_before(database: Database) -> None:
    """Not having been able to look says nothing about LinkedIn's state; that we do not know is the condition."""
    id = one(database)
    shows(database, id, Status.PARTNER_READY, at(1))
    fails(database, id, at(2), Reason.LINKEDIN_UNAVAILABLE)
    row = integration(database, id)
    assert (row.observed, row.observed_at) == (Status.PARTNER_READY, at(1))
    assert (row.outcome, row.reason) == (Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE)
    assert (row.condition_since, row.checked_at) == (at(2), at(2))


def test_throttled_waits_for_the_next_day(database: Database) -> None:
    """LinkedIn's limits end at 00:00 UTC; a good look forgets about waiting."""
    id = one(database)
    fails(database, id, at(1), Reason.THROTTLED)
    next_try = integration(database, id).next_try_at
    assert next_try is not None
    assert next_try.isoformat() == "2026-03-02T00:00:00+00:00"
    shows(database, id, Status.REQUESTED, at(2))
    assert integration(database, id).next_try_at is None


def test_since_moves_only_when_the_condition_does(database: Database) -> None:
    """People ask since when a customer has been waiting, not when it was last looked at."""
    id = one(database)

    def since(minute: int, reason: Reason, detail: str, outcome: Outcome = Outcome.FAILED) -> tuple[object, object]:
        look = Look(id, None, Condition(outcome, reason, detail), final=True)
        Store(database).record_looks("observe:r", [look], at(minute))
        row = integration(database, id)
        assert row.checked_at == at(minute)
        assert row.detail == detail
        return row.condition_since, row.reason

    assert since(1, Reason.REQUEST_REFUSED, "a") == (at(1), "REQUEST_REFUSED")
    assert since(2, Reason.REQUEST_REFUSED, "b") == (at(1), "REQUEST_REFUSED")
    assert since(3, Reason.TOKEN_REJECTED, "b") == (at(3), "TOKEN_REJECTED")
    assert since(4, Reason.TOKEN_REJECTED, "b", Outcome.UNKNOWN) == (at(4), "TOKEN_REJECTED")
    assert since(5, Reason.REQUEST_REFUSED, "a") == (at(5), "REQUEST_REFUSED")


def test_a_look_that_is_to_be_repeated_is_wanted_again(database: Database) -> None:
    """It is on record all the same, in case the run is cut short before it is repeated."""
    id = one(database)
    condition = after_failed_look(Reason.LINKEDIN_UNAVAILABLE)
    Store(database).record_looks("observe:r", [Look(id, None, condition, final=False)], at(1))
    assert integration(database, id).reason == Reason.LINKEDIN_UNAVAILABLE
    assert [w.id for w in Store(database).wanted([id], unless_looked_for="observe:r")] == [id]


def test_a_failed_confirming_look_changes_nothing(database: Database) -> None:
    """LinkedIn has confirmed the enable; not being able to look once more takes nothing away."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(1))
    before = integration(database, id).model_dump() | {"looked_for": "confirm:r"}
    Store(database).record_looks("confirm:r", [Look(id, None, None, final=True)], at(2))
    assert integration(database, id).model_dump() == before


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
def test_a_look_settles_an_open_attempt(database: Database, status: Status, outcome: str | None) -> None:
    """A killed run leaves an intent behind; once all that it sent has landed, a look tells what became of it."""
    first, other = bring_in(database, customer("acme"), customer("bolt"))
    for id in (first, other):
        shows(database, id, Status.REQUESTED, at(1))
        begin(database, id, now=at(2))
    shows(database, first, status, at(3), purpose="observe:run-2")
    (attempt,) = attempts_at(database, first)
    assert (attempt.outcome, attempt.closed_at) == (outcome, at(3) if outcome else None)
    (untouched,) = attempts_at(database, other)
    assert (untouched.outcome, untouched.closed_at) == (None, None)


def test_a_failed_look_settles_nothing(database: Database) -> None:
    """What was not seen ends no doubt."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(1))
    begin(database, id, now=at(2))
    fails(database, id, at(3))
    assert attempts_at(database, id)[0].closed_at is None


def test_a_look_leaves_ended_attempts_as_they_ended(database: Database) -> None:
    """History is what happened then, whatever is seen later."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(1))
    begin(database, id, now=at(2))
    shows(database, id, Status.NOT_REQUESTED, at(3))
    before = attempts_at(database, id)[0].model_dump()
    shows(database, id, Status.ENABLED, at(4))
    assert attempts_at(database, id)[0].model_dump() == before


def test_looks_are_written_all_or_none(database: Database) -> None:
    """One customer's looks are one transaction, so a repeated chunk finds them all or none."""
    id = one(database)
    look = Look(id, Observation(Status.REQUESTED), after_look(Observation(Status.REQUESTED)), final=True)
    with pytest.raises(NoResultFound):
        Store(database).record_looks("observe:r", [look, Look(999_999, None, None, final=True)], at(1))
    assert integration(database, id).observed == Status.UNKNOWN


def test_a_plan_believes_what_was_seen_since_the_run_began(database: Database) -> None:
    """At the very moment counts as since then; what was not looked at is not in it."""
    ids = bring_in(database, *(customer(name) for name in ("old", "same", "new", "never")))
    for id, minute in zip(ids, (9, 10, 11), strict=False):
        shows(database, id, Status.REQUESTED, at(minute))
    observed = Store(database).observed(ids, at(10))
    assert observed == {
        item(integration(database, ids[1])): Observation(Status.REQUESTED),
        item(integration(database, ids[2])): Observation(Status.REQUESTED),
    }


def test_an_old_request_and_a_failed_look_are_no_observation(database: Database) -> None:
    """The dangerous case: REQUESTED stands in the row from the run before, and this run could not look."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(1), purpose="observe:run-1")
    fails(database, id, at(20), purpose="observe:run-2")
    observed = Store(database).observed([id], at(10))
    wanted = item(integration(database, id))
    assert observed == {wanted: Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE)}
    (entry,) = plan([wanted], observed, Policy(max_changes=10))
    assert entry.action is Action.NONE


def test_a_status_nobody_knows_is_a_condition(database: Database) -> None:
    """LinkedIn adds values without notice: nothing is planned on the ground of one, and the report shows it."""
    id = one(database)
    seen = Observation(Status.UNKNOWN, raw="HALF_ENABLED")
    Store(database).record_looks("observe:r", [Look(id, seen, after_look(seen), final=True)], at(11))
    (condition,) = Store(database).observed([id], at(10)).values()
    assert condition == Condition(Outcome.UNKNOWN, Reason.UNREADABLE_ANSWER, "onboardingStatus 'HALF_ENABLED'")


def test_a_replaced_application_leaves_nothing_behind_and_its_late_looks_are_no_evidence(database: Database) -> None:
    """What was ENABLED under the old one is not so under the new one, whoever was still looking."""
    id = one(database)
    shows(database, id, Status.ENABLED)
    old = wanted(database, id)
    register(database, [replace(customer("acme"), application=("client-new", "child-app-acme"))], at(1))
    assert (integration(database, id).observed, integration(database, id).observed_at) == (Status.UNKNOWN, None)
    seen = Observation(Status.ENABLED)
    late = Look(id, seen, after_look(seen), final=True, client_id="client-acme")
    Store(database).record_looks("observe:run-1", [late], at(2))
    Attempts(database).record(old, "run-1", after_look(seen), at(2), final=True, seen=seen)
    row = integration(database, id)
    assert (row.observed, row.reason) == (Status.UNKNOWN, Reason.NOT_LOOKED_AT)
    shows(database, id, Status.REQUESTED, at(3))
    assert integration(database, id).observed_client_id == "client-new"


def test_a_look_that_a_spent_share_left_out_takes_nothing_from_what_is_known(database: Database) -> None:
    """A page that was open too long says what was seen last; who has just requested something is told that it waits."""
    id = one(database)
    shows(database, id, Status.PARTNER_READY)
    fails(database, id, at(1), Reason.SHARE_SPENT)
    assert (integration(database, id).reason, integration(database, id).checked_at) == ("AWAITING_CUSTOMER", at(1))
    requests = Requests(database)
    requests.record("acme", session_of(database, "acme"), [key_of("acme")], at(2))
    fails(database, id, at(3), Reason.SHARE_SPENT)
    assert (integration(database, id).outcome, integration(database, id).reason) == ("waiting", "SHARE_SPENT")
    requests.acted_on(requests.open_of(["acme"]), at(2), at(3))
    requests.put_off(requests.open_of(["acme"]), at(3))
    midnight = day_ends(at(3))
    assert requests.due_customers(midnight - timedelta(seconds=1)) == []
    assert requests.due_customers(midnight) == ["acme"], "a new day, a new share"


def test_what_was_never_looked_at_for_a_spent_share_is_looked_at_from_the_next_day_on(database: Database) -> None:
    """By whoever has the page open then, also where no night came in between."""
    id, requests = one(database), Requests(database)
    fails(database, id, at(1), Reason.SHARE_SPENT)
    midnight = day_ends(at(1))
    assert not requests.look_again("acme", midnight - timedelta(seconds=1))
    assert requests.look_again("acme", midnight)


def test_an_enable_in_doubt_stays_one_when_the_share_is_spent_and_is_looked_at_the_next_day(database: Database) -> None:
    id, requests = one(database), Requests(database)
    requests.record("acme", session_of(database, "acme"), [key_of("acme")], at(0))
    shows(database, id, Status.REQUESTED, at(1))
    begin(database, id, now=at(2))
    known = integration(database, id).reason
    fails(database, id, at(10), Reason.SHARE_SPENT)
    row = integration(database, id)
    assert (row.reason, row.look_due_at) == (known, day_ends(at(10))), "nobody may think that there is nothing to do"
    assert row.checked_at != at(10)
