"""When a source is not believed, and what is said of a sync."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from greenlight.domain.desired import NAMED, SyncOutcome, SyncReport, explained, takes_too_much
from greenlight.domain.reasons import Reason
from greenlight.domain.report import Command, Report, Verdict

BEGAN = datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("losing", "listed", "rows", "too_much"),
    [
        (0, 100, 100, False),
        (1, 1, 0, True),  # nothing at all is never believed
        (0, 0, 0, False),  # but where nothing was had, nothing is lost
        (2, 3, 1, False),
        (3, 5, 2, True),
        (4, 20, 16, False),
        (5, 25, 20, True),
        (5, 26, 21, False),
    ],
)
def test_a_source_that_has_much_less_is_not_believed(losing: int, listed: int, rows: int, too_much: bool) -> None:
    assert takes_too_much(losing, listed, rows) is too_much


def made(outcome: SyncOutcome = SyncOutcome.APPLIED, **more: object) -> SyncReport:
    return SyncReport("sqlite:///v.db", outcome, **more)


def test_all_are_counted_and_the_first_are_named() -> None:
    report = made()
    for number in range(NAMED + 1):
        report.note("added", {"customer_id": str(number)})
    assert report.counts == {"added": NAMED + 1}
    assert len(report.entries["added"]) == NAMED
    assert report.stored() == {"counts": report.counts, "entries": report.entries}
    assert "51 added" in report.in_words()


def test_nothing_new_is_said_in_words() -> None:
    assert made().in_words() == "The source sqlite:///v.db: nothing new"
    assert made().as_json()["counts"]["added"] == 0


def test_what_is_enabled_and_withdrawn_is_named() -> None:
    report = made()
    for number in range(4):
        report.note("withdrawn", {"customer_id": f"c{number}", **explained(Reason.ENABLED_BUT_WITHDRAWN)})
    assert "c0 (ENABLED_BUT_WITHDRAWN), c1 (ENABLED_BUT_WITHDRAWN), c2" in report.in_words()
    assert report.in_words().endswith("and more")
    assert not report.is_troubled


def test_the_first_fault_is_named_by_row_and_field() -> None:
    report = made()
    report.note("held_back", {"customer_id": "c", "line": 7, "field": "tenant_type", "why": "is empty"})
    assert "1 faults hold their customers back, the first in row 7, tenant_type: is empty" in report.in_words()
    assert report.is_troubled


@pytest.mark.parametrize("outcome", [SyncOutcome.HELD, SyncOutcome.UNREADABLE])
def test_a_source_that_changed_nothing_is_trouble_with_a_remedy(outcome: SyncOutcome) -> None:
    report = made(outcome, detail="too little")
    document = report.as_json()
    assert report.in_words() == "The source sqlite:///v.db changed nothing: too little"
    assert (document["whose_move"], bool(document["remedy"])) == ("us", True)
    assert document["reason"] == ("SUDDENLY_EMPTY" if outcome is SyncOutcome.HELD else None)


def test_a_runs_report_has_its_source() -> None:
    report = Report(Command.APPLY, [], began=BEGAN, source=made())
    assert (report.verdict, report.exit_code, report.is_known_trouble()) == (Verdict.OK, 0, False)
    assert "The source" in report.headline()
    held = replace(report, source=made(SyncOutcome.HELD, detail="too little"))
    assert (held.verdict, held.exit_code, held.is_known_trouble()) == (Verdict.PARTIAL, 3, False)
    assert held.as_json()["source"]["outcome"] == "held"
    known = replace(report, source=made(SyncOutcome.HELD, detail="too little", known=True))
    assert known.is_known_trouble()


def faulty(*customers: str | None) -> SyncReport:
    report = made()
    for line, customer in enumerate(customers):
        report.note("held_back", {"customer_id": customer, "line": line, "field": "row", "why": "is bad"})
    return report


def test_known_trouble_hides_no_new_one() -> None:
    assert faulty("a").was_so(faulty("b", "a")), "wherever the row stands"
    assert not faulty("a", "c").was_so(faulty("a", "b"))
    assert not faulty("a").was_so(made())
    assert not faulty(None, None).was_so(faulty(None)), "of those that do not say whose they are the number tells"
    assert not made().was_so(None)
    assert not made(SyncOutcome.HELD).was_so(made())
    assert made(SyncOutcome.HELD, losing=4).was_so(made(SyncOutcome.HELD, losing=4))
    assert not made(SyncOutcome.HELD, losing=5).was_so(made(SyncOutcome.HELD, losing=4)), "more is new"
    refused = made(SyncOutcome.UNREADABLE, detail="refused")
    assert refused.was_so(replace(refused))
    assert not made(SyncOutcome.UNREADABLE, detail="has no column").was_so(refused)


def test_who_was_overtaken_is_trouble_and_says_so() -> None:
    """What overtook it may have failed."""
    report = made(SyncOutcome.OVERTAKEN)
    assert report.in_words() == "The source sqlite:///v.db: overtaken by a later sync"
    assert (report.is_troubled, report.as_json()["whose_move"], bool(report.as_json()["remedy"])) == (True, "us", True)
    report.note("added", {"customer_id": "a"})
    assert report.in_words().endswith("1 added, then overtaken by a later sync")
