"""Plans, caps, exact plans, interrupted runs: what a run does and, above all, what it does not."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.apply import apply
from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.attempts import Attempts
from greenlight.ats.looks import Look
from greenlight.ats.plans import Plans, UnknownPlan
from greenlight.ats.store import Store
from greenlight.domain.conditions import after_look
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from greenlight.reconcile.observe import Observer
from sandbox.keys import Key
from sandbox.world import Fault
from tests.flows.fault_world import Case, import_file, world

ENABLED = ("enabled", "ENABLED", "ENABLED")
THREE = tuple(Case(name, "an ordinary customer", ENABLED) for name in ("ada", "bob", "cyd"))


def outcomes(report: Any) -> dict[str, tuple[str, str]]:
    return {i.item.customer_id: (i.condition.outcome.value, i.condition.reason.value) for i in report.items}


async def test_a_plan_sends_no_post_to_the_api_and_has_a_price(town: Any) -> None:
    async with town(world(THREE)) as there:
        await there.bring_in(import_file(THREE))
        report = there.report(await plan(return_state=True))

        assert outcomes(report) == dict.fromkeys(("ada", "bob", "cyd"), ("waiting", "READY_TO_ENABLE"))
        assert {item.action.value for item in report.items} == {"enable"}
        assert report.exit_code == 2
        assert report.price is not None
        assert (report.price.token, report.price.verify, report.price.enable) == (3, 6, 3)
        assert {e.method for e in there.linkedin.log if e.operation != "token"} == {"GET"}

        before = len(there.linkedin.log)
        Plans(there.database).approve(report.plan_id, "somebody", there.now())
        await apply(report.plan_id, return_state=True)
        sent = [e.operation for e in there.linkedin.log[before:]]
        assert [sent.count(o) for o in ("token", "verify", "enable")] == [3, 6, 3], "the price was right"


async def test_a_plan_is_applied_exactly(town: Any) -> None:
    async with town(world(THREE)) as there:
        await there.bring_in(import_file(THREE))
        made = there.report(await plan(except_customers=("cyd",), return_state=True))
        there.linkedin.set_status("appbob", Key("urn:li:organization:bob", "APPLY_WITH_LINKEDIN", "JOBS"), None)
        Plans(there.database).approve(made.plan_id, "somebody", there.now())
        report = there.report(await apply(made.plan_id, return_state=True))

        assert outcomes(report) == {"ada": ("enabled", "ENABLED"), "bob": ("waiting", "NOT_REQUESTED")}, (
            "what changed since the plan is looked at again and left alone; cyd was not in it"
        )
        assert there.enables()["cyd"] == {"received": 0, "effective": 0}


async def test_an_unknown_plan_changes_nothing(town: Any) -> None:
    async with town(world(THREE)) as there:
        await there.bring_in(import_file(THREE))
        state = await apply("nope", return_state=True)
        assert state.is_failed()
        assert isinstance(state.data, UnknownPlan) or "nope" in str(state.message)
        assert there.linkedin.log == []


async def test_the_cap_holds_the_rest_and_the_next_run_takes_it(town: Any) -> None:
    async with town(world(THREE)) as there:
        await there.bring_in(import_file(THREE))
        first = there.report(await reconcile(What.APPLY, max_changes=1, return_state=True))
        assert outcomes(first) == {
            "ada": ("enabled", "ENABLED"),
            "bob": ("held", "HELD_BY_CAP"),
            "cyd": ("held", "HELD_BY_CAP"),
        }
        assert first.exit_code == 3
        second = there.report(await reconcile(What.APPLY, return_state=True))
        assert outcomes(second)["cyd"] == ("enabled", "ENABLED")
        assert second.exit_code == 0


@pytest.mark.parametrize("done", [True, False], ids=["LinkedIn had done it", "LinkedIn had not done it"])
async def test_an_intent_left_by_a_killed_run_is_settled_by_looking(town: Any, done: bool) -> None:
    async with town(world(THREE[:1])) as there:
        await there.bring_in(import_file(THREE[:1]))
        store, attempts = Store(there.database), Attempts(there.database)
        (wanted,) = store.wanted(store.select(Selection()))
        past = datetime.now(UTC) - timedelta(seconds=1)
        seen = Observation(Status.REQUESTED)
        store.record_looks("observe:killed", [Look(wanted.id, seen, after_look(seen), final=True)], past)
        settles_at = past + timedelta(seconds=2)
        attempts.begin(wanted, "killed", "appada", past, settles_at=settles_at)
        if done:
            key = Key("urn:li:organization:ada", "APPLY_WITH_LINKEDIN", "JOBS")
            there.linkedin.set_status("appada", key, "ENABLED")
        report = there.report(await reconcile(What.APPLY, return_state=True))

        expected = ("already_enabled", "ENABLED") if done else ("enabled", "ENABLED")
        assert outcomes(report) == {"ada": expected}
        ends = [(attempt.run_id, attempt.outcome) for _, attempt in there.runs.attempts("ada")]
        ours = [(report.run_id, "confirmed")]
        assert ends == ([("killed", "confirmed_by_looking")] if done else [("killed", "not_applied"), *ours])
        sent = [e.time for e in there.linkedin.log if e.operation == "enable"]
        assert all(time >= settles_at.timestamp() for time in map(_seconds, sent)), "not before the doubt had settled"


def _seconds(time: Any) -> float:
    return time if isinstance(time, float) else datetime.fromisoformat(str(time)).timestamp()


async def test_runs_at_the_same_time_enable_each_integration_once(town: Any) -> None:
    """Nightly, by hand and once more: each enable has one sender, and each report counts its own."""
    crowd = tuple(Case(f"c{number}", "an ordinary customer", ENABLED) for number in range(20))
    async with town(world(crowd), GREENLIGHT_RETRY_DELAYS_SECONDS="0.3,0.3,0.3") as there:
        await there.bring_in(import_file(crowd))
        states = await asyncio.gather(*(reconcile(What.APPLY, return_state=True) for _ in range(3)))
        reports = [there.report(state) for state in states]

        assert list(there.enables().values()) == [{"received": 1, "effective": 1}] * 20
        assert sum(report.counts()["enabled"] for report in reports) == 20
        assert [report.exit_code for report in reports] == [0, 0, 0]
        assert there.violations() == []


async def test_a_defect_in_one_chunk_stops_no_other_and_is_not_called_success(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(world(THREE)) as there:
        await there.bring_in(import_file(THREE))
        monkeypatch.setattr("tasks.parts.chunks.CUSTOMERS_PER_LOOK", 1)
        honest = Observer.look

        async def broken(self: Observer, run_id: str, purpose: Any, ids: Any, pace: Any) -> Any:
            (wanted,) = self._store.wanted(ids)
            if wanted.item.customer_id == "bob":
                raise ZeroDivisionError
            return await honest(self, run_id, purpose, ids, pace)

        monkeypatch.setattr(Observer, "look", broken)
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert outcomes(report)["bob"] == ("not_looked_at", "NOT_LOOKED_AT")
        assert outcomes(report)["cyd"] == ("enabled", "ENABLED")
        assert report.exit_code == 3


async def test_one_bad_integration_of_a_customer_does_not_hide_the_others(town: Any) -> None:
    async with town(world(THREE[:1])) as there:
        text = import_file(THREE[:1])
        await there.bring_in(text + text.replace("organization:ada", "organization:adaBad"))
        there.linkedin.set_faults(
            "appada", [Fault.model_validate({"on": "verify", "fault": "invalid_context", "times": 1})]
        )
        report = there.report(await reconcile(What.APPLY, return_state=True))
        by_context = {i.item.key.integration_context: i.condition.reason.value for i in report.items}
        assert by_context["urn:li:organization:ada"] == "ENABLED", "one refused query is asked again key by key"


async def test_what_prefect_shows_of_a_run(town: Any) -> None:
    async with town(world(THREE)) as there:
        await there.bring_in(import_file(THREE))
        state = await reconcile(What.APPLY, return_state=True)
        assert (state.type.value, state.name) == ("COMPLETED", "Converged")
        async with get_client() as client:
            run_id = state.state_details.flow_run_id
            ours = await there.artifacts(state)
            assert set(ours) == {"reconcile-plan", "reconcile-outcome", "fleet-picture", "fleet-figures"}
            assert "3 to enable" in ours["reconcile-plan"]
            assert ours["reconcile-outcome"].count("ENABLED") >= 3
            run = await client.read_flow_run(run_id)
            assert "secret" not in str(run.parameters).lower()


async def test_a_name_that_is_markup_is_inert_in_the_artifacts(town: Any) -> None:
    nasty = Case("x|y`<img src=x onerror=alert(1)>[a](b)", "hostile", ENABLED)
    text = import_file((Case("ada", "ordinary", ENABLED),)).replace(
        '"customer_id": "ada"', f'"customer_id": "{nasty.id}"'
    )
    async with town(world(THREE[:1])) as there:
        await there.bring_in(text)
        state = await reconcile(What.APPLY, return_state=True)
        data = "".join((await there.artifacts(state)).values())
        assert "urn:li:organization:ada" in data
        assert "<img" not in data.replace("\\<img", "")
        assert "x|y" not in data


def test_keys_of_ours_and_of_the_sandbox_agree_on_the_seeds_sample() -> None:
    ours = IntegrationKey("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS")
    theirs = Key("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS")
    assert tuple(value for _, value in ours.parts()) == tuple(theirs)
