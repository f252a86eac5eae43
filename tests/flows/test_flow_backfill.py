"""Migrated customers: what is enabled is only recorded, the rest goes in waves, and a surprise stops them."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from pydantic import ValidationError
from sqlmodel import select

from flows.backfill import backfill
from flows.reconcile import reconcile
from flows.request import BackfillRequest, What
from greenlight.ats.tables import RequestDay
from greenlight.domain.budget import Lane, ceiling
from sandbox.world import Application, Fault, Integration, World

TYPE = "APPLY_WITH_LINKEDIN"


def crowd(number: int, **faults: list[Fault]) -> tuple[World, str]:
    """A world of migrated customers, every fourth of them enabled already, and the file that brings them in."""
    applications, rows = [], []
    for n in range(number):
        name = f"csa{n:03}"
        context = f"urn:li:organization:{name}"
        applications.append(
            Application(
                client_id=f"app{name}",
                client_secret=f"secret of {name}",
                customer=name,
                integrations=[
                    Integration(
                        integration_context=context,
                        integration_type=TYPE,
                        tenant_type="JOBS",
                        onboarding_status="REQUESTED" if n % 4 else "ENABLED",
                    )
                ],
                faults=faults.get(name, []),
            )
        )
        row = {"customer_id": name, "customer_name": name, "client_id": f"app{name}"}
        row |= {"client_secret": f"secret-of-{name}", "integration_context": context, "integration_type": TYPE}
        rows.append(json.dumps(row | {"tenant_type": "JOBS"}))
        applications[-1].client_secret = f"secret-of-{name}"
    return World(applications=applications), "\n".join(rows)


async def test_a_file_on_the_worker_becomes_enabled_in_waves(town: Any, tmp_path: Any) -> None:
    """Their keys come from the file, never from a parameter; who is enabled already gets no enable."""
    start, text = crowd(16)
    file = tmp_path / "migrated.jsonl"
    file.write_text(text)
    async with town(start) as there:
        request = BackfillRequest(file=str(file), what=What.APPLY, waves=(1, 2))
        state: Any = await backfill(**dict(request), return_state=True)
        assert (state.name, state.is_completed()) == ("Converged", True)
        effective = {name: count["effective"] for name, count in there.enables().items()}
        assert effective == {f"csa{n:03}": int(n % 4 != 0) for n in range(16)}
        verifies = [e.client_id for e in there.linkedin.log if e.operation == "verify"]
        first = verifies.index("appcsa001", 16)
        assert first == 16, "after the first look at all, the first wave is looked at before the second is enabled"
        ours = await there.artifacts(state)
        async with get_client() as client:
            run_id = state.state_details.flow_run_id
            parameters = str((await client.read_flow_run(run_id)).parameters)
        assert float(ours["backfill-progress"]) == 100
        assert "secret-of" not in parameters + "".join(ours.values())
        assert there.violations() == []


async def test_a_surprise_stops_the_waves_and_a_second_run_goes_on(town: Any, tmp_path: Any) -> None:
    ignored = [Fault(on="enable", fault="ignored")]
    start, text = crowd(12, csa002=ignored)
    file = tmp_path / "migrated.jsonl"
    file.write_text(text)
    async with town(start) as there:
        request = BackfillRequest(file=str(file), what=What.APPLY, waves=(1, 2))
        state: Any = await backfill(**dict(request), return_state=True)
        assert (state.name, state.is_failed()) == ("Stopped", True)
        assert state.message.startswith("Stopped after wave 2 of 3, 6 integrations held: csa002 (CONFIRMED_NOT_SHOWN)")
        received = {name for name, count in there.enables().items() if count["received"]}
        assert received == {"csa001", "csa002", "csa003"}
        assert there.report(state).counts()["held"] == 6

        again: Any = await backfill(**dict(request), return_state=True)
        assert (again.name, "csa002 (CONFIRMED_NOT_SHOWN)" in again.message) == ("KnownTrouble", True)
        assert there.enables()["csa002"]["received"] == 1, "what LinkedIn confirmed is not sent again by a schedule"

        # Time enough for what may still land, and a person who names the customer.
        await asyncio.sleep(3.5)
        named: Any = await reconcile(What.APPLY, ("csa002",), return_state=True)
        assert named.is_completed(), named.message
        statuses = {a["integrations"][0]["onboardingStatus"] for a in there.linkedin.state()["applications"]}
        assert statuses == {"ENABLED"}
        assert {count["effective"] for count in there.enables().values()} == {0, 1}
        assert len(there.linkedin.state()["applications"]) == 12, "nobody got a second application"


async def test_a_day_names_those_who_came_with_their_own_keys(town: Any) -> None:
    start, text = crowd(4)
    async with town(start) as there:
        await there.bring_in(text)
        today = there.now().date()
        state: Any = await backfill(migrated_since=today, return_state=True)
        report = there.report(state)
        assert (report.command.value, report.changes, len(report.items)) == ("plan", 3, 4)
        tomorrow = BackfillRequest(migrated_since=today + timedelta(days=1))
        assert (await backfill(**dict(tomorrow), return_state=True)).message == f"no {tomorrow.title()}"


@pytest.mark.parametrize("given", [{}, {"customers": ["a"], "file": "f"}, {"customers": ["a"], "waves": [0]}])
def test_a_backfill_is_told_in_one_way_who_it_is_about(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BackfillRequest.model_validate(given)


async def test_a_backfill_that_the_days_requests_end_goes_on_the_next_day(town: Any, tmp_path: Any) -> None:
    """One limit for all: it stops with names, leaves its share to others, and nobody is enabled twice."""
    start, text = crowd(8)
    file = tmp_path / "migrated.jsonl"
    file.write_text(text)
    async with town(start, GREENLIGHT_REQUESTS_PER_DAY="20", GREENLIGHT_BUDGET_SCOPE="parent") as there:
        request = BackfillRequest(file=str(file), what=What.APPLY, waves=(1, 2))
        states = []
        for _ in range(6):
            state: Any = await backfill(**dict(request), return_state=True)
            states.append(state.name)
            if state.is_completed():
                break
            # Of the enables that the budget left no look for, LinkedIn's word is all that is known.
            assert "(THROTTLED)" in state.message or "(CONFIRMED_NOT_SHOWN)" in state.message
            with there.database.writing() as session:
                (today,) = session.exec(select(RequestDay).where(RequestDay.day == there.now().date())).all()
                assert today.backfill <= ceiling(20, Lane.BACKFILL)
                # The night passes.
                session.delete(today)
        assert len(states) > 1
        assert states[-1] == "Converged"
        effective = {name: count["effective"] for name, count in there.enables().items()}
        assert effective == {f"csa{n:03}": int(n % 4 != 0) for n in range(8)}
        assert sum(count["received"] for count in there.enables().values()) == 6
