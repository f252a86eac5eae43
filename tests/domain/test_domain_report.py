"""The report as other programs read it: the documented fields, the same after any way through JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Action, Item, RequestTotals
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason
from greenlight.domain.report import Command, Report, ReportItem, Verdict, as_of_run, at_rest
from greenlight.domain.status import Status
from tests.domain.things import AWLI, QUIET, conditions, items

REPORT_FIELDS = {
    "schema",
    "command",
    "run_id",
    "plan_id",
    "database",
    "verdict",
    "counts",
    "requests",
    "items",
    "changed",
}
OUTCOMES = {"enabled", "already_enabled", "waiting", "failed", "unknown", "held", "not_looked_at"}
REQUEST_KINDS = {"token", "verify", "enable"}
ITEM_FIELDS = {
    "customer_id",
    "integration_context",
    "integration_type",
    "tenant_type",
    "integration_name",
    "observed",
    "observed_at",
    "action",
    "outcome",
    "reason",
    "message",
    "remedy",
    "whose_move",
}
ADDED_ITEM_FIELDS = {"since", "next_try_at", "changed"}

moments = st.none() | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
report_items = st.builds(
    ReportItem,
    items,
    st.text(max_size=8),
    st.text(max_size=8),
    st.sampled_from(Status),
    moments,
    st.sampled_from(Action),
    conditions,
    moments,
    moments,
)
requests = st.builds(RequestTotals, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
reports = st.builds(
    Report,
    st.sampled_from(Command),
    st.lists(report_items, max_size=5),
    st.none() | st.text(max_size=8),
    st.none() | st.text(max_size=8),
    requests,
    st.none() | requests,
)


@QUIET
@given(reports)
def test_every_item_counts_once_and_under_its_outcome(report: Report) -> None:
    counts = report.counts()
    assert set(counts) == set(Outcome)
    assert sum(counts.values()) == len(report.items)
    for outcome in Outcome:
        assert counts[outcome] == len([i for i in report.items if i.condition.outcome is outcome])
    assert report.as_json()["counts"] == {outcome.value: count for outcome, count in counts.items()}


@QUIET
@given(reports)
def test_the_document_has_exactly_the_documented_fields(report: Report) -> None:
    document = report.as_json()
    assert set(document) == REPORT_FIELDS | ({"price"} if report.price is not None else set())
    assert set(document["counts"]) == OUTCOMES
    assert set(document["requests"]) == REQUEST_KINDS
    assert report.price is None or set(document["price"]) == REQUEST_KINDS
    assert len(document["items"]) == len(report.items)
    for item in document["items"]:
        assert set(item) == ITEM_FIELDS | ADDED_ITEM_FIELDS


@QUIET
@given(reports)
def test_the_document_survives_json_unchanged(report: Report) -> None:
    """An enum or a moment that is no plain text would come back as something else."""
    document = report.as_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    told = [v for i in document["items"] for name, v in i.items() if name != "changed"]
    assert all(type(i["changed"]) is bool for i in document["items"])
    for value in [*told, document["verdict"], document["command"]]:
        assert type(value) in (str, type(None))


def item(condition: Condition, **changes: object) -> ReportItem:
    told: dict = {
        "item": Item("acme", AWLI),
        "customer_name": "Acme",
        "integration_name": "Acme's own",
        "observed": Status.REQUESTED,
        "observed_at": None,
        "action": Action.NONE,
        "condition": condition,
    }
    return ReportItem(**(told | changes))


def test_an_item_says_everything_in_its_field() -> None:
    told = item(
        Condition(Outcome.HELD, Reason.THROTTLED, "HTTP 429"),
        observed_at=datetime(2026, 11, 23, 2, 0, 0, 999999, tzinfo=UTC),
        action=Action.ENABLE,
        condition_since=datetime(2026, 11, 23, 3, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        next_try_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    assert told.as_json() == {
        "customer_id": "acme",
        "integration_context": "urn:li:organization:4gX03uw",
        "integration_type": "APPLY_WITH_LINKEDIN",
        "tenant_type": "JOBS",
        "integration_name": "Acme's own",
        "observed": "REQUESTED",
        "observed_at": "2026-11-23T02:00:00Z",
        "action": "enable",
        "outcome": "held",
        "reason": "THROTTLED",
        "message": f"{EXPLANATIONS[Reason.THROTTLED].message} (HTTP 429)",
        "remedy": EXPLANATIONS[Reason.THROTTLED].remedy,
        "whose_move": "nobody",
        "since": "2026-11-22T22:00:00Z",
        "next_try_at": "2026-11-24T00:00:00Z",
        "changed": False,
    }


@pytest.mark.parametrize("reason", Reason)
def test_an_item_carries_the_explanation_of_its_reason(reason: Reason) -> None:
    told = item(Condition(Outcome.FAILED, reason)).as_json()
    assert (told["message"], told["remedy"]) == (EXPLANATIONS[reason].message, EXPLANATIONS[reason].remedy)
    assert told["whose_move"] in {m.value for m in Mover}
    assert told["observed_at"] is None, "what never was has no time"


def test_the_document_of_a_run_stands_as_the_interface_prints_it() -> None:
    report = Report(
        Command.APPLY,
        [item(Condition(Outcome.ENABLED, Reason.ENABLED), observed=Status.ENABLED)],
        run_id="r",
        plan_id="p",
        requests=RequestTotals(token=1, verify=2, enable=3),
        database="sqlite:///a.db",
    )
    document = report.as_json()
    assert document.pop("items") == [report.items[0].as_json()]
    assert document == {
        "schema": "greenlight.report/1",
        "command": "apply",
        "run_id": "r",
        "plan_id": "p",
        "database": "sqlite:///a.db",
        "verdict": "ok",
        "changed": 0,
        "counts": dict.fromkeys(OUTCOMES, 0) | {"enabled": 1},
        "requests": {"token": 1, "verify": 2, "enable": 3},
    }


def test_a_plan_adds_its_price() -> None:
    report = Report(Command.PLAN, [], price=RequestTotals(1, 2, 3))
    assert report.as_json()["price"] == {"token": 1, "verify": 2, "enable": 3}
    assert report.as_json()["requests"] == {"token": 0, "verify": 0, "enable": 0}
    assert (report.as_json()["run_id"], report.as_json()["plan_id"]) == (None, None)


def test_the_commands_are_those_of_the_interface() -> None:
    assert [c.value for c in Command] == ["plan", "apply", "status", "explain", "request"]


def test_what_an_approved_plan_no_longer_held_for_is_named() -> None:
    """Whoever approved five and sees four enabled reads at once which one it was, and why."""
    about = (Item("acme", AWLI), "Acme", "An integration", Status.UNKNOWN, None)
    kept = ReportItem(*about, Action.ENABLE, Condition(Outcome.ENABLED, Reason.ENABLED))
    gone = ReportItem(*about, Action.NONE, Condition(Outcome.WAITING, Reason.NOT_REQUESTED))
    report = Report(Command.APPLY, [kept, gone], plan_id="p")
    assert report.dropped() == [gone]
    assert "Dropped since the plan: acme (NOT_REQUESTED)." in report.headline()
    assert Report(Command.APPLY, [kept, gone]).dropped() == []
    assert Report(Command.PLAN, [kept, gone], plan_id="p").dropped() == []


def as_run(condition: Condition, command: Command = Command.APPLY, **told: bool) -> ReportItem:
    entry = item(condition, action=Action.ENABLE)
    return as_of_run(entry, command, **({"ours": False, "in_doubt": False} | told))


READY = Condition(Outcome.WAITING, Reason.READY_TO_ENABLE)


@pytest.mark.parametrize("command", Command)
def test_planned_and_not_done_is_never_called_done(command: Command) -> None:
    """A database that refused the intent, a chunk that crashed: the run set out to enable it and did not."""
    entry = as_run(READY, command)
    report = Report(command, [entry])
    if command in (Command.APPLY, Command.REQUEST):
        assert (entry.condition.outcome, entry.condition.reason) == (Outcome.FAILED, Reason.NOT_DONE)
        assert (report.unsettled(), report.verdict, report.exit_code) == ([entry], Verdict.FAILED, 3)
        assert "acme (NOT_DONE)" in report.headline()
    else:
        assert entry.condition == READY
        assert report.verdict is Verdict.OK


def test_what_was_never_planned_is_no_broken_promise() -> None:
    entry = as_of_run(item(READY), Command.APPLY, ours=False, in_doubt=False)
    assert entry == item(READY)


@pytest.mark.parametrize("condition", [READY, *(Condition(Outcome.WAITING, r) for r in (Reason.AWAITING_CUSTOMER,))])
def test_an_enable_that_is_still_open_is_unsettled(condition: Condition) -> None:
    """Whatever is shown of the integration meanwhile: nobody knows yet what became of what was sent."""
    entry = as_run(condition, in_doubt=True)
    assert entry.condition.reason is (Reason.OUTCOME_UNKNOWN if condition is READY else condition.reason)
    assert Report(Command.APPLY, [entry]).exit_code == 3


@pytest.mark.parametrize("ours", [True, False])
def test_who_enabled_it_is_told_by_the_attempts(ours: bool) -> None:
    for outcome in (Outcome.ENABLED, Outcome.ALREADY_ENABLED):
        told = as_run(Condition(outcome, Reason.ENABLED), ours=ours).condition
        assert told.outcome is (Outcome.ENABLED if ours else Outcome.ALREADY_ENABLED)


@pytest.mark.parametrize("reason", [Reason.ENABLED, Reason.AWAITING_CUSTOMER])
def test_what_this_run_changed_is_marked_for_every_type(reason: Reason) -> None:
    """A contract's integration ends PARTNER_READY, which can be undone as little as ENABLED."""
    changed = as_run(Condition(Outcome.WAITING, reason), ours=True)
    report = Report(Command.APPLY, [changed, as_run(Condition(Outcome.WAITING, reason))])
    assert report.changed == 1
    assert [entry["changed"] for entry in report.as_json()["items"]] == [True, False]
    assert report.as_json()["changed"] == 1
    assert report.headline().endswith("; 1 changed by this run.")


UNTIL = datetime(2026, 11, 23, 2, 5, tzinfo=UTC)


def test_what_rests_is_said_to_rest_and_until_when() -> None:
    """The night after an outage has sent nothing: it must not read as if LinkedIn were still down."""
    known = at_rest(Condition(Outcome.FAILED, Reason.LINKEDIN_UNAVAILABLE, "HTTP 503"), UNTIL)
    assert (known.outcome, known.reason) == (Outcome.NOT_LOOKED_AT, Reason.RESTING)
    assert known.detail == "until 2026-11-23 02:05Z; its last try ended LINKEDIN_UNAVAILABLE"
    some = [item(known, item=Item(f"c{n}", AWLI), next_try_at=UNTIL + timedelta(hours=n)) for n in range(193)]
    assert Report(Command.APPLY, some).headline() == (
        "193 not looked at. Passes by itself: RESTING: 193 customers, the first until 2026-11-23 02:05Z."
    )


@pytest.mark.parametrize(("detail", "said"), [(None, ""), ("HTTP 401", "HTTP 401; ")])
def test_what_is_ours_to_mend_stays_named_while_it_rests(detail: str | None, said: str) -> None:
    known = at_rest(Condition(Outcome.FAILED, Reason.CREDENTIALS_REFUSED, detail), UNTIL)
    assert (known.outcome, known.reason) == (Outcome.FAILED, Reason.CREDENTIALS_REFUSED)
    assert known.detail == f"{said}not tried in this run, rests until 2026-11-23 02:05Z"
