"""What happens between a plan and its enables, and what only shows after a day."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import update

from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import ApplyRequest, ApproveRequest, ReconcileRequest, What
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.tables import Integration
from greenlight.domain.plan import RequestTotals
from greenlight.reconcile.enable import Enabling
from tests.flows.fault_world import Case, import_file, world

ADA = (Case("ada", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")),)


async def test_a_pause_that_begins_after_the_plan_holds(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night over many customers takes long enough for somebody to say stop."""
    async with town(world(ADA)) as there:
        await there.bring_in(import_file(ADA))
        enable = Enabling.enable

        async def paused_first(self: Enabling, *arguments: Any) -> Any:
            now = there.now()
            Pauses(there.database).begin(Pause("ada", "a dispute", "ann", now, now + timedelta(hours=1)))
            return await enable(self, *arguments)

        monkeypatch.setattr(Enabling, "enable", paused_first)
        (item,) = there.report(await reconcile(What.APPLY, return_state=True)).items
        assert (item.condition.outcome.value, item.condition.reason.value) == ("held", "PAUSED")
        assert there.enables()["ada"] == {"received": 0, "effective": 0}


@pytest.mark.parametrize(("hours", "told"), [(23, False), (25, True)])
async def test_a_request_is_overdue_by_when_it_was_first_seen(
    town: Any, heard: list[tuple[str, str, str]], hours: int, told: bool
) -> None:
    """Each night finds another reason not to enable it; the request is as old all the same."""
    async with town(world(ADA)) as there:
        await there.bring_in(import_file(ADA))
        await reconcile(What.APPLY, max_changes=0, return_state=True)
        with there.database.writing() as session:
            session.exec(update(Integration).values(observed_since=there.now() - timedelta(hours=hours)))
        heard.clear()
        now = there.now()
        Pauses(there.database).begin(Pause("ada", "a dispute", "ann", now, now + timedelta(hours=1)))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert [item.condition.reason.value for item in report.items] == ["PAUSED"]
        assert ("greenlight.request.overdue" in [event for event, *_ in heard]) == told
        heard.clear()
        await reconcile(What.APPLY, return_state=True)
        assert heard == [], "once for each trouble, and not each night"
        assert report.requests == RequestTotals(token=1, verify=1, enable=0)


@pytest.mark.parametrize("broken", ["a\0b", "a\nb", "\x1b[31m"])
def test_what_cannot_be_a_name_is_refused_before_the_run(broken: str) -> None:
    """PostgreSQL cannot even look for a NUL, and a run's title is one line."""
    for refused in (
        lambda: ReconcileRequest(customers=(broken,)),
        lambda: ReconcileRequest(types=(broken,)),
        lambda: ApplyRequest(plan_id=broken),
        lambda: ApproveRequest(plan_id="p", approved_by=broken),
    ):
        with pytest.raises(ValidationError, match="pattern"):
            refused()


async def test_the_plan_shows_what_is_held_and_why(town: Any) -> None:
    """Whoever approves a plan must see what it leaves out."""
    async with town(world(ADA)) as there:
        await there.bring_in(import_file(ADA))
        now = there.now()
        Pauses(there.database).begin(Pause("ada", "a dispute", "ann", now, now + timedelta(hours=1)))
        shown = (await there.artifacts(await plan(return_state=True)))["reconcile-plan"]
        assert "# 0 to enable, 1 looked at" in shown
        assert (
            "| held | ada | Customer ada | APPLY_WITH_LINKEDIN urn:li:organization:ada | PAUSED: by ann until" in shown
        )
        assert "a dispute" in shown
