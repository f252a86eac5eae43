"""The report of a rotation: the same items as provisioning's, in a rotation's own words."""

import json

from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.provisioning import Provision, ProvisionRequests
from greenlight.domain.rotation import RotationReport
from tests.domain.test_domain_provisioning import items
from tests.domain.things import QUIET


def test_a_rotation_of_nobody_says_so() -> None:
    assert (
        RotationReport("run", [], ProvisionRequests()).headline()
        == "no customer has an application that provisioning made."
    )


@QUIET
@given(st.lists(items, max_size=6))
def test_who_was_not_rotated_is_counted_and_named(found: list) -> None:
    report = RotationReport("run", found, ProvisionRequests())
    headline = report.headline()
    left = report.unsettled()
    if found:
        assert headline.startswith(f"{report.counts()[Provision.UPDATED]} rotated")
    assert (f"{len(left)} not: " in headline) == bool(left)


@QUIET
@given(st.lists(items, max_size=6))
def test_other_programs_read_rotated_instead_of_updated(found: list) -> None:
    document = json.loads(json.dumps(RotationReport("run", found, ProvisionRequests()).as_json()))
    assert (document["schema"], document["command"]) == ("greenlight.rotate/1", "rotate")
    assert set(document["counts"]) == {"rotated", "waiting", "failed"}
    outcomes = [item["outcome"] for item in document["items"]]
    assert "updated" not in outcomes
    assert document["counts"]["rotated"] == outcomes.count("rotated")
