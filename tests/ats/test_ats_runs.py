"""Runs on record, and the reports that are drawn from the database."""

import pytest
from sqlalchemy.exc import NoResultFound

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database
from greenlight.ats.plans import Plans, UnknownPlan
from greenlight.ats.rows import item
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.store import Store, UnknownCustomer
from greenlight.ats.tables import Run
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import NOT_LOOKED_AT, Answer, Exit, after_look, settle_without_look
from greenlight.domain.plan import Action, Planned, RequestTotals
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command, Verdict
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from tests.ats.world import TYPES, at, begin, bring_in, customer, fails, integration, key_of, one, shows, wanted

ALL = RunTarget(Selection())
READY = after_look(Observation(Status.REQUESTED))


def run_on_record(database: Database, run_id: str = "run-1") -> Run:
    with database.reading() as session:
        return session.get_one(Run, run_id)


def plan_to_enable(database: Database, *ids: int) -> str:
    entries = [(id, Planned(item(integration(database, id)), Action.ENABLE, READY)) for id in ids]
    return Plans(database).save(entries, Selection(), RequestTotals(1, 2, 3), at(1))


def test_a_run_is_on_record_when_it_starts(database: Database) -> None:
    """A run that is killed was there, with its scope."""
    scope = RunTarget(Selection(customers=("acme",), types=TYPES[:1]), "p-1")
    assert Runs(database).start("run-1", Command.APPLY, scope, at(1)) == at(1)
    run = run_on_record(database)
    assert (run.command, run.plan_id, run.started_at, run.finished_at, run.verdict) == (
        "apply",
        "p-1",
        at(1),
        None,
        None,
    )
    assert Selection.model_validate(run.scope) == scope.selection


def test_a_repeated_run_keeps_its_start(database: Database) -> None:
    """Prefect may run a flow again under its id: what was seen since its first start is still fresh."""
    runs = Runs(database)
    runs.start("run-1", Command.APPLY, ALL, at(1))
    assert runs.start("run-1", Command.APPLY, ALL, at(9)) == at(1)
    assert runs.start("run-2", Command.APPLY, ALL, at(9)) == at(9)
    assert run_on_record(database).started_at == at(1)


def test_what_a_run_is_about(database: Database) -> None:
    """A plan's enables, or else the selection; mistakes in either are told."""
    first, second = bring_in(database, customer("acme"), customer("bolt"))
    runs, plan_id = Runs(database), plan_to_enable(database, second)
    assert runs.ids(ALL) == [first, second]
    assert runs.ids(RunTarget(Selection(customers=("acme",)))) == [first]
    assert runs.ids(RunTarget(Selection(), plan_id)) == [second]
    with pytest.raises(UnknownCustomer):
        runs.ids(RunTarget(Selection(customers=("zoo",))))
    with pytest.raises(UnknownPlan):
        runs.ids(RunTarget(Selection(), "nope"))


def test_the_end_of_a_run(database: Database) -> None:
    """When, with which verdict, and what it cost, on record and in the report."""
    id, runs = one(database), Runs(database)
    runs.start("run-1", Command.APPLY, ALL, at(1))
    shows(database, id, Status.ENABLED, at(2))
    report = runs.finish("run-1", RequestTotals(1, 2, 3), at(9))
    run = run_on_record(database)
    assert (run.finished_at, run.verdict, run.plan_id) == (at(9), "ok", None)
    assert (run.token_requests, run.verify_requests, run.enable_requests) == (1, 2, 3)
    assert (report.command, report.run_id, report.plan_id, report.price) == (Command.APPLY, "run-1", None, None)
    assert (report.requests, report.verdict) == (RequestTotals(1, 2, 3), Verdict.OK)


def test_the_requests_of_a_repeated_run_add_up(database: Database) -> None:
    """They were all sent, and LinkedIn counts them all."""
    runs = Runs(database)
    runs.start("run-1", Command.APPLY, ALL, at(1))
    runs.finish("run-1", RequestTotals(1, 2, 3), at(2))
    runs.start("run-1", Command.APPLY, ALL, at(3))
    assert runs.finish("run-1", RequestTotals(10, 20, 30), at(4)).requests == RequestTotals(11, 22, 33)
    assert run_on_record(database).finished_at == at(4)


def test_a_report_shows_what_its_run_found_out(database: Database) -> None:
    """What was not checked since the run began is not looked at, whatever stands in the row from before."""
    bring_in(database, *(customer(name) for name in ("old", "seen", "failed", "never")))
    ids, runs = Store(database).select(Selection()), Runs(database)
    for id in ids[:3]:
        shows(database, id, Status.REQUESTED, at(1))
    Store(database).record_plan(
        [(id, Planned(item(integration(database, id)), Action.ENABLE, READY)) for id in ids[:1]], at(2)
    )
    runs.start("run-1", Command.APPLY, ALL, at(10))
    shows(database, ids[1], Status.ENABLED, at(10))
    fails(database, ids[2], at(11), Reason.TOKEN_REJECTED)
    old, seen, failed, never = runs.report("run-1").items
    assert (old.condition, old.action, old.observed, old.observed_at) == (
        NOT_LOOKED_AT,
        Action.NONE,
        Status.REQUESTED,
        at(1),
    )
    assert (seen.condition.outcome, seen.observed) == (Outcome.ALREADY_ENABLED, Status.ENABLED)
    assert seen.condition_since == at(10)
    assert (failed.condition.reason, failed.observed) == (Reason.TOKEN_REJECTED, Status.REQUESTED)
    assert (never.condition, never.observed_at) == (NOT_LOOKED_AT, None)
    assert runs.report("run-1").verdict is Verdict.PARTIAL


def test_a_report_shows_what_was_planned(database: Database) -> None:
    """The action is the plan's, also after it was carried out."""
    id, runs = one(database), Runs(database)
    runs.start("run-1", Command.APPLY, ALL, at(1))
    shows(database, id, Status.REQUESTED, at(2))
    Store(database).record_plan([(id, Planned(item(integration(database, id)), Action.ENABLE, READY))], at(3))
    settlement, entry = settle_without_look(Answer(Exit.CONFIRMED)), wanted(database, id)
    attempt_id = begin(database, id, now=at(3))
    Attempts(database).end(attempt_id, entry, "run-1", settlement, at(4), seen=None, settles_at=at(4))
    (shown,) = runs.report("run-1").items
    assert (shown.action, shown.condition.outcome) == (Action.ENABLE, Outcome.UNKNOWN), "no look has shown it"
    shows(database, id, Status.ENABLED, at(5), purpose="confirm:run-1")
    (shown,) = runs.report("run-1").items
    assert (shown.action, shown.condition.outcome) == (Action.ENABLE, Outcome.ENABLED)
    assert (shown.customer_name, shown.integration_name) == ("acme Ltd", "APPLY_WITH_LINKEDIN of acme")


def test_the_report_of_a_plan_has_its_price(database: Database) -> None:
    """It covers all that was looked at, not just what the plan enables."""
    ids, runs = bring_in(database, customer("acme"), customer("bolt")), Runs(database)
    runs.start("run-1", Command.PLAN, ALL, at(0))
    plan_id = plan_to_enable(database, ids[0])
    report = runs.finish("run-1", RequestTotals(), at(2), plan_id=plan_id)
    assert (report.plan_id, report.price) == (plan_id, RequestTotals(1, 2, 3))
    assert len(report.items) == 2
    assert run_on_record(database).plan_id == plan_id


def test_the_report_of_an_applied_plan_is_about_what_it_enables(database: Database) -> None:
    """And the plan stays on the run when the run ends."""
    ids, runs = bring_in(database, customer("acme"), customer("bolt")), Runs(database)
    plan_id = plan_to_enable(database, ids[1])
    runs.start("run-1", Command.APPLY, RunTarget(Selection(), plan_id), at(0))
    report = runs.finish("run-1", RequestTotals(), at(2))
    assert [entry.item.customer_id for entry in report.items] == ["bolt"]
    assert (report.plan_id, report.price) == (plan_id, None)


def test_a_report_keeps_to_its_scope(database: Database) -> None:
    """Customers that came in later are in the next run's report if they are in its scope."""
    one(database)
    runs = Runs(database)
    runs.start("run-1", Command.APPLY, RunTarget(Selection(customers=("acme",))), at(0))
    bring_in(database, customer("bolt"))
    assert [entry.item.customer_id for entry in runs.report("run-1").items] == ["acme"]


def test_what_is_known_is_known_whoever_found_it_out(database: Database) -> None:
    """No run, no time limit; the action is what an apply would do about it now."""
    names = ("ready", "held", "enabled", "never")
    ids = bring_in(database, *(customer(name) for name in names))
    for id in ids[:2]:
        shows(database, id, Status.REQUESTED, at(-100_000))
    shows(database, ids[2], Status.ENABLED, at(-100_000))
    stale = Planned(item(integration(database, ids[2])), Action.ENABLE, after_look(Observation(Status.ENABLED)))
    Store(database).record_plan([(ids[2], stale)], at(-99_999))
    report = Runs(database).known(Command.STATUS, Selection())
    known = {entry.item.customer_id: entry for entry in report.items}
    assert [known[name].action for name in names] == [Action.ENABLE, Action.ENABLE, Action.NONE, Action.NONE]
    assert [known[name].condition.outcome for name in names] == [
        Outcome.WAITING,
        Outcome.WAITING,
        Outcome.ALREADY_ENABLED,
        Outcome.NOT_LOOKED_AT,
    ]
    assert (report.run_id, report.command, report.verdict) == (None, Command.STATUS, Verdict.OK)
    only = Runs(database).known(Command.EXPLAIN, Selection(customers=("held",)))
    assert [entry.item.customer_id for entry in only.items] == ["held"]
    with pytest.raises(UnknownCustomer):
        Runs(database).known(Command.STATUS, Selection(customers=("zoo",)))


def test_the_attempts_of_a_customer(database: Database) -> None:
    """All that ever happened to it, oldest first, and nothing of another customer."""
    first, second, other = bring_in(database, customer("acme", TYPES[:2]), customer("bolt"))
    for id in (second, first, other):
        shows(database, id, Status.REQUESTED)
        begin(database, id)
    shows(database, second, Status.NOT_REQUESTED, at(1))
    shows(database, second, Status.REQUESTED, at(2))
    begin(database, second, "run-2", at(3))
    told = Runs(database).attempts("acme")
    assert [(key, attempt.run_id, attempt.outcome) for key, attempt in told] == [
        (key_of("acme", TYPES[1]), "run-1", "not_applied"),
        (key_of("acme", TYPES[0]), "run-1", None),
        (key_of("acme", TYPES[1]), "run-2", None),
    ]
    assert Runs(database).attempts("zoo") == []


def test_a_run_that_never_started_has_no_report(database: Database) -> None:
    """An empty report would say that all is well."""
    with pytest.raises(NoResultFound):
        Runs(database).report("nope")
    with pytest.raises(NoResultFound):
        Runs(database).finish("nope", RequestTotals(), at(1))


@pytest.mark.parametrize("lane", [Lane.NIGHTLY, Lane.OPERATOR])
def test_a_night_that_leaves_out_what_rests_says_so(database: Database, lane: Lane) -> None:
    """Nothing was asked, so nothing failed in it; a person's run leaves nothing out, and must have failed to look."""
    id, runs = one(database), Runs(database)
    fails(database, id, at(1), Reason.LINKEDIN_UNAVAILABLE)
    runs.start("run-1", Command.APPLY, ALL, at(3), lane)
    (shown,) = runs.report("run-1").items
    assert shown.condition.outcome is Outcome.NOT_LOOKED_AT
    assert shown.condition.reason is (Reason.RESTING if lane is Lane.NIGHTLY else Reason.NOT_LOOKED_AT)
    assert (shown.next_try_at or at(0)) > at(3)
