"""Nights of a vendor whose own database says what is wanted, with no import: whole flows over LinkedIn's stand-in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.reconcile import reconcile
from flows.request import What
from greenlight.domain.budget import Lane
from greenlight.domain.report import Report
from sandbox.world import World
from tests.desired.vendor import Vendor, vendors_database


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
