"""What keeps a run from enabling: the day's budget, pauses, tripwires, back-off, another run at the same customer."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, delete, select

from flows.apply import apply
from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import ReconcileRequest, What
from greenlight.ats.budgets import Budgets
from greenlight.ats.holds import Holds
from greenlight.ats.leases import Leases
from greenlight.ats.ledger import Attempt, Warrant
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.plans import Plans
from greenlight.ats.tables import Customer, Run
from greenlight.domain import tripwires
from greenlight.domain.budget import Lane
from greenlight.reconcile import customer_leases
from sandbox.keys import Key
from sandbox.world import Fault
from tasks.realtime.requested import enable_requested
from tests.flows.fault_world import Case, import_file, world
from tests.tasks.realtime.test_tasks_requested import Customer as Visitor
from tests.tasks.realtime.test_tasks_requested import World

ENABLED = ("enabled", "ENABLED", "ENABLED")
NIGHTLY = ReconcileRequest(what=What.APPLY, lane=Lane.NIGHTLY)
TYPE = "APPLY_WITH_LINKEDIN"


def crowd(*names: str) -> tuple[Case, ...]:
    return tuple(Case(name, "an ordinary customer", ENABLED) for name in names)


def outcomes(report: Any) -> dict[str, tuple[str, str]]:
    return {i.item.customer_id: (i.condition.outcome.value, i.condition.reason.value) for i in report.items}


def named(*customers: str) -> ReconcileRequest:
    return ReconcileRequest(what=What.APPLY, customers=customers)


async def test_a_spent_budget_stops_before_the_wall_and_names_whom_it_did_not_reach(town: Any) -> None:
    """One limit for all of the parent's children: what is found is enabled, instead of looking at everybody."""
    cases = crowd("ada", "bob", "cyd", "dan")
    settings = {"GREENLIGHT_REQUESTS_PER_DAY": "7", "GREENLIGHT_BUDGET_SCOPE": "parent"}
    async with town(world(cases), **settings) as there:
        await there.bring_in(import_file(cases))
        state: Any = await reconcile(What.APPLY, return_state=True)
        sent = [operation for operation in there.operations() if operation != "token"]
        assert len(sent) <= 7
        report = there.report(state)
        # Whom the budget left no look for is not called enabled.
        ends = {("enabled", "ENABLED"), ("unknown", "CONFIRMED_NOT_SHOWN")}
        done = [name for name, outcome in outcomes(report).items() if outcome in ends]
        assert 2 <= len(done) <= 3, "looks that are under way side by side may take what an enable would have needed"
        missed = {name: outcome for name, outcome in outcomes(report).items() if name not in done}
        assert {reason for _, reason in missed.values()} == {"THROTTLED"}
        assert {outcome for outcome, _ in missed.values()} <= {"not_looked_at", "held"}
        assert all(f"{name} (THROTTLED)" in state.message for name in missed)
        assert report.exit_code == 3
        assert Budgets(there.database, 7).left("parent", Lane.REALTIME, there.now()) == 7 - len(sent)


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_an_application_has_its_own_day(town: Any, limit: int) -> None:
    """Seen and not enabled any more is held; what LinkedIn has confirmed is enabled once a look has shown it."""
    cases = crowd("ada", "bob")
    async with town(world(cases), GREENLIGHT_REQUESTS_PER_DAY=str(limit)) as there:
        await there.bring_in(import_file(cases))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        expected = [("held", "THROTTLED"), ("unknown", "CONFIRMED_NOT_SHOWN"), ("enabled", "ENABLED")][limit - 1]
        assert outcomes(report) == {"ada": expected, "bob": expected}
        assert len([operation for operation in there.operations() if operation != "token"]) == 2 * limit


async def test_refusals_park_an_application_and_nobody_else(town: Any) -> None:
    full = Fault(on="verify", fault="throttle", times=None)
    cases = (Case("ada", "its limit is reached", ENABLED, faults=(full,)), *crowd("bob"))
    async with town(world(cases), GREENLIGHT_RETRY_DELAYS_SECONDS="0,0,0,0,0,0,0,0") as there:
        await there.bring_in(import_file(cases))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert outcomes(report) == {"ada": ("not_looked_at", "THROTTLED"), "bob": ("enabled", "ENABLED")}
        asked = [e for e in there.linkedin.log if e.client_id == "appada" and e.operation == "verify"]
        assert len(asked) == 4, "after the fourth 429 in a row nothing is sent before the day turns"


async def test_a_pause_holds_whoever_runs_and_ends(town: Any) -> None:
    cases = crowd("ada", "bob")
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        pauses, now = Pauses(there.database), there.now()
        pauses.begin(Pause("ada", "a dispute", "ann", now, now + timedelta(hours=1)))
        report = there.report(await reconcile(**dict(named("ada", "bob")), return_state=True))
        assert outcomes(report) == {"ada": ("held", "PAUSED"), "bob": ("enabled", "ENABLED")}
        (held,) = [item for item in report.items if item.item.customer_id == "ada"]
        assert "by ann until" in (held.condition.detail or "")
        pauses.end("ada")
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert outcomes(report)["ada"] == ("enabled", "ENABLED")


async def test_one_organization_of_two_customers_is_enabled_when_a_person_lifts_one(town: Any) -> None:
    ada, bob = crowd("ada", "bob")
    both = world((ada, bob))
    both.applications[1].integrations[0] = both.applications[0].integrations[0].model_copy()
    async with town(both) as there:
        await there.bring_in(import_file((ada, bob)).replace("organization:bob", "organization:ada"))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert outcomes(report) == {"ada": ("held", "CLAIMED_TWICE"), "bob": ("held", "CLAIMED_TWICE")}
        report = there.report(await reconcile(**dict(named("ada", "bob")), return_state=True))
        assert outcomes(report) == {"ada": ("held", "CLAIMED_TWICE"), "bob": ("held", "CLAIMED_TWICE")}
        assert "enable" not in there.operations(), "a run that names a customer is no word about the claim"

        Holds(there.database).lift(["bob"], "ann", there.now())
        plan_id = there.report(await plan(("bob",), return_state=True)).plan_id
        Plans(there.database).approve(plan_id, "ann", there.now())
        report = there.report(await apply(plan_id, return_state=True))
        assert outcomes(report) == {"bob": ("enabled", "ENABLED")}
        assert there.enables()["ada"] == {"received": 0, "effective": 0}


@pytest.mark.parametrize("word", ["import", "person"])
async def test_what_nobody_ever_asked_for_is_held(town: Any, word: str) -> None:
    """A row that a script or a mistake put there, and LinkedIn happens to show REQUESTED for it."""
    cases = crowd("ada")
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        with there.database.writing() as session:
            session.exec(delete(Warrant))
        assert outcomes(there.report(await reconcile(What.APPLY, return_state=True))) == {
            "ada": ("held", "WITHOUT_EVIDENCE")
        }
        assert (
            outcomes(there.report(await reconcile(**dict(NIGHTLY), return_state=True)))["ada"][1] == "WITHOUT_EVIDENCE"
        )
        if word == "import":
            await there.bring_in(import_file(cases))
            state: Any = await reconcile(What.APPLY, return_state=True)
        else:
            state = await reconcile(**dict(named("ada")), return_state=True)
        assert outcomes(there.report(state)) == {"ada": ("enabled", "ENABLED")}
        with there.database.reading() as session:
            query = select(Warrant.word).join(Attempt, col(Attempt.warrant_id) == Warrant.id)
            assert session.exec(query).all() == [word]


async def test_what_is_requested_once_more_waits_for_a_new_word(town: Any) -> None:
    """What brought it about the first time is used up, however often a night finds it REQUESTED again."""
    cases = crowd("ada")
    async with town(world(cases), GREENLIGHT_RECHECK_DAYS="1") as there:
        await there.bring_in(import_file(cases))
        await reconcile(What.APPLY, return_state=True)
        there.linkedin.set_status("appada", Key("urn:li:organization:ada", TYPE, "JOBS"), "REQUESTED")
        for _ in range(2):
            found = outcomes(there.report(await reconcile(**dict(NIGHTLY), return_state=True)))
            assert found["ada"] == ("held", "WITHOUT_EVIDENCE")
        await there.bring_in(import_file(cases))
        assert outcomes(there.report(await reconcile(**dict(NIGHTLY), return_state=True)))["ada"] == (
            "enabled",
            "ENABLED",
        )


async def test_when_everybody_is_gone_at_once_no_night_is_a_good_one(town: Any) -> None:
    """Twelve customers that LinkedIn showed as enabled, and then nothing of any: nobody was told, and it said ok."""
    cases = crowd(*(f"c{number:02}" for number in range(12)))
    async with town(world(cases), GREENLIGHT_RECHECK_DAYS="1") as there:
        await there.bring_in(import_file(cases))
        await reconcile(What.APPLY, return_state=True)
        for case in cases:
            key = Key(f"urn:li:organization:{case.id}", TYPE, "JOBS")
            there.linkedin.set_status(f"app{case.id}", key, None)
        for _ in range(2):
            state: Any = await reconcile(**dict(NIGHTLY), return_state=True)
            report = there.report(state)
            assert set(outcomes(report).values()) == {("held", "SUDDENLY_EMPTY")}
            assert (state.is_failed(), report.exit_code) == (True, 3)
        Holds(there.database).lift([], "ann", there.now())
        report = there.report(await reconcile(**dict(NIGHTLY), return_state=True))
        assert (set(outcomes(report).values()), report.exit_code) == ({("waiting", "NOT_REQUESTED")}, 0)


async def test_the_night_leaves_out_what_rests_and_a_person_does_not(town: Any) -> None:
    """A dead credential costs a request per back-off, not per night and item; new keys end the wait."""
    dead = Fault(on="token", fault="status", status=401, times=None)
    cases = (Case("ada", "its secret is dead", ENABLED, faults=(dead,)), *crowd("bob"))
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        first = there.report(await reconcile(**dict(NIGHTLY), return_state=True))
        assert outcomes(first)["ada"] == ("failed", "CREDENTIALS_REFUSED")
        asked = len([e for e in there.linkedin.log if e.client_id == "appada"])
        again = there.report(await reconcile(**dict(NIGHTLY), return_state=True))
        assert outcomes(again)["ada"] == ("failed", "CREDENTIALS_REFUSED"), "why it rests is still said"
        assert len([e for e in there.linkedin.log if e.client_id == "appada"]) == asked

        there.linkedin.set_faults("appada", [])
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert outcomes(report)["ada"] == ("enabled", "ENABLED")


async def test_new_keys_are_tried_in_the_next_night(town: Any) -> None:
    cases = crowd("ada")
    async with town(world(cases)) as there:
        await there.bring_in(import_file(cases).replace("S3cr3t", "wr0ng"))
        assert outcomes(there.report(await reconcile(**dict(NIGHTLY), return_state=True)))["ada"][0] == "failed"
        await there.bring_in(import_file(cases))
        assert outcomes(there.report(await reconcile(**dict(NIGHTLY), return_state=True)))["ada"] == (
            "enabled",
            "ENABLED",
        )


async def test_what_is_no_longer_enabled_is_found_and_named(town: Any) -> None:
    cases = crowd("ada", "bob")
    async with town(world(cases), GREENLIGHT_RECHECK_DAYS="1") as there:
        await there.bring_in(import_file(cases))
        await reconcile(What.APPLY, return_state=True)
        there.linkedin.set_status("appada", Key("urn:li:organization:ada", TYPE, "JOBS"), None)
        state: Any = await reconcile(**dict(NIGHTLY), return_state=True)
        assert (state.name, state.is_failed()) == ("DriftFound", True)
        assert "No longer enabled at LinkedIn: ada (NOT_REQUESTED)." in state.message
        assert outcomes(there.report(state))["ada"] == ("waiting", "NOT_REQUESTED")
        assert (await reconcile(**dict(NIGHTLY), return_state=True)).name == "Converged", "it was named once"


async def test_a_run_that_meets_another_one_says_who_has_the_customer(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_leases, "PAUSES", (0.05,))
    cases = crowd("ada", "bob")
    async with town(world(cases), GREENLIGHT_RETRY_DELAYS_SECONDS="") as there:
        await there.bring_in(import_file(cases))
        other = Leases(there.database)
        assert other.take("ada", "a-stuck-run", there.now() + timedelta(minutes=2)) is None
        state: Any = await reconcile(What.APPLY, return_state=True)
        report = there.report(state)
        assert outcomes(report) == {"ada": ("not_looked_at", "CUSTOMER_BUSY"), "bob": ("enabled", "ENABLED")}
        (skipped,) = [item for item in report.items if item.item.customer_id == "ada"]
        assert skipped.condition.detail == "another run a-stuck-run is at it"
        assert "ada (CUSTOMER_BUSY)" in state.message
        other.release("ada")
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert outcomes(report)["ada"] == ("enabled", "ENABLED")


async def test_two_runs_and_a_callback_for_the_same_customers_share_the_work(town: Any) -> None:
    """One enable per key, no deadlock, and each run says for whom it waited."""
    slow = Fault(on="verify", fault="hang", seconds=0.15, times=None)
    visitors = [Visitor(f"c{number}", slow) for number in range(10)]
    everyone = World(applications=[visitor.application for visitor in visitors])
    async with town(everyone, GREENLIGHT_HTTP_TIMEOUT_SECONDS="20") as there:
        for visitor in visitors:
            await visitor.move_in(there)
            visitor.clicks(there)
        everybody = named(*(visitor.id for visitor in visitors))
        states = await asyncio.gather(
            reconcile(**dict(everybody), return_state=True),
            reconcile(**dict(everybody), return_state=True),
            enable_requested(),
        )
        assert {v.id: there.enables()[v.id]["effective"] for v in visitors} == {v.id: 1 for v in visitors}
        assert sum(there.enables()[v.id]["received"] for v in visitors) == len(visitors)
        for state in states[:2]:
            report = there.report(state)
            assert report.exit_code == 0
            assert {i.observed.value for i in report.items} == {"ENABLED"}
        with there.database.reading() as session:
            assert session.exec(select(Attempt).where(col(Attempt.closed_at).is_(None))).all() == []
            assert session.exec(select(Customer).where(col(Customer.locked_by).is_not(None))).all() == []
            assert [run for run in session.exec(select(Run)) if run.verdict != "ok"] == []


async def test_a_night_leaves_a_jump_to_a_person_until_one_has_lifted_it(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import of thousands, or a defect that looks like one, is no business of a run that nobody watches."""
    monkeypatch.setattr(tripwires, "JUMP_AT_LEAST", 2)
    before, after = crowd("ada"), crowd("ada", "bob", "cyd")
    async with town(world(after)) as there:
        await there.bring_in(import_file(before))
        assert outcomes(there.report(await reconcile(**dict(NIGHTLY), return_state=True))) == {
            "ada": ("enabled", "ENABLED")
        }
        await there.bring_in(import_file(after))
        for request in (NIGHTLY, NIGHTLY, ReconcileRequest(what=What.APPLY), named("bob", "cyd")):
            found = outcomes(there.report(await reconcile(**dict(request), return_state=True)))
            assert (found["bob"], found["cyd"]) == (("held", "WANTED_SET_JUMPED"), ("held", "WANTED_SET_JUMPED"))
        Holds(there.database).lift(["bob", "cyd"], "ann", there.now())
        found = outcomes(there.report(await reconcile(**dict(NIGHTLY), return_state=True)))
        assert (found["bob"], found["cyd"]) == (("enabled", "ENABLED"), ("enabled", "ENABLED"))
