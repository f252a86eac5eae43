"""The gate: whatever one guard has against an intent keeps it out, alone or in a chunk, on both databases."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete
from sqlmodel import Session, update

from greenlight.ats.database import Database
from greenlight.ats.gate import GUARDS, Intents, open_attempts, why_not
from greenlight.ats.leases import LEASE, Leases
from greenlight.ats.ledger import Attempt, Hold, Warrant, Word
from greenlight.ats.tables import ChildApplication, Customer, Integration, Pause
from greenlight.ats.warrants import give
from greenlight.domain.conditions import AttemptOutcome
from greenlight.domain.status import Status
from tests.ats.world import at, bring_in, customer, shows

NOW = at(1)


def sets(**values: object) -> Callable[[Session], object]:
    return lambda session: session.exec(update(Integration).values(**values))


def adds(make: Callable[[], object]) -> Callable[[Session], object]:
    return lambda session: session.add(make())


def an_attempt(**values: object) -> Attempt:
    return Attempt.model_validate(
        {"integration_id": 1, "run_id": "other", "client_id": "client-acme", "opened_at": at(0), "settles_at": at(0)}
        | values
    )


def ended(outcome: AttemptOutcome, minute: float) -> Attempt:
    return an_attempt(outcome=outcome, closed_at=at(minute))


def a_pause(until: datetime) -> Pause:
    return Pause(customer_id="acme", reason="why", owner="ann", since=at(0), until=until)


def a_hold(ended_at: datetime | None) -> Hold:
    return Hold(integration_id=1, reason="SUDDENLY_EMPTY", saw="a lot", since=at(0), ended_at=ended_at)


def _looked_at_under_the_new_one(session: Session) -> None:
    """Whoever asks still has the old one's credentials."""
    session.exec(update(ChildApplication).values(client_id="client-new"))
    session.exec(update(Integration).values(observed_client_id="client-new"))


#: What is wrong with an intent that is right in everything else, by the guard that must see it.
WRONG: dict[str, list[Callable[[Session], object]]] = {
    "the lease on the customer was lost": [
        lambda s: s.exec(update(Customer).values(locked_by="somebody else")),
        lambda s: s.exec(update(Customer).values(locked_until=NOW)),
        lambda s: s.exec(update(Customer).values(locked_by=None)),
    ],
    "it is not on record as REQUESTED": [sets(observed=s) for s in Status if s is not Status.REQUESTED],
    "no look of the last minutes shows it": [sets(observed_at=NOW - timedelta(minutes=5, seconds=1))],
    "the look that shows it is from the future": [sets(observed_at=NOW + timedelta(seconds=6))],
    "the customer has another application now": [
        _looked_at_under_the_new_one,
        lambda s: s.exec(delete(ChildApplication)),
    ],
    "it was seen under another application": [sets(observed_client_id="client-old")],
    "an attempt is open": [adds(an_attempt), adds(lambda: an_attempt(confirmed_at=at(0)))],
    "LinkedIn has answered an enable since it was looked at": [
        adds(lambda: ended(AttemptOutcome.REFUSED, 0.6)),
        adds(lambda: ended(AttemptOutcome.NOT_APPLIED, 0.6)),
        adds(lambda: ended(AttemptOutcome.CONFIRMED, 0.5)),
    ],
    "a person has withdrawn it": [sets(withdrawn_at=at(0), withdrawn_by="ann")],
    "the source of what is wanted has dropped it": [sets(listing="dropping")],
    "the customer is paused": [adds(lambda: a_pause(at(1.1)))],
    "a guard holds it": [adds(lambda: a_hold(None))],
    "nobody whose word counts has asked for it": [
        lambda s: s.exec(delete(Warrant)),
        lambda s: s.exec(update(Warrant).values(run_id="other")),
        sets(effect_at=at(0.5)),
    ],
}
#: What looks like it and is none of it.
RIGHT: dict[str, Callable[[Session], object]] = {
    "a look that is just fresh": sets(observed_at=NOW - timedelta(minutes=5)),
    "a clock that is a little ahead": sets(observed_at=NOW + timedelta(seconds=5)),
    "a look of an older version": sets(observed_client_id=None),
    "a refusal before the look": adds(lambda: ended(AttemptOutcome.REFUSED, 0.5)),
    "a confirmation before the look": adds(lambda: ended(AttemptOutcome.CONFIRMED, 0.4)),
    "what the source has": sets(listing="listed"),
    "a pause that is over": adds(lambda: a_pause(NOW)),
    "a hold that is over": adds(lambda: a_hold(at(1))),
    "a warrant for this run": lambda s: s.exec(update(Warrant).values(run_id="run-1")),
    "an effect before the warrant": sets(effect_at=at(0.4)),
}


def intents(database: Database, *ids: int, owner: str | None = None) -> Intents:
    with database.reading() as session:
        rows = [session.get_one(Integration, id) for id in ids]
    clients = {row.id or 0: f"client-{row.customer_id}" for row in rows}
    return Intents(clients, "run-1", owner, NOW, settles_at=at(3))


def ready(database: Database, *customers: str) -> tuple[list[int], str]:
    """Integrations that may be enabled, and who has the lease on their customers."""
    ids = bring_in(database, *(customer(name) for name in customers))
    leases = Leases(database)
    for name in customers:
        leases.take(name, "run-1", NOW - LEASE / 2)
    for id in ids:
        shows(database, id, Status.REQUESTED, at(0.5))
    with database.writing() as session:
        session.exec(update(Warrant).values(given_at=at(0.5)))
    return ids, leases.owner


def test_every_guard_is_tried_alone() -> None:
    assert list(WRONG) == [guard.says for guard in GUARDS]


@pytest.mark.parametrize(
    ("says", "change"),
    [
        pytest.param(says, change, id=f"{says} {number}")
        for says, changes in WRONG.items()
        for number, change in enumerate(changes)
    ],
)
def test_one_thing_that_is_wrong_keeps_an_intent_out(
    database: Database, says: str, change: Callable[[Session], object]
) -> None:
    (id,), owner = ready(database, "acme")
    with database.writing() as session:
        change(session)
    asked = intents(database, id, owner=owner)
    with database.writing() as session:
        assert open_attempts(session, asked) == {}
        (guard,) = why_not(session, asked).values()
    assert guard is not None
    assert guard.says == says


@pytest.mark.parametrize("change", RIGHT.values(), ids=RIGHT)
def test_what_is_just_right_gets_in(database: Database, change: Callable[[Session], object]) -> None:
    (id,), owner = ready(database, "acme")
    with database.writing() as session:
        change(session)
    with database.writing() as session:
        assert list(open_attempts(session, intents(database, id, owner=owner))) == [id]


def test_of_a_chunk_each_is_judged_by_itself(database: Database) -> None:
    ids, owner = ready(database, "acme", "bolt", "core")
    with database.writing() as session:
        session.add(Pause(customer_id="bolt", reason="why", owner="ann", since=at(0), until=at(9)))
    asked = intents(database, *ids, owner=owner)
    with database.writing() as session:
        assert set(open_attempts(session, asked)) == {ids[0], ids[2]}
    with database.writing() as session:
        assert open_attempts(session, asked) == {}, "once"
        assert {id: guard.says for id, guard in why_not(session, asked).items() if guard} == {
            ids[0]: "an attempt is open",
            ids[1]: "the customer is paused",
            ids[2]: "an attempt is open",
        }


def test_an_intent_names_the_newest_word_that_is_good_for_its_run(database: Database) -> None:
    (id,), owner = ready(database, "acme")
    with database.writing() as session:
        give(session, [id], Word.PLAN, at(0.8), by="ann", run_id="run-1")
        give(session, [id], Word.PERSON, at(0.9), by="bob", run_id="run-2")
        give(session, [id], Word.CALLBACK, at(0.6), by="a session")
    with database.writing() as session:
        (attempt_id,) = open_attempts(session, intents(database, id, owner=owner)).values()
        attempt = session.get_one(Attempt, attempt_id)
        assert session.get_one(Warrant, attempt.warrant_id).given_by == "ann"
        assert attempt.observed_at == at(0.5)


def test_the_same_word_given_again_is_one_warrant_until_it_is_used_up(database: Database) -> None:
    (id,), _ = ready(database, "acme")
    with database.writing() as session:
        for minute in (2, 3):
            give(session, [id], Word.CALLBACK, at(minute), by="a session")
    shows(database, id, Status.ENABLED, at(4))
    with database.writing() as session:
        give(session, [id], Word.CALLBACK, at(5), by="another session")
        rows = session.exec(Warrant.__table__.select().where(Warrant.word == Word.CALLBACK)).all()
    assert [(row.given_by, row.given_at) for row in rows] == [("a session", at(3)), ("another session", at(5))]
