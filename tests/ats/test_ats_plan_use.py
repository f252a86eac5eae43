"""A plan is applied once, by one run, while it and its approval are good."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from greenlight.ats.database import Database
from greenlight.ats.ledger import Warrant, Word
from greenlight.ats.plans import PLAN_LIFETIME, PlanRefused, Plans
from greenlight.ats.registry import Registration, register
from greenlight.ats.tables import Plan
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.asking import at_once
from tests.ats.test_ats_plans import PRICE, planned
from tests.ats.world import NOON, at, bring_in, customer, shows

RUNS = 6


@pytest.fixture
def plan_id(database: Database) -> str:
    """A plan of two enables, made at noon."""
    ids = bring_in(database, *(customer(f"c{n}") for n in range(5)))
    return Plans(database).save(planned(database, ids), Selection(), PRICE, NOON)


def words(database: Database) -> list[tuple[str | None, str | None]]:
    """Whose word a plan's use has put on record, and for which run."""
    with database.reading() as session:
        query = select(Warrant).where(Warrant.word == Word.PLAN).order_by(col(Warrant.id))
        return [(warrant.given_by, warrant.run_id) for warrant in session.exec(query)]


def test_a_plan_is_used_by_one_run(database: Database, plan_id: str) -> None:
    """A run that is repeated has it already; any other is told which one has."""
    plans = Plans(database)
    plans.approve(plan_id, "ann", at(1))
    for _ in range(2):
        plans.use(plan_id, "run-1", at(2))
    with pytest.raises(PlanRefused, match="was applied at 2026-03-01 12:02:00Z by run run-1; a plan is used once"):
        plans.use(plan_id, "run-2", at(3))
    with pytest.raises(PlanRefused, match="a plan is used once"):
        plans.approve(plan_id, "bob", at(3))
    assert words(database) == [("ann", "run-1")] * 2


def test_many_runs_at_the_same_moment(database: Database, plan_id: str) -> None:
    plans = Plans(database)
    plans.approve(plan_id, "ann", at(1))
    refused = at_once(RUNS, lambda place: plans.use(plan_id, f"run-{place}", at(2)))
    assert sum(error is None for error in refused) == 1
    assert sum(isinstance(error, PlanRefused) for error in refused) == RUNS - 1
    with database.reading() as session:
        used_by = session.get_one(Plan, plan_id).used_by_run
    assert words(database) == [("ann", used_by)] * 2


def test_nothing_is_applied_without_approval(database: Database, plan_id: str) -> None:
    with pytest.raises(PlanRefused, match="nobody has approved"):
        Plans(database).use(plan_id, "run-1", at(2))
    assert words(database) == []


def test_an_approval_ends(database: Database, plan_id: str) -> None:
    """At its last moment, not after it; whoever renews it is on record."""
    plans = Plans(database)
    plans.approve(plan_id, "ann", at(1), timedelta(minutes=10))
    with pytest.raises(PlanRefused, match="by ann ended at 2026-03-01 12:11:00Z"):
        plans.use(plan_id, "run-1", at(11))
    plans.approve(plan_id, "bob", at(12), timedelta(minutes=10))
    plans.use(plan_id, "run-1", at(21.9))
    assert words(database) == [("bob", "run-1")] * 2


def test_a_plan_expires_whatever_its_approval_says(database: Database, plan_id: str) -> None:
    plans = Plans(database)
    approved = plans.approve(plan_id, "ann", at(1), timedelta(days=30))
    assert approved.expires_at == NOON + PLAN_LIFETIME
    for act in (
        lambda: plans.use(plan_id, "run-1", NOON + PLAN_LIFETIME),
        lambda: plans.approve(plan_id, "ann", NOON + PLAN_LIFETIME),
        lambda: plans.check(plan_id, NOON + PLAN_LIFETIME),
    ):
        with pytest.raises(PlanRefused, match="has expired"):
            act()
    assert words(database) == []


def test_what_was_approved_under_another_application_is_told_apart(database: Database) -> None:
    """A look under an application that was replaced since is no reason to enable under the new one."""
    ids = bring_in(database, *(customer(f"c{n}") for n in range(5)))
    for id in ids:
        shows(database, id, Status.REQUESTED, at(1))
    plans = Plans(database)
    plan_id = plans.save(planned(database, ids), Selection(), PRICE, at(2))
    assert plans.of_another_application(plan_id) == []
    register(database, [Registration("c4", "c4 Ltd", ("client-new", "child-app-c4"), [])], at(3))
    assert [item.customer_id for item in plans.of_another_application(plan_id)] == ["c4"]
