"""GREENLIGHT_APPROVERS=another: a person enables nothing that another one has not approved; the night goes on."""

from typing import Any

import pytest
from prefect import tags

from flows.apply import apply
from flows.approve import approve
from flows.backfill import backfill
from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import What
from greenlight.domain.budget import Lane
from tests.flows.fault_world import Case, import_file, world

CROWD = (Case("ada", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")),)
TWO = {"GREENLIGHT_APPROVERS": "another"}


async def test_who_approves_does_not_apply(town: Any) -> None:
    async with town(world(CROWD), **TWO) as there:
        await there.bring_in(import_file(CROWD))
        plan_id = there.report(await plan(return_state=True)).plan_id
        await approve(plan_id, "Ann Lee", return_state=True)
        for applied_by in ("", "  ", "Ann Lee", " ann  LEE "):
            state: Any = await apply(plan_id, applied_by, return_state=True)
            assert (state.name, state.message) == (
                "Refused",
                f"plan {plan_id} was approved by Ann Lee, and here somebody else must apply it and say so in "
                "applied_by (GREENLIGHT_APPROVERS=another)",
            )
        assert "enable" not in there.operations()
        state = await apply(plan_id, "Bob", return_state=True)
        assert state.is_completed(), state.message
        assert there.enables()["ada"]["effective"] == 1


async def test_one_person_alone_enables_nothing_and_the_night_goes_on(town: Any) -> None:
    async with town(world(CROWD), **TWO) as there:
        await there.bring_in(import_file(CROWD))
        states: list[Any] = [
            await reconcile(What.APPLY, return_state=True),
            await reconcile(What.APPLY, ("ada",), return_state=True),
            await reconcile(What.APPLY, lane=Lane.NIGHTLY, return_state=True),
            await backfill(What.APPLY, ("ada",), return_state=True),
        ]
        for state in states:
            assert state.name == "Refused"
            assert state.message.startswith("here one person alone enables nothing (GREENLIGHT_APPROVERS=another)")
        assert "enable" not in there.operations()
        # What Prefect's scheduler gives each run that it makes.
        with tags("auto-scheduled"):
            state = await reconcile(What.APPLY, lane=Lane.NIGHTLY, return_state=True)
        assert state.is_completed(), state.message
        assert there.enables()["ada"]["effective"] == 1


@pytest.mark.parametrize("applied_by", ["", "Ann"])
async def test_where_anyone_approves_one_person_may_do_both(town: Any, applied_by: str) -> None:
    async with town(world(CROWD)) as there:
        await there.bring_in(import_file(CROWD))
        plan_id = there.report(await plan(return_state=True)).plan_id
        await approve(plan_id, "Ann", return_state=True)
        state: Any = await apply(plan_id, applied_by, return_state=True)
        assert state.is_completed(), state.message
