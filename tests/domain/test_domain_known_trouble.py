"""Which trouble is known: all of it was there before the run, and none of it kept the run from its work."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command, Report, ReportItem
from greenlight.domain.status import Status
from tests.domain.things import AWLI

BEGAN = datetime(2026, 11, 24, 2, tzinfo=UTC)
BEFORE, SINCE = BEGAN - timedelta(days=1), BEGAN + timedelta(seconds=1)


def an_entry(outcome: Outcome, reason: Reason, since: datetime | None, *, in_doubt: bool = False) -> ReportItem:
    condition = Condition(outcome, reason)
    entry = ReportItem(Item("acme", AWLI), "", "", Status.UNKNOWN, None, Action.NONE, condition, since)
    return replace(entry, in_doubt=in_doubt)


DEAD = an_entry(Outcome.FAILED, Reason.CREDENTIALS_REFUSED, BEFORE)
FINE = an_entry(Outcome.ALREADY_ENABLED, Reason.ENABLED, BEFORE)


@pytest.mark.parametrize(
    ("entries", "known"),
    [
        pytest.param([DEAD, FINE], True, id="one key that was dead the last time as well"),
        pytest.param([an_entry(Outcome.HELD, Reason.CLAIMED_TWICE, BEFORE)], False, id="a guard still holds it"),
        pytest.param(
            [an_entry(Outcome.UNKNOWN, Reason.CONFIRMED_NOT_SHOWN, BEFORE)], True, id="LinkedIn's move for days"
        ),
        pytest.param(
            [an_entry(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, BEFORE)], False, id="nobody knows if it landed"
        ),
        pytest.param([an_entry(Outcome.NOT_LOOKED_AT, Reason.RESTING, BEFORE), DEAD], True, id="what rests after it"),
        pytest.param([DEAD, replace(DEAD, condition_since=SINCE)], False, id="a second one that is new"),
        pytest.param([replace(DEAD, condition_since=None)], False, id="nobody knows since when"),
        pytest.param([replace(DEAD, in_doubt=True)], False, id="an enable of this run is in doubt"),
        pytest.param([an_entry(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE, BEFORE)], False, id="LinkedIn is away"),
        pytest.param([an_entry(Outcome.NOT_LOOKED_AT, Reason.NOT_LOOKED_AT, BEFORE)], False, id="it did not get there"),
    ],
)
def test_trouble_is_known_where_all_of_it_is_older_than_the_run_and_kept_it_from_nothing(
    entries: list[ReportItem], known: bool
) -> None:
    report = Report(Command.APPLY, entries, began=BEGAN)
    assert report.is_known_trouble() is known
    assert not replace(report, began=None).is_known_trouble()
    assert report.exit_code == 3, "the exit code goes on saying it"
