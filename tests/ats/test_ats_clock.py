"""Whose time it is: the database's, whatever a host's clock says."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from cli import checks
from cli.checks import State
from greenlight.ats.clock import DatabaseClock
from greenlight.ats.database import Database
from greenlight.ats.looks import Look
from greenlight.ats.store import Store
from greenlight.domain.conditions import after_look
from greenlight.domain.status import Observation, Status
from tasks.parts.resources import now, on_time_of
from tests.ats.world import integration, one

HOURS = timedelta(hours=3)


class Host:
    """A host whose clock is off by so much."""

    def __init__(self, off: timedelta) -> None:
        self.off = off
        self.passed = 0.0

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.off

    def monotonic(self) -> float:
        return self.passed


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
@pytest.mark.parametrize("off", [HOURS, -HOURS, timedelta()])
def test_a_host_that_is_hours_off_has_the_databases_time(database: Database, off: timedelta) -> None:
    host = Host(off)
    clock = DatabaseClock(database, host.wall, host.monotonic)
    clock.sync()
    assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.ahead == pytest.approx(off.total_seconds(), abs=5)
    before = clock()
    host.off += HOURS
    host.passed = 7.0
    assert clock() - before == timedelta(seconds=7), "a clock that is set while a run goes on changes nothing"


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_a_clock_that_is_asked_again_does_not_go_back(database: Database) -> None:
    """A look would pass for older than the one before it."""
    host = Host(timedelta())
    clock = DatabaseClock(database, host.wall, host.monotonic)
    clock.sync()
    host.passed = 0.5
    before = clock()
    clock.sync()
    assert clock() >= before


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_two_hosts_hours_apart_agree_on_what_is_newer(database: Database) -> None:
    id = one(database)
    ahead, behind = (Host(off) for off in (HOURS, -HOURS))
    for host, status in ((ahead, Status.REQUESTED), (behind, Status.ENABLED)):
        clock = DatabaseClock(database, host.wall, host.monotonic)
        clock.sync()
        seen = Observation(status)
        look = Look(id, seen, after_look(seen), final=True)
        Store(database).record_looks("observe:r", [look], clock(), clock())
    assert integration(database, id).observed == Status.ENABLED


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_file_has_its_hosts_time(database: Database) -> None:
    host = Host(HOURS)
    clock = DatabaseClock(database, host.wall, host.monotonic)
    clock.sync()
    assert abs(clock() - host.wall()) < timedelta(seconds=5)
    assert clock.ahead == 0


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    ("off", "state", "said"),
    [
        (timedelta(), State.OK, "are the same"),
        (HOURS, State.WARNING, "10800 s ahead of the database's"),
        (-HOURS, State.WARNING, "10800 s behind the database's"),
    ],
)
def test_doctor_says_how_far_a_hosts_clock_is_off(
    database: Database, monkeypatch: pytest.MonkeyPatch, off: timedelta, state: State, said: str
) -> None:
    host = Host(off)
    monkeypatch.setattr(checks, "DatabaseClock", lambda database: DatabaseClock(database, host.wall, host.monotonic))
    found = checks.check_database_clock(database)
    assert found.state is state
    assert said in found.found


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_a_run_begins_by_saying_so_and_goes_by_the_databases_time(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    host = Host(HOURS)
    clock = DatabaseClock(database, host.wall, host.monotonic)
    clock.sync()
    with caplog.at_level(logging.WARNING, "greenlight.run"), on_time_of(clock):
        assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert "This host's clock is 10800 s ahead of the database's, by which this run goes" in caplog.text
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)
