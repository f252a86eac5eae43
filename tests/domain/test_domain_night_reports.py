"""What the report of a night tells besides its items: how many were not due, and what is enabled no more."""

from datetime import date

import pytest

from greenlight.domain.conditions import Condition
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.recheck import NotDue
from greenlight.domain.report import Command, Report, Verdict
from greenlight.domain.status import Status
from tests.domain.test_domain_report import item


def test_a_night_says_beside_its_items_how_many_were_not_due() -> None:
    """They are no items and in no count, and a night with nothing to look at is a good one."""
    left_out = NotDue(1200, date(2026, 11, 28))
    told = item(Condition(Outcome.WAITING, Reason.NOT_REQUESTED))
    report = Report(Command.APPLY, [told], not_due=left_out)
    assert report.headline() == "1 waiting; 1200 not due, the next on 2026-11-28."
    document = report.as_json()
    assert document["not_due"] == left_out.as_json()
    assert sum(document["counts"].values()) == len(document["items"]) == 1
    quiet = Report(Command.APPLY, [], not_due=left_out)
    assert (quiet.headline(), quiet.verdict) == ("1200 not due, the next on 2026-11-28.", Verdict.OK)
    failed = item(Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE))
    assert Report(Command.APPLY, [failed], not_due=left_out).verdict is Verdict.PARTIAL
    assert "not_due" not in Report(Command.APPLY, [told]).as_json()
    assert Report(Command.APPLY, []).headline() == "nothing is wanted."


def test_what_is_enabled_no_more_is_named_by_the_run_that_found_it() -> None:
    gone = item(Condition(Outcome.WAITING, Reason.NOT_REQUESTED), observed=Status.NOT_REQUESTED)
    back = item(Condition(Outcome.ENABLED, Reason.ENABLED), observed=Status.ENABLED)
    assert Report(Command.APPLY, [gone]).with_drift({gone.item}).drifted == [gone]
    assert Report(Command.APPLY, [back]).with_drift({gone.item}).drifted == [], "it is enabled again"
    assert Report(Command.APPLY, [gone]).with_drift(set()).drifted == [], "it was not before"
    headline = Report(Command.APPLY, [gone]).with_drift({gone.item}).headline()
    assert headline == "1 waiting. No longer enabled at LinkedIn: acme (NOT_REQUESTED)."


@pytest.mark.parametrize(
    ("observed", "reason", "settled"),
    [
        (Status.ENABLED, Reason.ENABLED, True),
        (Status.ENABLED, Reason.ALREADY_ENABLED, True),
        (Status.ENABLED, Reason.LINKEDIN_UNAVAILABLE, False),
        (Status.PARTNER_READY, Reason.ENABLED, False),
    ],
)
def test_what_is_settled_is_seen_as_enabled_and_nothing_speaks_against_it(
    observed: Status, reason: Reason, settled: bool
) -> None:
    assert item(Condition(Outcome.ALREADY_ENABLED, reason), observed=observed).is_settled is settled
