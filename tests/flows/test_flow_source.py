"""Nights of a vendor whose own database says what is wanted, with no import: whole flows over LinkedIn's stand-in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.apply import apply
from flows.approve import approve
from flows.backfill import backfill
from flows.reconcile import reconcile
from flows.request import What
from greenlight.desired.source import REQUIRED
from greenlight.domain.budget import Lane
from greenlight.domain.report import Report
from sandbox.world import World
from tests.desired.vendor import Vendor, vendors_database
from tests.flows.fault_world import world
from tests.flows.test_flow_approvals import CROWD, made


@pytest.fixture
def vendor(database_url: str, tmp_path: Path) -> Iterator[Vendor]:
    with vendors_database(database_url, tmp_path) as url:
        yield Vendor(url)


async def night(there: Any) -> Report:
    state: Any = await reconcile(What.APPLY, lane=Lane.NIGHTLY, return_state=True)
    return there.report(state)


async def test_nights_of_a_vendor_with_a_view_and_no_import(town: Any, vendor: Vendor) -> None:
    vendor.signs(1, 2, 3)
    settings = {"GREENLIGHT_DESIRED_SOURCE": "sql", "GREENLIGHT_DESIRED_URL": vendor.url}
    async with town(World(), **settings) as there:
        report = await night(there)
        assert report.source is not None
        assert report.source.counts == {"added": 3}
        reasons = {entry.item.customer_id: entry.condition.reason for entry in report.items}
        assert reasons == dict.fromkeys("123", "CREDENTIALS_MISSING"), "each new customer is named, with the next move"

        vendor.signs(4)
        vendor.switches(2, "off")
        vendor.does("UPDATE tenants SET legal_name = 'Renamed' WHERE id = 3")
        report = await night(there)
        document = report.as_json()
        assert document["source"]["counts"] | {"added": 1, "renamed": 1, "withdrawn": 1} == document["source"]["counts"]
        assert {entry.item.customer_id for entry in report.items} == {"1", "3", "4"}

        vendor.switches(2, "on")
        report = await night(there)
        assert report.source is not None
        assert report.source.counts == {"returned": 1}

        vendor.does("DELETE FROM tenants")
        report = await night(there)
        assert report.exit_code == 3
        assert report.source is not None
        assert report.source.outcome == "held"
        assert {entry.item.customer_id for entry in report.items} == {"1", "2", "3", "4"}


@pytest.mark.parametrize("flow", ["apply", "backfill"])
async def test_what_was_dropped_since_it_was_planned_is_not_enabled(flow: str, town: Any, tmp_path: Path) -> None:
    """The source is asked before a plan is applied as well, and before a backfill."""
    file = tmp_path / "wanted.csv"

    def lists(*customers: str) -> None:
        rows = [f"{name},{name},urn:li:organization:{name},APPLY_WITH_LINKEDIN,JOBS" for name in customers]
        file.write_text("\n".join([",".join(REQUIRED), *rows, ""]))

    lists("ada", "bob", "cyd", "dan", "eve")
    settings = {"GREENLIGHT_DESIRED_SOURCE": "file", "GREENLIGHT_DESIRED_URL": str(file)}
    async with town(world(CROWD), **settings) as there:
        plan_id = await made(there)
        lists("ada", "cyd", "dan", "eve")
        if flow == "apply":
            await approve(plan_id=plan_id, approved_by="an operator", return_state=True)
            state: Any = await apply(plan_id, return_state=True)
        else:
            state = await backfill(customers=("ada", "bob"), what=What.APPLY, return_state=True)
        report = there.report(state)
        assert report.source is not None
        assert report.source.counts == {"withdrawn": 1}
        effective = {name for name, count in there.enables().items() if count["effective"]}
        assert effective == ({"ada", "cyd", "dan", "eve"} if flow == "apply" else {"ada"})
        assert there.enables().get("bob", {}).get("received", 0) == 0
