"""What is owed an announcement, who marks it, and two who announce at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from sqlalchemy import text
from sqlmodel import col, select

from greenlight.ats.announcements import Announcements, Effect
from greenlight.ats.database import Database, make_database, open_database
from greenlight.ats.holds import Holds
from greenlight.ats.ledger import Attempt, Hold
from greenlight.ats.looks import Look
from greenlight.ats.registry import register
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.store import Store
from greenlight.ats.withdrawals import Withdrawals
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import after_look
from greenlight.domain.reasons import Reason
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from tests.ats.test_ats_query_plans import crowd, scanned, statements
from tests.ats.world import TYPES, at, begin, bring_in, claimed, customer, integration, one, shows, wanted

COUNT = 40


def enabled(database: Database, count: int = COUNT, run_id: str = "run-1") -> list[int]:
    """The attempts of so many enables that a look has shown."""
    found: list[int] = []
    for id in bring_in(database, *(customer(f"c{number}") for number in range(count))):
        shows(database, id, Status.REQUESTED, at(1))
        found.append(begin(database, id, run_id, now=at(2)))
        shows(database, id, Status.ENABLED, at(10))
    return found


def test_only_what_took_effect_is_owed_and_the_run_that_did_it_is_named(database: Database) -> None:
    """Neither what is open nor what had no effect; a customer's click is no flow run."""
    for run_id, command in (("run-1", Command.APPLY), ("run-2", Command.REQUEST)):
        Runs(database).start(run_id, command, RunTarget(Selection()), at(0))
    ids = bring_in(database, *(customer(f"c{n}") for n in range(4)))
    for id in ids:
        shows(database, id, Status.REQUESTED, at(1))
    attempts = [begin(database, id, run_id, now=at(2)) for id, run_id in zip(ids, ("run-1", "run-2") * 2, strict=True)]
    shows(database, ids[1], Status.PARTNER_READY, at(10))
    shows(database, ids[0], Status.ENABLED, at(11))
    shows(database, ids[2], Status.REQUESTED, at(10))
    first, second = Announcements(database).effects(10)
    assert (first.attempt_id, first.observed, first.of_a_flow) == (attempts[1], Status.PARTNER_READY, False)
    assert (second.attempt_id, second.observed, second.of_a_flow) == (attempts[0], Status.ENABLED, True)
    assert Announcements(database).effects_told([first, second], at(20)) == 2
    shows(database, ids[3], Status.ENABLED, at(30))
    assert [effect.attempt_id for effect in Announcements(database).effects(10)] == [attempts[3]]


def test_of_two_who_announce_at_once_each_enable_is_marked_by_one(database: Database, database_url: str) -> None:
    """Each on a connection of its own, in opposite orders."""
    enabled(database)
    found, start = Announcements(database).effects(COUNT), Barrier(2)

    def mark(effects: list[Effect]) -> int:
        mine = open_database(database_url)
        try:
            start.wait(20)
            return Announcements(mine).effects_told(effects, at(20))
        finally:
            mine.close()

    with ThreadPoolExecutor(2) as pool:
        marked = list(pool.map(mark, [found, found[::-1]]))
    assert sum(marked) == COUNT
    assert Announcements(database).effects(1) == []


def test_what_is_enabled_no_more_is_owed_until_it_was_told_or_is_back(database: Database) -> None:
    """Whatever kind of look has shown it; what has drifted once more between telling and marking is owed anew."""
    owed = Announcements(database)
    (id,) = bring_in(database, customer("acme"))
    shows(database, id, Status.ENABLED, at(1))
    assert owed.drift(10) == []
    shows(database, id, Status.PARTNER_READY, at(2))
    assert owed.kinds() == (False, True, False)
    (first,) = owed.drift(10)
    assert (first.item.customer_id, first.since) == ("acme", at(2))
    shows(database, id, Status.ENABLED, at(3))
    assert owed.drift(10) == [], "it is back"
    shows(database, id, Status.NOT_REQUESTED, at(4))
    shows(database, id, Status.REQUESTED, at(5))
    (second,) = owed.drift(10)
    assert second.since == at(4)
    assert owed.drift_told([first], at(6)) == 0
    assert owed.drift_told([second], at(6)) == 1
    assert owed.drift_told([second], at(6)) == 0
    shows(database, id, Status.NOT_REQUESTED, at(7))
    assert owed.drift(10) == [], "it was not ENABLED in between"


def test_what_is_withdrawn_or_of_another_application_has_not_drifted(database: Database) -> None:
    first, second = bring_in(database, customer("acme"), customer("bolt"))
    for id in (first, second):
        shows(database, id, Status.ENABLED, at(1))
        shows(database, id, Status.NOT_REQUESTED, at(2))
    Withdrawals(database).withdraw("acme", TYPES[0], None, "ann", at(3))
    register(database, [replace(customer("bolt"), application=("client-new", "child-app-bolt"))], at(3))
    assert Announcements(database).drift(10) == []


def test_what_a_guard_begins_to_hold_is_owed_once_a_customer_while_it_holds(database: Database) -> None:
    """What a person has lifted before anybody was told is no news."""
    owed, holds = Announcements(database), Holds(database)
    ids = claimed(database, *(f"c{n}" for n in range(3)))
    assert len(holds.review(ids, Lane.OPERATOR, at(2))) == len(ids) == 6
    assert owed.kinds() == (True, False, False)
    found = owed.holds(10)
    assert [(hold.customer_id, hold.reason, hold.since) for hold in found] == [
        (f"c{n}", Reason.CLAIMED_TWICE, at(2)) for n in range(3)
    ]
    assert [hold.customer_id for hold in owed.holds(2)] == ["c0"], "of its two"
    assert len(found[0].ids) == 2
    holds.lift(["c2"], "ann", at(3))
    assert [hold.customer_id for hold in owed.holds(10)] == ["c0", "c1"]
    assert owed.holds_told(found[:1], at(4)) == 2
    assert [hold.customer_id for hold in owed.holds(10)] == ["c1"]
    assert owed.holds_told(found, at(4)) == 2
    assert owed.holds(10) == []


def test_what_is_held_between_reading_and_marking_is_still_owed(database: Database) -> None:
    owed = Announcements(database)
    (id, *_) = claimed(database, "c0")
    with database.writing() as session:
        session.add(Hold(integration_id=id, reason=Reason.SUDDENLY_EMPTY, saw="one", since=at(2)))
    found = owed.holds(10)
    with database.writing() as session:
        session.add(Hold(integration_id=id, reason=Reason.CLAIMED_TWICE, saw="two", since=at(3)))
    assert owed.holds_told(found, at(4)) == 1
    assert [hold.saw for hold in owed.holds(10)] == ["two"]


def test_a_look_that_was_on_its_way_when_its_customer_left_shows_no_drift(database: Database) -> None:
    id = one(database)
    shows(database, id, Status.ENABLED, at(1))
    seen = Observation(Status.NOT_REQUESTED)
    look = Look(id, seen, after_look(seen), final=True, client_id=wanted(database, id).client_id)
    Withdrawals(database).withdraw("acme", TYPES[0], None, "ann", at(2))
    Store(database).record_looks("observe:run-2", [look], at(3))
    assert integration(database, id).observed == Status.NOT_REQUESTED
    assert Announcements(database).drift(10) == []


def test_what_ended_before_announcements_were_kept_counts_as_announced(empty_database_url: str) -> None:

    database = make_database(empty_database_url)
    try:
        enabled(database, 2)
        database.migrate("0011")
        database.migrate()
        assert Announcements(database).effects(10) == []
        with database.reading() as session:
            assert session.exec(select(Attempt).where(col(Attempt.announced_at).is_(None))).all() == []
    finally:
        database.close()


def test_what_is_owed_is_found_without_reading_all_attempts(database: Database) -> None:
    """A worker asks every few seconds, for years."""
    crowd(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE attempt SET announced_at = closed_at WHERE id > 3"))
        connection.execute(text("ANALYZE"))
    with statements(database) as found:
        owed = Announcements(database)
        assert owed.kinds() == (False, False, True)
        effects = owed.effects(10)
        assert len(effects) == 2
        assert owed.effects_told(effects, at(1)) == 2
        assert len(owed.holds(10)) == 0
        assert len(owed.drift(10)) == 0
        assert owed.kinds() == (False, False, False)
    whole = {(table, sql) for sql, parameters in found for table in scanned(database, sql, parameters)}
    assert whole == set()
