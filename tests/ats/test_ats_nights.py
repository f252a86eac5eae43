"""What a night looks at: all that is open, of what is settled the share that is due, and the rest stays where it is."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select, update

from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt
from greenlight.ats.nights import Nights, ToLookAt, in_report
from greenlight.ats.requests import Requests
from greenlight.ats.rows import is_resting
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.settled import rests
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import Integration
from greenlight.ats.withdrawals import Withdrawals
from greenlight.domain.budget import Lane
from greenlight.domain.plan import RequestTotals
from greenlight.domain.reasons import Reason
from greenlight.domain.recheck import due_tonight, nights_left, share
from greenlight.domain.report import Command, Verdict
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.asking import session_of
from tests.ats.test_ats_query_plans import CUSTOMERS, crowd, statements
from tests.ats.world import NOON, TYPES, at, begin, bring_in, customer, fails, integration, key_of, shows

ALL = Selection()
#: The schedule's hour.
TWO = datetime(2026, 3, 2, 2, tzinfo=UTC)


def night(number: int) -> datetime:
    """The first one is the night after NOON."""
    return TWO + timedelta(days=number - 1)


def enabled(database: Database, customers: int, now: datetime = NOON) -> list[int]:
    ids = bring_in(database, *(customer(f"c{n:03}") for n in range(customers)))
    for id in ids:
        shows(database, id, Status.ENABLED, now)
    return ids


def chosen(database: Database, now: datetime, days: int = 7, selection: Selection = ALL) -> ToLookAt:
    return Nights(database).choose(selection, now, days)


def look(database: Database, ids: Sequence[int], now: datetime) -> None:
    for id in ids:
        shows(database, id, Status.ENABLED, now, purpose=f"observe:{now}")


@pytest.mark.parametrize("days", [1, 3, 7])
def test_a_fleet_enabled_in_one_hour_is_looked_at_evenly_and_each_within_the_period(
    database: Database, days: int
) -> None:
    """Also where all were seen at the same moment, and over three periods."""
    ids, looked = enabled(database, 20), Counter[int]()
    seen = dict.fromkeys(ids, 0)
    for number in range(1, 3 * days + 1):
        tonight = chosen(database, night(number), days)
        assert len(tonight.ids) <= share(20, days)
        assert tonight.wanted == 20
        for id in tonight.ids:
            assert number - seen[id] <= days
            seen[id] = number
        assert all(number - last < days for last in seen.values())
        looked.update(tonight.ids)
        look(database, tonight.ids, night(number))
    assert set(looked.values()) == {3}


def test_the_longest_unseen_go_first_after_nights_that_did_not_come(database: Database) -> None:
    ids = enabled(database, 21)
    look(database, ids[:9], at(30))
    tonight = chosen(database, night(40))
    assert tonight.ids == ids[9:12]
    assert tonight.next_on == night(41).date()


def test_what_was_looked_at_today_or_is_not_due_costs_nothing(database: Database) -> None:
    ids = enabled(database, 3, night(1))
    for number in (1, 2, 3, 4, 5):
        tonight = chosen(database, night(number))
        assert (tonight.ids, tonight.wanted, tonight.next_on) == ([], 3, night(6).date()), number
    assert chosen(database, night(6)).ids == ids[:1]


def opened(database: Database, ids: Sequence[int]) -> None:
    """Of each kind of what is open, one, and the customer's other integration is ENABLED."""
    requested, failed, unknown, ready, empty, never, held = ids
    shows(database, requested, Status.REQUESTED, at(1))
    fails(database, failed, at(1), Reason.CREDENTIALS_REFUSED)
    shows(database, unknown, Status.UNKNOWN, at(1))
    shows(database, ready, Status.PARTNER_READY, at(1))
    shows(database, empty, Status.NOT_REQUESTED, at(1))
    assert integration(database, never).observed_at is None
    shows(database, held, Status.ENABLED, at(1))
    with database.writing() as session:
        row = session.get_one(Integration, held)
        row.outcome, row.reason = "held", Reason.CHANGED_SINCE_PLAN


def test_whatever_is_open_is_looked_at_each_night_with_all_of_its_customer(database: Database) -> None:
    ids = bring_in(database, *(customer(f"c{n}", TYPES[:2]) for n in range(7)))
    opened(database, ids[0::2])
    for id in ids[1::2]:
        shows(database, id, Status.ENABLED, at(1))
    for number in (1, 2):
        tonight = chosen(database, night(number))
        assert tonight.ids == ids, "one request asks for all of a customer's integrations"
        assert tonight.enabled == {*ids[1::2], ids[-2]}
        assert (tonight.wanted, tonight.next_on) == (14, None)


def test_what_rests_is_left_out_and_its_customer_is_rechecked_in_its_turn(database: Database) -> None:
    failed, settled = bring_in(database, customer("acme", TYPES[:2]))
    shows(database, settled, Status.ENABLED, at(1))
    fails(database, failed, night(1) - timedelta(minutes=1))
    tonight = chosen(database, night(1))
    assert (tonight.ids, tonight.wanted) == ([], 2)
    fails(database, failed, night(6) - timedelta(minutes=1))
    look(database, [settled], night(1))
    assert chosen(database, night(6)).ids == []
    fails(database, failed, night(8) - timedelta(minutes=1))
    assert chosen(database, night(8)).ids == [settled]
    assert chosen(database, night(9)).ids == [failed, settled]


def test_an_enabled_that_no_later_look_has_confirmed_is_open(database: Database) -> None:
    """An attempt is open still, or what was seen is dated after now."""
    first, second, third = bring_in(database, *(customer(name) for name in ("acme", "bolt", "core")))
    shows(database, first, Status.REQUESTED, at(1))
    begin(database, first, now=at(2))
    with database.writing() as session:
        # As if its look had come from another application.
        row = session.get_one(Integration, first)
        row.observed, row.outcome, row.reason = Status.ENABLED, "already_enabled", Reason.ENABLED
    shows(database, second, Status.ENABLED, night(20))
    shows(database, third, Status.ENABLED, at(1))
    assert chosen(database, night(1)).ids == [first, second]
    with database.writing() as session:
        session.exec(update(Attempt).values(closed_at=at(3), outcome="confirmed"))
    assert chosen(database, night(1)).ids == [second]


def test_what_is_withdrawn_is_nobodys_share(database: Database) -> None:
    ids = enabled(database, 3)
    Withdrawals(database).withdraw("c001", TYPES[0], None, "ann", at(2))
    tonight = chosen(database, night(30), 1)
    assert (tonight.ids, tonight.wanted) == ([ids[0], ids[2]], 2)


def test_a_night_about_some_has_the_share_of_these(database: Database) -> None:
    ids = enabled(database, 12)
    some = Selection(customers=("c001", "c002", "c003"))
    tonight = chosen(database, night(30), 3, some)
    assert (tonight.ids, tonight.wanted) == (ids[1:2], 3)
    assert chosen(database, night(30), 3, Selection(excluded=("c000",))).ids == ids[1:5]
    assert chosen(database, night(30), 3, Selection(types=TYPES[1:2])).wanted == 0
    with pytest.raises(UnknownCustomer):
        chosen(database, night(30), 3, Selection(customers=("zoo",)))


def test_a_report_has_what_was_looked_at_and_counts_the_rest(database: Database) -> None:
    ids, runs = enabled(database, 21), Runs(database)
    (new,) = set(bring_in(database, customer("new"))) - set(ids)
    tonight = runs.to_look_at(RunTarget(ALL), Lane.NIGHTLY, night(7), 7)
    runs.start("run-1", Command.APPLY, RunTarget(ALL), night(7), Lane.NIGHTLY, tonight.next_on)
    look(database, tonight.ids, night(7))
    report = runs.report("run-1")
    assert [entry.item.customer_id for entry in report.items] == ["c000", "c001", "c002", "new"]
    assert (report.not_due.count, report.not_due.next_on) == (18, night(8).date())
    assert sum(report.counts().values()) + report.not_due.count == tonight.wanted == 22
    by_hand = runs.to_look_at(RunTarget(ALL), Lane.OPERATOR, night(7), 7)
    assert by_hand.ids == [*ids, new]
    runs.start("run-2", Command.APPLY, RunTarget(ALL), night(7), Lane.OPERATOR)
    assert (len(runs.report("run-2").items), runs.report("run-2").not_due.count) == (22, 0)


def test_the_database_counts_nights_as_the_rule_does(database: Database) -> None:
    """At the edges of a UTC day, and whatever hour the night is."""
    ids = bring_in(database, *(customer(f"c{n:02}") for n in range(20)))
    moments = [NOON + timedelta(hours=12 * n, microseconds=-1 if n % 3 else 0) for n in range(20)]
    for id, moment in zip(ids, moments, strict=True):
        shows(database, id, Status.ENABLED, moment)
    for hour in (0, 2, 12, 23):
        now = datetime(2026, 3, 12, hour, tzinfo=UTC)
        for days in (2, 3, 7, 30):
            # What is seen in the future was never seen.
            left = Counter(0 if moment > now else nights_left(moment.date(), now.date(), days) for moment in moments)
            due = due_tonight([left[number] for number in range(days + 1)], days)
            assert len(chosen(database, now, days).ids) == due, (hour, days)


times = st.none() | st.sampled_from([at(minute) for minute in (-1, 0, 1)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whether_it_rests_is_the_same_in_the_database_and_of_a_row(database: Database, data: st.DataObject) -> None:
    draw = data.draw
    with database.reading() as session:
        there = session.exec(select(Integration.id)).first()
    id = there if there is not None else bring_in(database, customer("acme"))[0]
    with database.writing() as session:
        row = session.get_one(Integration, id)
        row.requested_at, row.acted_on_at, row.checked_at, row.next_try_at = draw(st.tuples(times, times, times, times))
        row.tries, row.reason = draw(st.integers(0, 7)), draw(st.sampled_from(list(Reason)))
    with database.reading() as session:
        expected = is_resting(session.get_one(Integration, id), NOON)
        assert (session.exec(select(Integration.id).where(rests(NOON))).first() is not None) is expected


def test_a_night_asks_a_few_times_and_never_for_a_whole_table(database: Database) -> None:
    """Of what is settled the database counts by an index; what is handed out is what is due."""
    crowd(database)
    with database.writing() as session:
        session.exec(update(Integration).values(requested_at=NOON - timedelta(days=40)))
    with statements(database) as found:
        assert chosen(database, NOON - timedelta(days=30)).ids == [1], "an attempt at it is open"
        due = chosen(database, NOON).ids
    assert len(due) == 1 + share(CUSTOMERS - 1, 7)
    assert len(found) <= 10
    if database.engine.dialect.name == "sqlite":
        plans = list[str]()
        with database.engine.begin() as connection:
            for statement, parameters in found:
                told = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans += [row[3] for row in told]
        scans = {plan for plan in plans if plan.startswith("SCAN integration")}
        assert scans == {
            "SCAN integration USING INDEX ix_integration_open",
            "SCAN integration USING COVERING INDEX ix_integration_settled",
        }


def test_what_is_requested_is_looked_at_though_it_is_known_to_be_enabled(database: Database) -> None:
    """LinkedIn may have taken it away since; where no worker runs, the night is the net."""
    ids = bring_in(database, *(customer(f"c{n}") for n in range(20)))
    look(database, ids, night(0))
    asked, answered = ids[17], ids[18]
    for id, customer_id in ((asked, "c17"), (answered, "c18")):
        Requests(database).record(customer_id, session_of(database, customer_id), [key_of(customer_id)], night(1))
        assert integration(database, id).observed == Status.ENABLED
    # A look a moment after the click, which lagged.
    moment = night(1) + timedelta(minutes=2)
    look(database, [answered], moment)
    Requests(database).acted_on(Requests(database).open_of(["c18"]), night(1), moment)
    tonight = chosen(database, night(1) + timedelta(hours=2))
    assert {asked, answered} <= set(tonight.ids)
    report = in_report_of(database, night(1) + timedelta(hours=2))
    assert (asked in report, len(report)) == (True, 1), "it was not looked at, and is no recheck that is not due"
    assert asked in chosen(database, night(5)).ids, "as long as it is open"


def in_report_of(database: Database, since: datetime) -> list[int]:
    with database.reading() as session:
        return in_report(session, ALL, since)[0]


def test_what_a_night_had_chosen_and_did_not_come_to_is_no_recheck_that_is_not_due(database: Database) -> None:
    runs, ids = Runs(database), enabled(database, 20)
    tonight = chosen(database, night(7))
    runs.start("run-1", Command.APPLY, RunTarget(ALL), night(7), Lane.NIGHTLY, tonight.next_on)
    look(database, tonight.ids[:1], night(7) + timedelta(minutes=1))
    report = runs.finish("run-1", RequestTotals(1, 1, 0), night(7) + timedelta(minutes=9), chosen=tonight.ids)
    reasons = [entry.condition.reason for entry in report.items]
    assert reasons == [Reason.ENABLED, *[Reason.NOT_LOOKED_AT] * (len(tonight.ids) - 1)]
    assert (report.verdict, len(report.items) + report.not_due.count) == (Verdict.PARTIAL, len(ids))
