"""A database that is away for a moment, or in which two meet: what is written waits and comes through, once."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from greenlight.ats import waiting
from greenlight.ats.applications import Applications
from greenlight.ats.budgets import Budgets
from greenlight.ats.database import Database, open_database
from greenlight.ats.looks import Look
from greenlight.ats.plans import Plans
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.requests import Requests
from greenlight.ats.rotations import Rotations
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.store import Store
from greenlight.ats.tables import Customer, Plan, RequestDay, Run
from greenlight.ats.waiting import DatabaseUnavailable
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import after_look
from greenlight.domain.plan import RequestTotals
from greenlight.domain.provisioning import ProvisionRequests
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from tests.ats.postgres import Server
from tests.ats.world import NOON, at, bring_in, customer, integration, one, shows

ALL = RunTarget(Selection())


def test_what_is_written_and_read_while_postgresql_restarts_comes_through(server: Server) -> None:
    """Two seconds without a server, in the middle of everything: nobody gets an error, and nothing is missing."""
    database = open_database(server.text)
    ids = bring_in(database, *(customer(f"c{number}") for number in range(8)))
    budgets, runs, over = Budgets(database, 100_000), Runs(database), threading.Event()

    def work(id: int) -> int:
        rounds = 0
        while not over.is_set():
            rounds += 1
            shows(database, id, Status.REQUESTED, at(rounds / 60))
            assert budgets.take(f"app-{id}", Lane.NIGHTLY, NOON) is None
            runs.start(f"{id}-{rounds}", Command.PLAN, ALL, NOON)
            runs.finish(f"{id}-{rounds}", RequestTotals(1, 1, 1), NOON)
            assert Store(database).wanted([id])[0].observed is Status.REQUESTED
        return rounds

    with ThreadPoolExecutor(len(ids)) as pool:
        working = {id: pool.submit(work, id) for id in ids}
        time.sleep(1)
        server.stop()
        time.sleep(2)
        server.start()
        time.sleep(1)
        over.set()
        done = {id: each.result(60) for id, each in working.items()}
    spent = {each.application: each.spent for each in budgets.today(NOON)}
    with database.reading() as session:
        totals = session.exec(select(Run.token_requests, Run.verify_requests, Run.enable_requests, Run.verdict)).all()
    assert len(totals) == sum(done.values())
    assert set(totals) <= {(1, 1, 1, verdict) for *_, verdict in totals}
    for id, rounds in done.items():
        assert integration(database, id).observed_at == at(rounds / 60)
        assert rounds <= spent[f"app-{id}"] <= rounds + 1, "a lost answer may count one too many, and never too few"
    database.close()


def test_a_server_that_stays_away_is_given_up_with_a_sentence(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 1)
    database = open_database(server.text)
    server.stop()
    try:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match=r"is away and did not come back within 1 s \(.+\): start it and"):
            Store(database).select(Selection())
        assert time.monotonic() - began < 5
    finally:
        server.start()
    database.close()


def test_a_run_that_begins_while_the_server_starts_waits_for_it(server: Server) -> None:
    server.stop()
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_database, server.text, patient=True)
        time.sleep(1)
        server.start()
        opening.result(30).close()


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_of_two_that_deadlock_both_come_through(database: Database) -> None:
    """PostgreSQL ends one of them after a second; it is done again, whole."""
    bring_in(database, customer("acme"), customer("bolt"))
    both_have_one = threading.Barrier(2)
    tries: list[str] = []

    def rename(names: tuple[str, str]) -> None:
        def act(session: Session) -> None:
            for position, name in enumerate(names):
                session.get_one(Customer, name, with_for_update=True).customer_name += f"+{names[0]}"
                session.flush()
                tries.append(name)
                if position == 0 and len(tries) <= 2:
                    both_have_one.wait(10)

        database.write(act)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(rename, [("acme", "bolt"), ("bolt", "acme")]))
    with database.reading() as session:
        names = session.exec(select(Customer.customer_name)).all()
    assert all(name.count("+acme") == name.count("+bolt") == 1 for name in names)


@contextmanager
def answers_lost(database: Database) -> Iterator[list[int]]:
    """The answer to the next COMMIT is lost: what was committed is, and nobody is told."""
    lost: list[int] = []

    def lose(session: Session) -> None:
        if not lost:
            lost.append(1)
            raise OperationalError("COMMIT", {}, psycopg.OperationalError("server closed the connection unexpectedly"))

    event.listen(Session, "after_commit", lose)
    try:
        yield lost
    finally:
        event.remove(Session, "after_commit", lose)
    assert lost, "nothing was lost"


def test_a_lost_commit_counts_a_runs_requests_once(database: Database) -> None:
    one(database)
    runs, applications = Runs(database), Applications(database)
    runs.start("run-1", Command.APPLY, ALL, NOON)
    with answers_lost(database):
        report = runs.finish("run-1", RequestTotals(1, 2, 3), NOON)
    assert report.requests == RequestTotals(1, 2, 3)
    assert runs.finish("run-1", RequestTotals(1, 0, 0), NOON).requests == RequestTotals(2, 2, 3), (
        "a repeated run adds its own"
    )
    applications.start("run-2", {}, NOON)
    with answers_lost(database):
        assert applications.finish("run-2", ProvisionRequests(1, 2), NOON).requests == ProvisionRequests(1, 2)


def test_a_lost_commit_counts_a_refusal_once(database: Database) -> None:
    """Four of them park an application for the whole day."""
    budgets = Budgets(database, 100)
    budgets.take("app", Lane.NIGHTLY, NOON)
    with answers_lost(database):
        budgets.refused("app", None, NOON)
    with database.reading() as session:
        assert session.exec(select(RequestDay.refusals)).one() == 1


def test_a_lost_commit_of_a_counted_request_counts_no_less(database: Database) -> None:
    budgets = Budgets(database, 100)
    with answers_lost(database):
        assert budgets.take("app", Lane.NIGHTLY, NOON) is None
    assert budgets.today(NOON)[0].spent in (1, 2)


def test_a_lost_commit_stores_a_plan_once(database: Database) -> None:
    one(database)
    with answers_lost(database):
        plan_id = Plans(database).save([], Selection(), RequestTotals(), NOON)
    with database.reading() as session:
        assert session.exec(select(Plan.plan_id)).all() == [plan_id]


def test_a_lost_commit_does_not_spend_a_link_in_vain(database: Database) -> None:
    one(database)
    with answers_lost(database):
        PortalSessions(database).open("link", "acme", "digest", NOON, NOON + timedelta(hours=1))
    assert PortalSessions(database).find("digest", NOON) is not None


def test_a_lost_commit_makes_a_rotation_no_doubtful_one(database: Database) -> None:
    one(database)
    with answers_lost(database):
        begun = Rotations(database).begin("acme", "run-1", "0123456789ab", NOON)
    assert (begun.before, begun.earlier, begun.done) == ("0123456789ab", False, False)


def test_a_lost_commit_of_due_looks_loses_no_look(database: Database) -> None:
    id = one(database)
    shows(database, id, Status.PARTNER_READY)
    requests = Requests(database)
    assert requests.look_again("acme", at(5))
    with answers_lost(database):
        assert requests.take_looks(["acme"], at(5)) == [id]


def test_looks_from_an_iterator_survive_a_second_try(database: Database) -> None:
    """What the first try has used up is there for the second."""
    id, seen = one(database), Observation(Status.REQUESTED)
    failing = iter([True])

    def break_once(session: Session) -> None:
        if next(failing, False):
            raise OperationalError("BEGIN", {}, psycopg.OperationalError("connection refused"))

    event.listen(Session, "before_commit", break_once)
    try:
        looks = (Look(each, seen, after_look(seen), final=True) for each in [id])
        Store(database).record_looks("observe:r", looks, NOON)
    finally:
        event.remove(Session, "before_commit", break_once)
    assert integration(database, id).observed == Status.REQUESTED
