"""Pages that Prefect's UI shows of a run: what changed first, customers by name, counts that add up, where to click."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from greenlight.ats.fleet import Snapshot
from greenlight.domain.conditions import HELD_BY_CAP, NOT_LOOKED_AT, Condition
from greenlight.domain.plan import Action, Item, Planned, RequestTotals
from greenlight.domain.provisioning import Provision, ProvisionItem, ProvisionReport, ProvisionRequests
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.recheck import NotDue
from greenlight.domain.report import Command, Report, ReportItem
from greenlight.domain.status import Status
from tasks.telling.fleet_chart import draw, figures
from tasks.telling.pages import MAX_ROWS, applications_page, outcome_page, plan_pages
from tests.domain.things import AWLI, CSA

READY = Condition(Outcome.WAITING, Reason.READY_TO_ENABLE)
ENABLED = Condition(Outcome.ENABLED, Reason.ENABLED)
WELL = Condition(Outcome.ALREADY_ENABLED, Reason.ENABLED)
DEAD = Condition(Outcome.FAILED, Reason.CREDENTIALS_REFUSED, "invalid_client")
AWAY = Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE)
PARTNER = Condition(Outcome.WAITING, Reason.AWAITING_CUSTOMER)
NAMES = {"ada": "Ada Ltd", "bob": "Bob & Co"}


def planned(customer: str, condition: Condition) -> Planned:
    return Planned(Item(customer, AWLI), Action.ENABLE if condition is READY else Action.NONE, condition)


def page_of(*entries: Planned, plan_id: str | None = "1-2", applying: bool = False) -> str:
    (page,) = plan_pages(entries, NAMES, RequestTotals(1, 2, 1), plan_id, applying=applying)
    return page


def entry(customer: str, condition: Condition, **told: Any) -> ReportItem:
    key = CSA if condition is PARTNER else AWLI
    action = Action.ENABLE if condition is READY else Action.NONE
    return ReportItem(Item(customer, key), f"{customer} Ltd", "", Status.UNKNOWN, None, action, condition, **told)


def headings(page: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", page, re.MULTILINE)


def adds_up(page: str) -> bool:
    found = re.search(r"^Of (\d+)(?: looked at)?: ([^.]*)\.", page, re.MULTILINE)
    return found is not None and int(found[1]) == sum(map(int, re.findall(r"\d+", found[2])))


def test_a_plan_says_where_to_click_and_for_whom_by_name() -> None:
    page = page_of(planned("ada", READY), planned("bob", HELD_BY_CAP), planned("cyd", WELL))
    assert headings(page) == ["1 to enable, 3 looked at"]
    assert adds_up(page)
    assert "| + enable | ada | Ada Ltd | APPLY_WITH_LINKEDIN urn:li:organization:" in page
    assert "| held | bob | Bob & Co | APPLY_WITH_LINKEDIN urn:li:organization:" in page
    assert "HELD_BY_CAP |" in page
    assert "**stored-plan** (flow *approve*)" in page
    assert page.index("**stored-plan**") < page.index("**approved-plan** (flow *apply*)") < page.index("Plan `1-2`")
    assert "greenlight " not in page, "no command"


def test_a_plan_without_enables_has_nothing_to_approve() -> None:
    page = page_of(planned("cyd", WELL))
    assert "There is nothing to approve in plan `1-2`." in page
    assert "Custom run" not in page
    assert "|" not in page, "no empty table"


def test_a_run_that_applies_does_not_ask_for_an_approval() -> None:
    page = page_of(planned("ada", READY), applying=True)
    assert "This run applies the approved plan `1-2`" in page
    assert "Custom run" not in page
    assert "This run goes on to enable these" in page_of(planned("ada", READY), plan_id=None, applying=True)


def test_what_changed_comes_first_then_who_needs_somebody_and_what_to_do() -> None:
    report = Report(
        Command.APPLY,
        [
            entry("well", WELL),
            entry("away", AWAY),
            entry("dead", DEAD),
            entry("csa", PARTNER, changed=True),
            entry("ada", ENABLED, changed=True),
        ],
    )
    page = outcome_page(report)
    assert headings(page) == [
        "2 changed by this run",
        "Changed by this run: 2",
        "Needs somebody here: 1",
        "Waits for others, or passes by itself: 1",
        "Nothing to do here: 1",
    ]
    assert adds_up(page)
    assert "Of the 2 changed: 1 waiting, 1 enabled; none of it can be undone." in page
    assert "| dead | dead Ltd | CREDENTIALS_REFUSED: LinkedIn's token" in page
    assert "- `CREDENTIALS_REFUSED`: Import the current ones" in page
    assert "- `LINKEDIN_UNAVAILABLE`" not in page, "nothing to do here"


def test_the_outcome_of_a_plan_is_no_trouble_where_it_is_ready() -> None:
    page = outcome_page(
        Report(Command.PLAN, [entry("ada", READY), entry("cap", HELD_BY_CAP), entry("n", NOT_LOOKED_AT)])
    )
    assert headings(page) == [
        "0 changed by this run",
        "To enable, once the plan is approved and applied: 1",
        "Needs somebody here: 2",
    ]
    assert "larger `max_changes`" in page
    assert "Run *manual* (flow *reconcile*)" in page
    assert "greenlight " not in page, "no command where there is something to click"


def test_a_night_names_what_is_enabled_no_more_and_counts_what_was_not_due() -> None:
    gone, again = (
        entry("gone", Condition(Outcome.WAITING, Reason.NOT_REQUESTED)),
        entry("again", PARTNER, changed=True),
    )
    report = Report(Command.APPLY, [gone, again, entry("dead", DEAD)], not_due=NotDue(1200, date(2026, 11, 28)))
    page = outcome_page(report.with_drift({gone.item, again.item}))
    assert headings(page) == [
        "1 changed by this run",
        "Changed by this run: 1",
        "No longer enabled at LinkedIn: 1",
        "Needs somebody here: 1",
    ]
    assert adds_up(page)
    assert "\nBesides, 1200 not due, the next on 2026-11-28: settled as ENABLED" in page
    assert "Besides" not in outcome_page(Report(Command.APPLY, [gone]))


def test_a_large_outcome_is_cut_at_its_end_and_counts_all() -> None:
    page = outcome_page(Report(Command.APPLY, [entry(f"c{n}", WELL) for n in range(MAX_ROWS + 5)] + [entry("d", DEAD)]))
    assert len(re.findall(r"^\| c\d", page, re.MULTILINE)) == MAX_ROWS - 1
    assert f"## Nothing to do here: {MAX_ROWS + 5}\n\nThe first {MAX_ROWS - 1} are shown." in page
    assert adds_up(page)


def test_applications_are_told_by_name_those_that_need_somebody_first() -> None:
    def item(customer: str, outcome: Provision, reason: Reason) -> ProvisionItem:
        return ProvisionItem(customer, f"{customer} Ltd", "id", "urn", f"ATS - {customer}", (), outcome, reason)

    items = [
        item("ada", Provision.CREATED, Reason.APPLICATION_WORKS),
        item("bob", Provision.FAILED, Reason.DOMAINS_HELD),
        item("cyd", Provision.WAITING, Reason.APPLICATION_NOT_READY),
    ]
    page = applications_page(ProvisionReport("run", items, ProvisionRequests()))
    assert headings(page)[0] == "3 applications"
    assert headings(page)[1] == "Needs somebody here: 1"
    assert headings(page)[-1] == "Works: 1"
    assert adds_up(page)
    assert "| ada | ada Ltd | created, APPLICATION_WORKS: " in page
    assert headings(applications_page(ProvisionReport("run", [], ProvisionRequests()))) == ["0 applications"]


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def snapshots(*unknown: int) -> list[Snapshot]:
    return [
        Snapshot(NOON + timedelta(days=day), dict.fromkeys(Status, 2) | {Status.UNKNOWN: count}, None)
        for day, count in enumerate(unknown)
    ]


def test_the_picture_counts_what_it_shows_and_has_no_alarm_for_what_nobody_has_seen() -> None:
    picture = draw(snapshots(5, 3))
    assert all(f">{count}<" in picture for count in ("3 not known", "2 enabled", "2 partner ready"))
    colours = set(re.findall(r"fill=\"#(\w{2})(\w{2})(\w{2})\"", picture))
    for red, green, blue in ((int(r, 16), int(g, 16), int(b, 16)) for r, g, b in colours):
        assert not red > 1.5 * max(green, blue), "no red, which is an alarm's"
    assert picture.count(" UTC</text>") == 2
    assert draw(snapshots(0)).count(" UTC</text>") == 1, "one bar has one time"
    assert draw([Snapshot(NOON, dict.fromkeys(Status, 0), None)])


def test_the_figures_of_the_fleet_add_up_newest_first() -> None:
    head, _, *rows = figures(snapshots(5, 3)).splitlines()
    assert head.startswith("| when (UTC) | all | enabled |")
    assert [row.split(" | ")[1] for row in rows] == ["11", "13"]
    for row in rows:
        _, total, *counts = row.strip("| ").split(" | ")
        assert int(total) == sum(map(int, counts[:-1]))
