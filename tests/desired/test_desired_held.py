"""A source that has much less than before is held until a person says so, and known trouble is told apart from new."""

from datetime import timedelta

import pytest

from greenlight.ats.desired import Syncs
from greenlight.ats.retention import Retention
from greenlight.domain.budget import Lane
from greenlight.domain.desired import SyncOutcome, SyncReport
from tests.desired.vendor import Nights, Vendor

ALL = [str(id) for id in range(1, 11)]
HOUR = timedelta(hours=1)


@pytest.fixture
def known(vendor: Vendor, nights: Nights) -> SyncReport:
    """The first night, with ten tenants."""
    vendor.signs(*range(1, 11))
    return nights.sync(vendor.source())


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("gone", ["DELETE FROM tenants", "UPDATE tenants SET closed_on = '2026-03-01' WHERE id > 5"])
def test_much_less_than_the_night_before_changes_nothing_until_a_person_says_so(
    gone: str, vendor: Vendor, nights: Nights
) -> None:
    vendor.does(gone)
    vendor.signs(*([12] if "UPDATE" in gone else []))
    for known in (False, True):
        report = nights.sync(vendor.source(), nights.told())
        assert (report.outcome, report.known, report.is_troubled) == (SyncOutcome.HELD, known, True)
        assert set(nights.wanted()) == set(ALL)
    assert report.as_json()["reason"] == "SUDDENLY_EMPTY"
    held = Syncs(nights.database).let("ada", nights.now + HOUR)
    assert held is not None
    assert held.source == report.source
    report = nights.sync(vendor.source())
    assert report.outcome is SyncOutcome.APPLIED
    assert len(report.entries["withdrawn"]) == (5 if "UPDATE" in gone else 10)
    assert Syncs(nights.database).held() is None


@pytest.mark.usefixtures("known")
def test_a_persons_word_is_good_for_as_much_as_it_was_given_for(vendor: Vendor, nights: Nights) -> None:
    vendor.does("UPDATE tenants SET closed_on = '2026-03-01' WHERE id > 5")
    assert nights.sync(vendor.source()).outcome is SyncOutcome.HELD
    Syncs(nights.database).let("ada", nights.now + HOUR)
    vendor.does("UPDATE tenants SET closed_on = NULL WHERE id = 6")
    vendor.does("UPDATE tenants SET closed_on = '2026-03-01' WHERE id = 4")
    assert nights.sync(vendor.source()).outcome is SyncOutcome.HELD, "as many, but not the same"
    assert set(nights.wanted()) == set(ALL)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("days", "outcome"), [(1, SyncOutcome.APPLIED), (2, SyncOutcome.HELD)])
def test_a_persons_word_ends_as_an_approval_does(
    days: int, outcome: SyncOutcome, vendor: Vendor, nights: Nights
) -> None:
    vendor.does("DELETE FROM tenants WHERE id > 4")
    assert nights.sync(vendor.source()).outcome is SyncOutcome.HELD
    Syncs(nights.database).let("ada", nights.now + HOUR)
    nights.now += timedelta(days=days - 1)
    assert nights.sync(vendor.source()).outcome is outcome


@pytest.mark.usefixtures("known")
def test_only_what_a_scheduled_run_has_told_of_is_known(vendor: Vendor, nights: Nights) -> None:
    assert not nights.sync(vendor.source("nowhere"), nights.told(Lane.OPERATOR)).known
    assert not nights.sync(vendor.source("nowhere"), nights.told()).known, "a person's own run at noon told nobody"
    assert nights.sync(vendor.source("nowhere"), nights.told()).known
    assert not nights.sync(vendor.source("neither"), nights.told()).known, "another trouble"
    vendor.does("DELETE FROM tenants WHERE id > 5")
    nights.sync(vendor.source(), nights.told())
    vendor.does("DELETE FROM tenants WHERE id > 4")
    assert not nights.sync(vendor.source(), nights.told()).known, "more is lost"
    vendor.does("INSERT INTO tenants VALUES (5, 'Tenant 5', NULL)")
    assert nights.sync(vendor.source(), nights.told()).known


def test_old_syncs_are_pruned_and_a_persons_word_stays(known: SyncReport, vendor: Vendor, nights: Nights) -> None:
    vendor.does("DELETE FROM tenants")
    nights.sync(vendor.source())
    Syncs(nights.database).let("ada", nights.now + HOUR)
    pruned = Retention(nights.database).prune(nights.now + timedelta(days=1))
    assert pruned["desired_sync"] == 1
    assert nights.sync(vendor.source()).counts == {"withdrawn": known.customers}
