"""What is old goes in small steps; what is open, owed, or evidence of an enable stays, however old it is."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlmodel import func, select

from greenlight.ats.database import Database
from greenlight.ats.fleet import Fleet, FleetSnapshot
from greenlight.ats.ledger import Attempt, Hold, Warrant
from greenlight.ats.plans import Plans
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.requests import Requests
from greenlight.ats.retention import Retention, prune
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.tables import (
    Approval,
    Plan,
    PlanItem,
    PortalSession,
    RequestDay,
    RequestEvidence,
    Run,
)
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import Condition
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Action, Item, Planned, RequestTotals
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.asking import session_of
from tests.ats.test_ats_query_plans import click
from tests.ats.world import NOON, at, begin, bring_in, customer, key_of, shows

LATER = NOON + timedelta(days=500)
#: Customers of the year of nights; the issue of size is seen with a few already.
MANY = int(os.environ.get("GREENLIGHT_NIGHTS_CUSTOMERS", "20"))
#: With so many customers as are named there each night of the year is one.
NIGHTS_APART = 1 if "GREENLIGHT_NIGHTS_CUSTOMERS" in os.environ else 20
SIZES = ("page_count", "freelist_count")


def count(database: Database, table: Any) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def planned(id: int, customer_id: str, key: IntegrationKey) -> tuple[int, Planned]:
    ready = Condition(Outcome.WAITING, Reason.READY_TO_ENABLE)
    return id, Planned(Item(customer_id, key), Action.ENABLE, ready)


def test_what_is_evidence_owed_or_open_stays(database: Database) -> None:
    ada, bob, cyd = bring_in(database, customer("ada"), customer("bob"), customer("cyd"))
    plans, requests, runs = Plans(database), Requests(database), Runs(database)
    # ada asked and was enabled by a run of an approved plan; bob's request is open; cyd's session brought nothing.
    asked = session_of(database, "ada")
    requests.record("ada", asked, [key_of("ada")], at(0))
    requests.record("bob", session_of(database, "bob"), [key_of("bob")], at(0))
    session_of(database, "cyd")
    used, dropped = (
        plans.save([planned(ada, "ada", key_of("ada"))], Selection(), RequestTotals(0, 1, 1), at(0)) for _ in range(2)
    )
    for plan_id in (used, dropped):
        plans.approve(plan_id, "ann", at(1))
    plans.use(used, "enabling", at(2))
    for run_id in ("enabling", "idle", "killed"):
        runs.start(run_id, Command.APPLY, RunTarget(Selection(), used if run_id == "enabling" else None), at(2))
    shows(database, ada, Status.REQUESTED, at(2))
    begun = begin(database, ada, "enabling", at(3))
    with database.writing() as session:
        warrant = session.exec(select(Warrant).where(Warrant.given_by == asked)).one()
        session.get_one(Attempt, begun).warrant_id = warrant.id
        session.add_all(
            [
                Hold(integration_id=cyd, reason="CLAIMED_TWICE", saw="open", since=NOON),
                Hold(
                    integration_id=cyd, reason="CLAIMED_TWICE", saw="lifted", since=NOON, ended_at=NOON, lifted_by="x"
                ),
                Hold(integration_id=cyd, reason="CLAIMED_TWICE", saw="back", since=NOON, ended_at=NOON),
                *(RequestDay(application="a", day=(NOON + timedelta(days=day)).date()) for day in range(3)),
            ]
        )
    shows(database, ada, Status.ENABLED, at(9))
    for run_id in ("enabling", "idle"):
        runs.finish(run_id, RequestTotals(0, 0, 0), at(10))
    Fleet(database).take(at(10))

    deleted = Retention(database, at_once=2).prune(LATER)
    assert deleted == {
        "pause": 0,
        "idempotency_key": 0,
        "desired_sync": 0,
        "fleet_snapshot": 1,
        "request_day": 2,
        "visit": 1,
        "integration_change": 2,
        "webhook_delivery": 0,
        "hold": 1,
        "plan": 1,
        "warrant": deleted["warrant"],
        "run": 2,
    }
    with database.reading() as session:
        assert {plan.plan_id for plan in session.exec(select(Plan))} == {used}
        assert {row.plan_id for row in session.exec(select(PlanItem))} == {used}
        assert {row.plan_id for row in session.exec(select(Approval))} == {used}
        assert {visit.customer_id for visit in session.exec(select(PortalSession))} == {"ada", "bob"}
        assert len(session.exec(select(RequestEvidence)).all()) == 2
        assert {hold.saw for hold in session.exec(select(Hold))} == {"open", "lifted"}
        assert {run.run_id for run in session.exec(select(Run))} == {"enabling"}
        assert asked in {warrant.given_by for warrant in session.exec(select(Warrant))}
        live = [warrant for warrant in session.exec(select(Warrant)) if warrant.integration_id in (bob, cyd)]
        assert {warrant.word for warrant in live} == {"import", "callback"}
    assert runs.report("enabling").changed == 1
    assert Retention(database).prune(LATER) == dict.fromkeys(deleted, 0)


def test_nothing_that_is_young_goes(database: Database) -> None:
    bring_in(database, customer("ada"))
    session_of(database, "ada")
    Fleet(database).take(NOON)
    Runs(database).start("run", Command.PLAN, RunTarget(Selection()), NOON)
    assert set(Retention(database).prune(NOON).values()) == {0}
    assert prune(database, 36_500)[1] == dict.fromkeys(Retention(database).prune(NOON), 0)


@contextmanager
def counted(database: Database) -> Iterator[Counter[str]]:
    """Statements and the rows that they found or changed; on SQLite the steps of its machine instead, by tens."""
    counts: Counter[str] = Counter()
    sqlite, watched = database.engine.dialect.name == "sqlite", set[Any]()

    def step() -> int:
        counts["steps"] += 1
        return 0

    def before(_connection: Any, cursor: Any, *_: Any) -> None:
        counts["statements"] += 1
        if sqlite:
            cursor.connection.set_progress_handler(step, 10)
            watched.add(cursor.connection)

    def after(_connection: Any, cursor: Any, *_: Any) -> None:
        counts["rows"] += max(0, cursor.rowcount)

    event.listen(database.engine, "before_cursor_execute", before)
    event.listen(database.engine, "after_cursor_execute", after)
    try:
        yield counts
    finally:
        event.remove(database.engine, "before_cursor_execute", before)
        event.remove(database.engine, "after_cursor_execute", after)
        # Rows are fetched after a statement has been executed, so not before.
        for connection in watched:
            connection.set_progress_handler(None, 0)


def pages(database: Database) -> int:
    """The size of an SQLite file, without what is free in it; PostgreSQL's is known after its vacuum alone."""
    if database.engine.dialect.name != "sqlite":
        return 0
    with database.reading() as session:
        in_file, free = (session.connection().exec_driver_sql(f"PRAGMA {n}").scalar_one() for n in SIZES)
    return in_file - free


@pytest.mark.long
@pytest.mark.timeout(6_000)
def test_a_year_of_nights_levels_off(database: Database) -> None:
    """Runs, pictures of the fleet, budgets and pages that were opened: after the retention no night adds a row, and a
    click costs what it cost half a year ago."""
    bring_in(database, *(customer(f"c{n}") for n in range(MANY)))
    runs, fleet, portal_sessions, retention = (
        Runs(database),
        Fleet(database),
        PortalSessions(database),
        Retention(database),
    )
    tables = (Run, FleetSnapshot, RequestDay, PortalSession, RequestEvidence, Plan, PlanItem, Warrant, Hold)
    sizes: list[dict[str, int]] = []
    clicks: list[Counter[str]] = []
    for night in range(0, 360, NIGHTS_APART):
        now = NOON + timedelta(days=night)
        runs.start(f"n{night}", Command.APPLY, RunTarget(Selection()), now, Lane.NIGHTLY)
        runs.finish(f"n{night}", RequestTotals(1, 1, 0), now)
        fleet.take(now)
        with database.writing() as session:
            days = [{"application": f"client-c{n}", "day": now.date()} for n in range(MANY)]
            session.connection().execute(insert(RequestDay), days)
        portal_sessions.open(f"l{night}", "c1", f"s{night}", now, now + timedelta(hours=8))
        with counted(database) as counts:
            assert click(database, "c1", f"s{night}", f"r{night}", now) == ["c1"]
        clicks.append(counts)
        with database.writing() as session:
            session.connection().exec_driver_sql("UPDATE integration SET acted_on_at = requested_at")
        retention.prune(now - timedelta(days=90))
        sizes.append({table.__tablename__: count(database, table) for table in tables} | {"pages": pages(database)})
    half = len(sizes) // 2
    print(f"{MANY} customers: {sizes[half]} and {sizes[-1]}, {dict(clicks[half])} and {dict(clicks[-1])}")  # noqa: T201
    used = sizes[half].pop("pages")
    assert sizes[-1].pop("pages") <= 1.05 * used
    assert sizes[-1] == sizes[half], "it has levelled off half a year ago"
    assert sizes[-1]["run"] <= 2 * (90 // NIGHTS_APART + 1)
    assert clicks[-1]["statements"] == clicks[half]["statements"]
    assert clicks[-1]["rows"] == clicks[half]["rows"]
    assert clicks[-1]["steps"] <= 1.1 * clicks[half]["steps"] + 10
