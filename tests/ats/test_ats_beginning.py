"""An intent is on record before a request leaves, and there is never more than one of them."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from greenlight.ats.attempts import AttemptHeld, AttemptRefused, Attempts, Intent
from greenlight.ats.database import Database, open_database
from greenlight.ats.ledger import Attempt
from greenlight.ats.registry import register
from greenlight.ats.tables import Integration
from greenlight.domain.conditions import Answer, Exit, settle_without_look
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from tests.ats.world import NOON, at, attempts_at, begin, bring_in, customer, fails, integration, one, shows, wanted


def test_an_intent_is_on_record(database: Database) -> None:
    """Whoever finds it later knows who sent it, as whom, when, and until when it may still land."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    attempt_id = begin(database, id, "run-1", at(1))
    (row,) = attempts_at(database, id)
    assert (
        row.model_dump()
        == Attempt(
            id=attempt_id,
            integration_id=id,
            run_id="run-1",
            client_id="client-acme",
            warrant_id=1,
            observed_at=at(0),
            opened_at=at(1),
            settles_at=at(2),
        ).model_dump()
    )
    open_attempt = Attempts(database).open_of(id)
    assert open_attempt is not None
    assert (open_attempt.id, open_attempt.run_id, open_attempt.settles_at) == (attempt_id, "run-1", at(2))


def test_an_intent_changes_nothing_that_is_known(database: Database) -> None:
    """Nothing has happened yet."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    before = integration(database, id).model_dump()
    begin(database, id)
    assert integration(database, id).model_dump() == before


def test_without_an_attempt_none_is_open(database: Database) -> None:
    """Neither before the first one, nor after it ended, nor because another integration has one."""
    first, other = bring_in(database, customer("acme"), customer("bolt"))
    shows(database, first, Status.REQUESTED)
    assert Attempts(database).open_of(first) is None
    begin(database, first)
    assert Attempts(database).open_of(other) is None
    shows(database, first, Status.ENABLED)
    assert Attempts(database).open_of(first) is None


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.REQUESTED])
def test_nothing_begins_that_is_not_requested(database: Database, status: Status) -> None:
    """Enabling cannot be undone. UNKNOWN is also what was never looked at."""
    id = one(database)
    if status is not Status.UNKNOWN:
        shows(database, id, Status.REQUESTED)
        shows(database, id, status)
    with pytest.raises(AttemptRefused, match="not on record as REQUESTED"):
        begin(database, id)
    assert attempts_at(database, id) == []


def test_what_was_read_earlier_does_not_count(database: Database) -> None:
    """The row is read again in the same transaction: another run may have seen the customer switch it on."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    read_earlier = wanted(database, id)
    shows(database, id, Status.ENABLED)
    with pytest.raises(AttemptRefused, match="not on record as REQUESTED"):
        Attempts(database).begin(read_earlier, "run-1", "client-acme", at(1), settles_at=at(2))
    assert attempts_at(database, id) == []


def test_a_failed_look_does_not_take_the_request_back(database: Database) -> None:
    """The row still says REQUESTED; it is the planner that does not plan on it."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    fails(database, id)
    begin(database, id)
    assert len(attempts_at(database, id)) == 1


@pytest.mark.parametrize("run_id", ["run-1", "run-2"])
def test_nothing_begins_while_an_attempt_is_open(database: Database, run_id: str) -> None:
    """Its request may still land, whoever sent it."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    begin(database, id, "run-1")
    with pytest.raises(AttemptRefused, match="an attempt is open"):
        begin(database, id, run_id)
    assert [row.run_id for row in attempts_at(database, id)] == ["run-1"]


def test_after_a_refusal_another_may_begin_once_somebody_has_looked(database: Database) -> None:
    """A refused request may be right tomorrow, and what was seen before it is used up."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    first = begin(database, id, "run-1")
    refused = settle_without_look(Answer(Exit.REFUSED, Reason.TOKEN_REJECTED))
    Attempts(database).end(first, wanted(database, id), "run-1", refused, at(1), seen=None, settles_at=at(1))
    with pytest.raises(AttemptRefused, match="has answered"):
        begin(database, id, "run-2", at(2))
    shows(database, id, Status.REQUESTED, at(3))
    second = begin(database, id, "run-2", at(4))
    assert [(row.id, row.outcome) for row in attempts_at(database, id)] == [(first, "refused"), (second, None)]


def test_after_a_doubtful_one_another_may_begin_once_it_has_settled(database: Database) -> None:
    """A look that was asked for in time to miss it proves nothing; one after that ends the attempt."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    begin(database, id, "run-1")
    shows(database, id, Status.REQUESTED, at(0.9))
    assert integration(database, id).reason == Reason.OUTCOME_UNKNOWN
    with pytest.raises(AttemptRefused, match="an attempt is open"):
        begin(database, id, "run-2", at(5))
    shows(database, id, Status.REQUESTED, at(1))
    assert integration(database, id).reason == Reason.READY_TO_ENABLE
    begin(database, id, "run-2", at(5))
    old, new = attempts_at(database, id)
    assert (old.run_id, old.outcome, old.closed_at) == ("run-1", "not_applied", at(1))
    assert (new.run_id, new.outcome, new.closed_at) == ("run-2", None, None)


@pytest.mark.parametrize(
    ("minutes", "says"),
    [(5.1, "no look of the last"), (600, "no look of the last"), (-0.1, "from the future"), (-180, "from the future")],
    ids=["old", "of last night", "soon", "hours ahead"],
)
def test_a_look_counts_only_within_its_age(database: Database, minutes: float, says: str) -> None:
    """What was shown then may have changed; and what a host whose clock is ahead wrote is no evidence either."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(200))
    with pytest.raises(AttemptRefused, match=says):
        begin(database, id, now=at(200 + minutes))
    assert attempts_at(database, id) == []
    begin(database, id, now=at(205))


def test_another_application_is_another_integration(database: Database) -> None:
    """The customer's application was replaced after the look: what was seen under the old one is no evidence."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    before = wanted(database, id)
    register(database, [replace(customer("acme"), application=("client-new", "child-app-acme"))], NOON)
    with pytest.raises(AttemptRefused, match="not on record as REQUESTED"):
        Attempts(database).begin(before, "run-1", "client-acme", at(1), settles_at=at(2))
    shows(database, id, Status.REQUESTED)
    with pytest.raises(AttemptRefused, match="another application now"):
        Attempts(database).begin(before, "run-1", "client-acme", at(1), settles_at=at(2))
    assert attempts_at(database, id) == []


def test_beginning_waits_for_a_look_that_is_being_written(database: Database) -> None:
    """What another run has seen and not committed yet counts: the row is locked before it is believed."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            session.get_one(Integration, id).observed = Status.ENABLED
            session.flush()
            begun = pool.submit(begin, database, id)
            time.sleep(0.3)
        with pytest.raises(AttemptRefused, match="not on record as REQUESTED"):
            begun.result(60)
    assert attempts_at(database, id) == []


@pytest.mark.parametrize("again", [False, True], ids=["at first", "after a doubtful one"])
def test_of_many_runs_at_once_exactly_one_begins(database_url: str, again: bool) -> None:
    """Each on connections of its own, as processes are, and all at the same moment, several times over."""
    databases = [open_database(database_url) for _ in range(4)]
    rounds = [customer(f"c{n}") for n in range(5)]
    try:
        for id in bring_in(databases[0], *rounds):
            shows(databases[0], id, Status.REQUESTED)
            if again:
                begin(databases[0], id, "run-0")
                shows(databases[0], id, Status.REQUESTED, at(2))
            gate = Barrier(len(databases))

            def try_it(number: int, id: int = id, gate: Barrier = gate) -> int | str:
                gate.wait(30)
                try:
                    return begin(databases[number], id, f"run-{number + 1}", at(5))
                except AttemptRefused as refused:
                    return str(refused)

            with ThreadPoolExecutor(len(databases)) as pool:
                said = list(pool.map(try_it, range(len(databases))))
            won = [attempt_id for attempt_id in said if isinstance(attempt_id, int)]
            assert len(won) == 1, said
            assert {text for text in said if isinstance(text, str)} <= {
                "an attempt is open",
                "another run is enabling it",
            }
            rows = attempts_at(databases[0], id)
            assert [row.id for row in rows if row.closed_at is None] == won
            assert [row.outcome for row in rows] == (["not_applied"] if again else []) + [None]
    finally:
        for database in databases:
            database.close()


def test_never_again_after_a_confirmed_one_until_its_effect_was_shown(database: Database) -> None:
    """LinkedIn's looks may lag behind its own word by any time; only a new cycle on a new word is a new attempt."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(1))
    attempt_id = begin(database, id, "run-1", at(2))
    Attempts(database).end(
        attempt_id,
        wanted(database, id),
        "run-1",
        settle_without_look(Answer(Exit.CONFIRMED)),
        at(3),
        seen=None,
        settles_at=at(3),
    )
    for minute in (4, 5, 60):
        with pytest.raises(AttemptRefused):
            begin(database, id, "run-2", at(minute))
        shows(database, id, Status.REQUESTED, at(minute))
        assert integration(database, id).reason == Reason.CONFIRMED_NOT_SHOWN
    shows(database, id, Status.ENABLED, at(61))
    shows(database, id, Status.REQUESTED, at(62))
    assert attempts_at(database, id)[0].outcome == "confirmed"
    with pytest.raises(AttemptHeld) as held:
        begin(database, id, "run-2", at(63))
    assert held.value.condition.reason == Reason.WITHOUT_EVIDENCE
    register(database, [customer("acme")], at(64))
    begin(database, id, "run-2", at(64))


def test_of_two_intents_that_come_together_for_the_same_one_is_let_through(database: Database) -> None:
    """Whoever else asked is told no, and not that attempt: each sends what it was given."""
    id = one(database)
    shows(database, id, Status.REQUESTED)
    entry, attempts = wanted(database, id), Attempts(database)
    intents = [Intent(entry, run, "client-acme", at(1), at(2), None) for run in ("run-1", "run-2", "run-1")]
    begun = attempts.begin_all(intents)
    assert [type(answer) for answer in begun] == [int, AttemptRefused, AttemptRefused]
    assert [attempt.run_id for attempt in attempts_at(database, id)] == ["run-1"]
