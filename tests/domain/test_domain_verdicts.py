"""Verdict, exit code and headline: computed from items, for every combination of outcomes and commands."""

from itertools import combinations_with_replacement, product

import pytest

from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command, Report, ReportItem, Verdict
from greenlight.domain.status import Status
from tests.domain.things import AWLI

#: A condition for each outcome, and the two ways of not having been looked at.
NEVER_LOOKED_AT = Condition(Outcome.NOT_LOOKED_AT, Reason.NOT_LOOKED_AT)
BUDGET_SPENT = Condition(Outcome.NOT_LOOKED_AT, Reason.THROTTLED)
SETTLED = [
    Condition(Outcome.ENABLED, Reason.ENABLED),
    Condition(Outcome.ALREADY_ENABLED, Reason.ALREADY_ENABLED),
    Condition(Outcome.WAITING, Reason.NOT_REQUESTED),
]
UNSETTLED = [
    Condition(Outcome.FAILED, Reason.WRONG_CREDENTIALS),
    Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN),
    Condition(Outcome.HELD, Reason.HELD_BY_CAP),
    BUDGET_SPENT,
]
READY = Condition(Outcome.WAITING, Reason.READY_TO_ENABLE)

CASES = [
    *((condition, Action.NONE) for condition in [*SETTLED, *UNSETTLED, NEVER_LOOKED_AT]),
    (READY, Action.ENABLE),
    (Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE), Action.ENABLE),
]
MIXES = [mix for size in range(4) for mix in combinations_with_replacement(CASES, size)]


def report_of(command: Command, *cases: tuple[Condition, Action]) -> Report:
    return Report(
        command,
        [
            ReportItem(Item(f"c{n}", AWLI), "Name", "Integration", Status.UNKNOWN, None, action, condition)
            for n, (condition, action) in enumerate(cases)
        ],
    )


def needs_somebody(command: Command, condition: Condition) -> bool:
    """Failed, unknown, held back by cap or budget; and never looked at where the command was to look."""
    if condition == NEVER_LOOKED_AT:
        return command in (Command.PLAN, Command.APPLY, Command.REQUEST)
    return condition.outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.HELD) or condition == BUDGET_SPENT


@pytest.mark.parametrize("command", Command)
def test_verdict_and_exit_code_follow_from_the_items(command: Command) -> None:
    """0 nothing left for us, 2 a plan with changes, 3 an item that needs somebody; 1 is never a report's."""
    for mix in MIXES:
        report = report_of(command, *mix)
        open_items = [n for n, (condition, _) in enumerate(mix) if needs_somebody(command, condition)]
        assert [i.item.customer_id for i in report.unsettled()] == [f"c{n}" for n in open_items], mix
        if command is Command.PLAN and any(action is Action.ENABLE for _, action in mix):
            assert report.exit_code == 2, mix
        else:
            assert report.exit_code == (3 if open_items else 0), mix
        if not open_items:
            assert report.verdict is Verdict.OK, mix
        else:
            assert report.verdict is (Verdict.FAILED if len(open_items) == len(mix) else Verdict.PARTIAL), mix
        assert report.changes == len([action for _, action in mix if action is Action.ENABLE])


@pytest.mark.parametrize("command", Command)
def test_nothing_wanted_is_nothing_wrong(command: Command) -> None:
    report = report_of(command)
    assert (report.verdict, report.exit_code, report.changes) == (Verdict.OK, 0, 0)


@pytest.mark.parametrize(("command", "condition"), list(product(Command, UNSETTLED)))
def test_one_bad_item_among_good_ones_is_never_hidden(command: Command, condition: Condition) -> None:
    """The verdict is computed from items: one bad customer neither disappears nor condemns the others."""
    report = report_of(command, *[(c, Action.NONE) for c in SETTLED], (condition, Action.NONE))
    assert (report.verdict, report.exit_code) == (Verdict.PARTIAL, 3)


def test_a_status_before_the_first_look_is_no_failure() -> None:
    """After an import nothing has been looked at, and nobody asked for a look."""
    untouched = (NEVER_LOOKED_AT, Action.NONE)
    assert [report_of(c, untouched).exit_code for c in Command] == [3, 3, 0, 0, 3]


def test_the_verdicts_are_those_of_the_interface() -> None:
    assert [v.value for v in Verdict] == ["ok", "partial", "failed"]


@pytest.mark.parametrize("command", Command)
def test_told_counts_add_up_to_the_items(command: Command) -> None:
    for mix in MIXES:
        told = report_of(command, *mix).told()
        assert sum(told.values()) == len(mix), told


FAILED = (Condition(Outcome.FAILED, Reason.WRONG_CREDENTIALS), Action.NONE)
DONE = (Condition(Outcome.ENABLED, Reason.ENABLED), Action.ENABLE)
CHANGE = (READY, Action.ENABLE)
NAMED = [f"c{n} (WRONG_CREDENTIALS)" for n in range(10)]


@pytest.mark.parametrize(
    ("report", "headline"),
    [
        pytest.param(
            report_of(Command.APPLY, DONE, DONE, (SETTLED[1], Action.NONE)),
            "2 enabled, 1 already enabled.",
            id="how many of what, without the outcomes that nothing had",
        ),
        pytest.param(
            report_of(Command.PLAN, CHANGE, (SETTLED[0], Action.NONE)),
            "1 to enable, 1 enabled.",
            id="a plan begins with what it would do, and counts each once",
        ),
        pytest.param(
            report_of(Command.PLAN, (SETTLED[0], Action.NONE)),
            "0 to enable, 1 enabled.",
            id="a plan says it too if it would do nothing",
        ),
        pytest.param(
            report_of(Command.APPLY, DONE, FAILED),
            "1 enabled, 1 failed. Needs somebody: c1 (WRONG_CREDENTIALS).",
            id="who needs somebody is named with the reason",
        ),
        pytest.param(
            report_of(Command.APPLY, *[FAILED] * 10),
            f"10 failed. Needs somebody: {', '.join(NAMED)}.",
            id="ten are named",
        ),
        pytest.param(
            report_of(Command.APPLY, *[FAILED] * 11),
            f"11 failed. Needs somebody: {', '.join(NAMED)} and 1 more.",
            id="the eleventh is counted",
        ),
        pytest.param(
            report_of(Command.APPLY, *[FAILED] * 12),
            f"12 failed. Needs somebody: {', '.join(NAMED)} and 2 more.",
            id="more than ten are counted, so that the sentence stays one",
        ),
        pytest.param(report_of(Command.APPLY), "nothing is wanted.", id="no items is said in words"),
        pytest.param(
            report_of(Command.STATUS, (NEVER_LOOKED_AT, Action.NONE)),
            "1 not looked at.",
            id="outcomes of several words are written as words",
        ),
    ],
)
def test_the_headline_is_one_sentence_about_the_whole(report: Report, headline: str) -> None:
    assert report.headline() == headline


DOWN = (Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE), Action.NONE)


def test_an_outage_is_said_once_and_needs_nobody_here() -> None:
    report = report_of(Command.APPLY, *[DOWN] * 193, FAILED)
    assert report.headline() == (
        "194 failed. Needs somebody: c193 (WRONG_CREDENTIALS). Waits for LinkedIn: LINKEDIN_UNAVAILABLE: 193 customers."
    )
    assert report.verdict is Verdict.FAILED, "nothing is called done for that"


BETWEEN = (Condition(Outcome.FAILED, Reason.NOT_THE_API, "HTTP 403, text/html"), Action.NONE)


def test_a_trouble_of_the_network_is_said_once_beside_what_needs_somebody() -> None:
    report = report_of(Command.APPLY, *[BETWEEN] * 193, FAILED)
    assert report.headline() == (
        "194 failed. Somebody in between answered for LinkedIn: NOT_THE_API: 193 customers. "
        "Needs somebody: c193 (WRONG_CREDENTIALS)."
    )
    alone = report_of(Command.PLAN, BETWEEN).headline()
    assert alone.endswith("1 failed. Somebody in between answered for LinkedIn: c0 (NOT_THE_API).")
    assert "Needs somebody" not in alone


def test_a_few_are_named_whosever_move_it_is() -> None:
    report = report_of(Command.APPLY, DOWN, (BUDGET_SPENT, Action.NONE), (BUDGET_SPENT, Action.NONE))
    assert report.headline() == (
        "1 failed, 2 not looked at. Waits for LinkedIn: c0 (LINKEDIN_UNAVAILABLE). "
        "Passes by itself: c1 (THROTTLED), c2 (THROTTLED)."
    )
