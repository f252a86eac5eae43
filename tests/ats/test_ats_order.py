"""Two who write the same rows at the same time: the order of what was seen decides, and nobody waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from greenlight.ats import chunk, looks
from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database, open_database
from greenlight.ats.looks import Look
from greenlight.ats.requests import Requests
from greenlight.ats.store import Store
from greenlight.domain.conditions import after_look
from greenlight.domain.status import Observation, Status
from tests.ats.asking import session_of
from tests.ats.world import NOON, at, bring_in, customer, fails, integration, key_of, one, shows, wanted

POSTGRES = pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)


def look(id: int, status: Status = Status.REQUESTED) -> Look:
    return Look(id, Observation(status), after_look(Observation(status)), final=True)


@POSTGRES
def test_two_who_record_the_same_looks_in_different_orders_do_not_deadlock(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a connection of its own and has taken one row when the other has: nobody has to do it again."""
    first, second = bring_in(database, customer("acme"), customer("bolt"))
    other = open_database(database_url)
    both, taken = threading.Barrier(2), []
    # As if more were asked for than one statement takes.
    monkeypatch.setattr(chunk, "parameter_batches", lambda ids: [[id] for id in ids])

    def watched(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM integration" not in statement or "FOR UPDATE" not in statement:
            return
        taken.append(statement)
        if len(taken) <= 2:
            # One alone gets here where the order is the same for both.
            with suppress(threading.BrokenBarrierError):
                both.wait(1)

    for each in (database, other):
        event.listen(each.engine, "after_cursor_execute", watched)
    with ThreadPoolExecutor(2) as pool:
        one_way = pool.submit(Store(database).record_looks, "observe:a", [look(first), look(second)], at(1))
        other_way = pool.submit(Store(other).record_looks, "observe:b", [look(second), look(first)], at(2))
        one_way.result(30)
        other_way.result(30)
    other.close()
    assert len(taken) == 4, "a unit was done again after a deadlock"
    assert {integration(database, id).observed_at for id in (first, second)} == {at(2)}


@POSTGRES
def test_an_older_look_that_is_written_at_the_same_time_never_overwrites_a_newer_one(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the row when the newer one comes, and writes after it."""
    id = one(database)
    other = open_database(database_url)
    reached, newer_is_done, record_observation = threading.Event(), threading.Event(), looks.record_observation

    def slow(row: Any, attempt: Any, seen: Any, asked_at: Any, *rest: Any) -> Any:
        if asked_at == at(1):
            reached.set()
            newer_is_done.wait(1)
        return record_observation(row, attempt, seen, asked_at, *rest)

    monkeypatch.setattr(looks, "record_observation", slow)
    with ThreadPoolExecutor(1) as pool:
        older = pool.submit(Store(database).record_looks, "observe:a", [look(id)], at(1))
        assert reached.wait(10)
        Store(other).record_looks("observe:b", [look(id, Status.ENABLED)], at(2))
        newer_is_done.set()
        older.result(30)
    other.close()
    row = integration(database, id)
    assert (row.observed, row.observed_at) == (Status.ENABLED, at(2))


def test_what_a_host_hours_ahead_has_seen_gives_way(database: Database) -> None:
    """Evidence from the future is none; a look that was only overtaken still changes nothing."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(180))
    Store(database).record_looks("observe:b", [look(id, Status.ENABLED)], at(1), at(181))
    assert integration(database, id).observed_at == at(180), "it was made and is newer"
    Store(database).record_looks("observe:b", [look(id, Status.ENABLED)], at(1), at(1.1))
    row = integration(database, id)
    assert (row.observed, row.observed_at) == (Status.ENABLED, at(1))


def test_a_look_before_an_enable_corrects_the_future_as_well(database: Database) -> None:
    id = one(database)
    shows(database, id, Status.REQUESTED, at(180))
    seen = Observation(Status.ENABLED)
    Attempts(database).record(
        wanted(database, id), "run", after_look(seen), at(1), final=True, seen=seen, written_at=at(1)
    )
    assert integration(database, id).observed == Status.ENABLED


def test_a_run_does_not_plan_on_what_will_be_seen(database: Database) -> None:
    """Its own look failed, and what stands there would be fresh for hours."""
    id = one(database)
    shows(database, id, Status.REQUESTED, at(180))
    assert Store(database).observed([id], at(1), now=at(2)) == {}
    fails(database, id, at(181))
    (seen,) = Store(database).observed([id], at(1), now=at(182)).values()
    assert seen == Observation(Status.REQUESTED), "by then it is no future"


def test_a_request_is_not_settled_by_what_will_be_seen(database: Database) -> None:
    id = one(database)
    shows(database, id, Status.ENABLED, NOON + timedelta(hours=3))
    Requests(database).record("acme", session_of(database, "acme"), [key_of("acme")], NOON)
    assert integration(database, id).requested_at == NOON
