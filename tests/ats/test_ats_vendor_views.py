"""What the vendor's own systems read: columns that stay, the words of the reports, and no change that is missed."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect, text
from sqlmodel import col, select

from greenlight.ats.changes import IntegrationChange
from greenlight.ats.database import Database
from greenlight.ats.retention import Retention
from greenlight.ats.runs import Runs
from greenlight.ats.tables import Integration
from greenlight.ats.withdrawals import Withdrawals
from greenlight.domain.reasons import EXPLANATIONS, Reason
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.world import NOON, at, bring_in, customer, fails, ids_of, shows

STATUS_V1 = (
    "customer_id customer_name integration_context integration_type tenant_type integration_name wanted status "
    "status_since looked_at outcome reason detail whose_move reason_since requested_at"
)
CHANGES_V1 = (
    "number at customer_id integration_context integration_type tenant_type wanted status_before status outcome "
    "reason detail whose_move"
)


def read(database: Database, query: str, **given: object) -> list[dict[str, object]]:
    with database.reading() as session:
        return [dict(row) for row in session.execute(text(query), given).mappings()]


def changes(database: Database, after: int = 0) -> list[dict[str, object]]:
    return read(database, "SELECT * FROM greenlight_changes_v1 WHERE number > :after ORDER BY number", after=after)


def told(database: Database) -> list[tuple[object, ...]]:
    found = [(row["customer_id"], row["status_before"], row["status"], row["reason"]) for row in changes(database)]
    return list(found)


def test_the_columns_stay(database: Database) -> None:
    there = inspect(database.engine)
    assert [column["name"] for column in there.get_columns("greenlight_status_v1")] == STATUS_V1.split()
    assert [column["name"] for column in there.get_columns("greenlight_changes_v1")] == CHANGES_V1.split()


def test_whose_move_a_reason_is_is_what_the_reports_say(database: Database) -> None:
    (id,) = bring_in(database, customer("acme"))
    for reason in Reason:
        with database.writing() as session:
            session.get_one(Integration, id).reason = reason
        (row,) = read(database, "SELECT reason, whose_move FROM greenlight_status_v1")
        assert row == {"reason": reason.value, "whose_move": EXPLANATIONS[reason].mover.value}


def test_how_each_stands_is_what_the_status_report_says(database: Database) -> None:
    ids = bring_in(database, *(customer(f"c{n}") for n in range(6)))
    for id, status in zip(
        ids[:4], (Status.ENABLED, Status.REQUESTED, Status.NOT_REQUESTED, Status.ENABLED), strict=True
    ):
        shows(database, id, status, at(1))
    fails(database, ids[4], at(2))
    Withdrawals(database).withdraw("c3", "APPLY_WITH_LINKEDIN", None, "ann", at(3))
    Withdrawals(database).withdraw("c5", "APPLY_WITH_LINKEDIN", None, "ann", at(3))
    rows = {str(row["customer_id"]): row for row in read(database, "SELECT * FROM greenlight_status_v1")}
    for item in Runs(database).known(Command.STATUS, Selection()).items:
        row = rows[item.item.customer_id]
        key = item.item.key
        assert (row["integration_context"], row["integration_type"]) == (key.integration_context, key.integration_type)
        assert (row["status"], row["outcome"], row["reason"], row["detail"]) == (
            item.observed.value,
            item.condition.outcome.value,
            item.condition.reason.value,
            item.condition.detail,
        )
        assert row["whose_move"] == EXPLANATIONS[item.condition.reason].mover.value
    assert len(rows) == 6
    unwanted = {name: row["reason"] for name, row in rows.items() if not row["wanted"]}
    assert unwanted == {"c3": "ENABLED_BUT_WITHDRAWN", "c5": "WITHDRAWN"}


def test_each_change_is_one_row_and_what_stays_is_none(database: Database) -> None:
    (id,) = bring_in(database, customer("acme"))
    for minute, status in enumerate((Status.REQUESTED, Status.REQUESTED, Status.ENABLED, Status.ENABLED)):
        shows(database, id, status, at(minute), purpose=f"observe:run-{minute}")
    Withdrawals(database).withdraw("acme", "APPLY_WITH_LINKEDIN", None, "ann", at(9))
    assert told(database) == [
        ("acme", "UNKNOWN", "REQUESTED", "READY_TO_ENABLE"),
        ("acme", "REQUESTED", "ENABLED", "ENABLED"),
        ("acme", "ENABLED", "ENABLED", "ENABLED_BUT_WITHDRAWN"),
    ]
    with database.reading() as session:
        noted = session.exec(select(IntegrationChange).order_by(col(IntegrationChange.number))).all()
    assert [change.at for change in noted] == [at(0), at(2), at(9)]


def test_what_is_taken_back_was_no_change(database: Database) -> None:
    (id,) = bring_in(database, customer("acme"))

    def write_and_fail() -> None:
        with database.writing() as session:
            session.get_one(Integration, id).reason = Reason.PAUSED
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert changes(database) == []


def test_old_changes_go_and_numbers_never_come_again(database: Database) -> None:
    (id,) = bring_in(database, customer("acme"))
    shows(database, id, Status.REQUESTED, at(1))
    (first,) = changes(database)
    assert Retention(database).prune(at(1.5))["integration_change"] == 1
    shows(database, id, Status.ENABLED, at(2), purpose="observe:run-2")
    (second,) = changes(database)
    assert int(str(second["number"])) > int(str(first["number"]))


def test_who_polls_misses_nothing_whatever_ends_first(database: Database) -> None:
    """Many write at once, each for a moment; a reader takes what is past the last number that it has seen."""
    ids = bring_in(database, *(customer(f"c{n}") for n in range(24)))
    done, seen, last = threading.Event(), list[dict[str, object]](), [0]

    def write(some: list[int], seed: int) -> None:
        chance = random.Random(seed)
        for reason in (Reason.PAUSED, Reason.THROTTLED, Reason.CUSTOMER_BUSY):
            for id in some:
                with database.writing() as session:
                    session.get_one(Integration, id).reason = reason
                    session.flush()
                    time.sleep(chance.random() / 100)

    def poll() -> None:
        while not done.is_set():
            for row in changes(database, last[0]):
                seen.append(row)
                last[0] = int(str(row["number"]))

    reader = threading.Thread(target=poll)
    reader.start()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, [ids[start::6] for start in range(6)], range(6)))
    done.set()
    reader.join()
    seen += changes(database, last[0])
    assert len(seen) == 3 * len(ids)
    by_customer: dict[object, list[object]] = {}
    for row in seen:
        by_customer.setdefault(row["customer_id"], []).append(row["reason"])
    assert set(map(tuple, by_customer.values())) == {("PAUSED", "THROTTLED", "CUSTOMER_BUSY")}
    assert [row["number"] for row in seen] == sorted(int(str(row["number"])) for row in changes(database))


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_a_change_that_began_earlier_and_ended_later_has_the_greater_number(database: Database) -> None:
    slow, quick = bring_in(database, customer("slow"), customer("quick"))
    with database.writing() as session:
        session.get_one(Integration, slow).reason = Reason.PAUSED
        session.flush()
        shows(database, quick, Status.ENABLED, NOON)
        (first,) = changes(database)
        assert first["customer_id"] == "quick"
    (second,) = changes(database, int(str(first["number"])))
    assert second["customer_id"] == "slow"
    assert ids_of(database) == [slow, quick]
