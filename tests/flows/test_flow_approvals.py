"""Plan, approve, apply: a plan is applied by its id, exactly, once, while somebody's approval holds."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from blocks.child_app import ChildAppBlocks, block_name
from flows.apply import apply
from flows.approve import approve
from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import ApplyRequest, PlanRequest, ReconcileRequest, What
from greenlight.ats.plans import PlanRefused, Plans, UnknownPlan
from greenlight.ats.registry import Registration, register
from greenlight.linkedin.oauth import Credentials
from sandbox.keys import Key
from tests.flows.fault_world import Case, import_file, world

ENABLED = ("enabled", "ENABLED", "ENABLED")
CROWD = tuple(Case(name, "an ordinary customer", ENABLED) for name in ("ada", "bob", "cyd", "dan", "eve"))


def outcomes(report: Any) -> dict[str, tuple[str, str]]:
    return {i.item.customer_id: (i.condition.outcome.value, i.condition.reason.value) for i in report.items}


async def made(there: Any) -> str:
    await there.bring_in(import_file(CROWD))
    plan_id = there.report(await plan(return_state=True)).plan_id
    assert plan_id is not None
    return plan_id


async def refusal(plan_id: str) -> str:
    """What a person reads of a run that refused; a traceback in its log would be a defect."""
    state: Any = await apply(plan_id, return_state=True)
    assert (state.is_failed(), state.name) == (True, "Refused")
    assert isinstance(state.message, str)
    return state.message


async def test_what_changed_since_the_approval_is_dropped_by_name_and_the_rest_goes_on(town: Any) -> None:
    """Of five, one was withdrawn, one was enabled by somebody else, and one customer has another application."""
    async with town(world(CROWD)) as there:
        plan_id = await made(there)
        miscounted: Any = await approve(plan_id=plan_id, approved_by="a script", enables=0, return_state=True)
        assert (miscounted.name, "enables 5" in miscounted.message) == ("Refused", True), miscounted.message
        await approve(plan_id=plan_id, approved_by="an operator", return_state=True)
        for name, status in (("bob", None), ("cyd", "ENABLED")):
            key = Key(f"urn:li:organization:{name}", "APPLY_WITH_LINKEDIN", "JOBS")
            there.linkedin.set_status(f"app{name}", key, status)
        register(there.database, [Registration("dan", "dan", ("another", block_name("dan")), [])], there.now())
        await ChildAppBlocks().save_many({block_name("dan"): Credentials("another", SecretStr("x"))})

        state: Any = await apply(plan_id, return_state=True)
        report = there.report(state)
        assert {item.item.customer_id for item in report.dropped()} == {"bob", "cyd", "dan"}
        assert outcomes(report)["ada"] == outcomes(report)["eve"] == ("enabled", "ENABLED")
        assert outcomes(report)["bob"] == ("waiting", "NOT_REQUESTED")
        assert outcomes(report)["cyd"] == ("already_enabled", "ENABLED")
        assert outcomes(report)["dan"] == ("held", "CHANGED_SINCE_PLAN")
        assert "Dropped since the plan: bob (NOT_REQUESTED), cyd (ENABLED), dan (CHANGED_SINCE_PLAN)" in state.message
        received = {name: count["received"] for name, count in there.enables().items()}
        assert received == {"ada": 1, "bob": 0, "cyd": 0, "dan": 0, "eve": 1}


async def test_without_an_approval_nothing_is_asked_or_enabled(town: Any) -> None:
    async with town(world(CROWD)) as there:
        plan_id = await made(there)
        before = len(there.linkedin.log)
        error = await refusal(plan_id)
        assert f"greenlight approve {plan_id}" in error
        assert len(there.linkedin.log) == before


async def test_a_plan_is_used_once(town: Any) -> None:
    async with town(world(CROWD)) as there:
        plan_id = await made(there)
        Plans(there.database).approve(plan_id, "an operator", there.now())
        first = there.report(await apply(plan_id, return_state=True))
        error = await refusal(plan_id)
        assert f"by run {first.run_id}" in error
        with pytest.raises(PlanRefused):
            Plans(there.database).approve(plan_id, "an operator", there.now())


async def test_plans_and_approvals_end(town: Any) -> None:
    async with town(world(CROWD)) as there:
        plan_id = await made(there)
        plans, now = Plans(there.database), there.now()
        plans.approve(plan_id, "an operator", now - timedelta(hours=2), timedelta(hours=1))
        with pytest.raises(PlanRefused, match=r"the approval of plan .* by an operator ended"):
            plans.use(plan_id, "a run", now)
        plans.approve(plan_id, "an operator", now)
        with pytest.raises(PlanRefused, match="has expired"):
            plans.use(plan_id, "a run", now + timedelta(hours=25))
        with pytest.raises(UnknownPlan):
            plans.use("no such plan", "a run", now)
        plans.use(plan_id, "a run", now)
        plans.use(plan_id, "a run", now), "a run that Prefect repeats has it already"


async def test_the_form_can_plan_without_enabling(town: Any) -> None:
    async with town(world(CROWD)) as there:
        await there.bring_in(import_file(CROWD))
        request = ReconcileRequest(what=What.PLAN, except_customers=("ada", "bob"))
        report = there.report(await reconcile(**dict(request), return_state=True))
        assert set(outcomes(report)) == {"cyd", "dan", "eve"}
        assert (report.command.value, report.exit_code) == ("plan", 2)
        assert "enable" not in there.operations()


BAD = [
    pytest.param({"customers": ["ada"], "except_customers": ["ada"]}, "nobody is left", id="nobody"),
    pytest.param({"plan_id": "p", "what": "apply"}, "Extra inputs", id="a plan, which stands alone"),
    pytest.param({"max_changes": -1}, "greater than or equal to 0", id="less than nothing"),
    pytest.param({"dry_run": True}, "Extra inputs", id="a field that is none"),
]


@pytest.mark.parametrize(("given", "why"), BAD)
def test_a_form_that_makes_no_sense_is_refused_before_the_run(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ReconcileRequest.model_validate(given)


COMMANDS = [
    (PlanRequest(), "greenlight plan"),
    (ReconcileRequest(), "greenlight plan"),
    (ReconcileRequest(what=What.APPLY), "greenlight apply --yes"),
    (
        ReconcileRequest(what=What.APPLY, customers=("a b", "c"), types=("CSA_API",), max_changes=7),
        "greenlight apply --customer 'a b' --customer c --type CSA_API --max-changes 7 --yes",
    ),
    (ReconcileRequest(what=What.PLAN, except_customers=("x",)), "greenlight plan --except x"),
    (ApplyRequest(plan_id="p-1"), "greenlight apply p-1 --yes"),
]


@pytest.mark.parametrize(("request_", "command"), COMMANDS)
def test_every_run_knows_the_command_that_repeats_it(request_: PlanRequest | ApplyRequest, command: str) -> None:
    assert request_.command() == command


async def test_a_bad_parameter_ends_the_run_in_one_sentence(town: Any) -> None:
    async with town(world(CROWD)):
        state: Any = await reconcile(max_changes=-1, return_state=True)
        assert (state.name, state.message) == ("Refused", "max_changes: Input should be greater than or equal to 0")


async def test_a_plan_with_a_greater_cap_is_applied_up_to_it(town: Any) -> None:
    many = tuple(Case(f"c{number:03}", "an ordinary customer", ENABLED) for number in range(201))
    async with town(world(many)) as there:
        await there.bring_in(import_file(many))
        state: Any = await plan(max_changes=500, return_state=True)
        made, shown = there.report(state), await there.artifacts(state)
        pages = [shown["reconcile-plan"], shown["reconcile-plan-2"]]
        assert [page.count("| + enable |") for page in pages] == [200, 1]
        assert [f"Page {number} of 2" in page for number, page in enumerate(pages, 1)] == [True, True]
        assert all(f"| {case.id} |" in "".join(pages) for case in many), "whoever approves sees all that is enabled"
        Plans(there.database).approve(made.plan_id or "", "an operator", there.now())
        report = there.report(await apply(made.plan_id or "", return_state=True))
        assert report.counts()["enabled"] == 201
