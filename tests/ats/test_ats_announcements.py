"""What is owed an announcement, and two who announce at the same time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import text
from sqlmodel import col, select

from greenlight.ats.announcements import Announcements
from greenlight.ats.database import Database, make_database, open_database
from greenlight.ats.ledger import Attempt
from greenlight.ats.runs import Runs, Scope
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.test_ats_query_plans import crowd, scanned, statements
from tests.ats.world import at, begin, bring_in, customer, shows

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
        Runs(database).start(run_id, command, Scope(Selection()), at(0))
    ids = bring_in(database, *(customer(f"c{n}") for n in range(4)))
    for id in ids:
        shows(database, id, Status.REQUESTED, at(1))
    attempts = [begin(database, id, run_id, now=at(2)) for id, run_id in zip(ids, ("run-1", "run-2") * 2, strict=True)]
    shows(database, ids[1], Status.PARTNER_READY, at(10))
    shows(database, ids[0], Status.ENABLED, at(11))
    shows(database, ids[2], Status.REQUESTED, at(10))
    first, second = Announcements(database).next(10)
    assert (first.attempt_id, first.observed, first.of_a_flow) == (attempts[1], Status.PARTNER_READY, False)
    assert (second.attempt_id, second.observed, second.of_a_flow) == (attempts[0], Status.ENABLED, True)
    assert Announcements(database).made(attempts, at(20)) == 2, "what is open is announced when it has ended"
    shows(database, ids[3], Status.ENABLED, at(30))
    assert [effect.attempt_id for effect in Announcements(database).next(10)] == [attempts[3]]


def test_of_two_who_announce_at_once_each_enable_is_marked_by_one(database: Database, database_url: str) -> None:
    """Each on a connection of its own, in opposite orders."""
    attempts, start = enabled(database), Barrier(2)

    def mark(ids: list[int]) -> int:
        mine = open_database(database_url)
        try:
            start.wait(20)
            return Announcements(mine).made(ids, at(20))
        finally:
            mine.close()

    with ThreadPoolExecutor(2) as pool:
        marked = list(pool.map(mark, [attempts, attempts[::-1]]))
    assert sum(marked) == COUNT
    assert Announcements(database).next(1) == []


def test_what_ended_before_announcements_were_kept_counts_as_announced(empty_database_url: str) -> None:

    database = make_database(empty_database_url)
    try:
        enabled(database, 2)
        database.migrate("0011")
        database.migrate()
        assert Announcements(database).next(10) == []
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
        assert len(Announcements(database).next(10)) == 2
        assert Announcements(database).made([2, 3], at(1)) == 2
    whole = {(table, sql) for sql, parameters in found for table in scanned(database, sql, parameters)}
    assert whole == set()
