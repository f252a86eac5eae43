"""A source that hangs is given up on, and a sync for which nobody waits any more writes nothing more."""

import asyncio
from collections.abc import Generator
from datetime import timedelta
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine

from greenlight.desired.source import Row
from greenlight.desired.sql import SqlSource
from greenlight.desired.syncing import SyncStopped, sync
from greenlight.domain.desired import SyncOutcome
from greenlight.intake.problems import Problems
from tasks import sync as the_step
from tests.desired.vendor import Nights, Vendor


@pytest.fixture
def known(vendor: Vendor, nights: Nights) -> None:
    vendor.signs(*range(1, 11))
    nights.sync(vendor.source())


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("hangs", ["in the query", "at a lock"])
def test_postgresql_is_given_up_on(
    hangs: str, vendor: Vendor, nights: Nights, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine_name == "sqlite":
        pytest.skip("a SQLite file is read in this process")
    vendor.signs(11)
    if hangs == "in the query":
        monkeypatch.setattr("greenlight.desired.sql.STATEMENT_SECONDS", 0.2)
        report = nights.sync(vendor.source("SELECT v.* FROM greenlight_desired AS v, pg_sleep(3)"))
        said = "statement timeout"
    else:
        monkeypatch.setattr("greenlight.desired.sql.LOCK_SECONDS", 0.2)
        monkeypatch.setattr("greenlight.desired.sql.STATEMENT_SECONDS", 5)
        engine = create_engine(vendor.url)
        with engine.begin() as connection:
            connection.exec_driver_sql("LOCK TABLE tenants")
            report = nights.sync(vendor.source())
        engine.dispose()
        said = "lock timeout"
    assert (report.outcome, said in (report.detail or "")) == (SyncOutcome.UNREADABLE, True), report.detail
    assert "11" not in nights.wanted()


@pytest.mark.usefixtures("known")
def test_any_source_is_read_so_long_and_no_longer(vendor: Vendor, nights: Nights) -> None:
    vendor.signs(*range(20, 620))

    class Slow(SqlSource):
        def rows(self, problems: Problems) -> Generator[Row]:
            for row in super().rows(problems):
                nights.now += timedelta(seconds=4)
                yield row

    report = sync(Slow(vendor.url), nights.database, lambda: nights.now, None)
    assert report.outcome is SyncOutcome.UNREADABLE
    assert "was not read to its end within 30 minutes" in (report.detail or "")
    assert len(nights.wanted()) == 10


@pytest.mark.usefixtures("known")
def test_who_is_stopped_writes_nothing_more(vendor: Vendor, nights: Nights) -> None:
    vendor.signs(11)
    stop = Event()

    class Stopping(SqlSource):
        def rows(self, problems: Problems) -> Generator[Row]:
            yield from super().rows(problems)
            stop.set()

    with pytest.raises(SyncStopped):
        sync(Stopping(vendor.url), nights.database, lambda: nights.now, None, stop.is_set)
    assert "11" not in nights.wanted()
    vendor.switches(2, "off")
    asked = iter([False, False, True])
    with pytest.raises(SyncStopped):
        sync(vendor.source(), nights.database, lambda: nights.now + timedelta(days=1), None, lambda: next(asked))
    assert {"2", "11"} <= set(nights.wanted()), "brought in, and stopped before the withdrawal"


@pytest.mark.usefixtures("known")
async def test_a_run_that_is_cancelled_waits_for_its_sync(
    vendor: Vendor, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.signs(11)
    reads, go_on, ended = Event(), Event(), []

    class Waiting(SqlSource):
        def rows(self, problems: Problems) -> Generator[Row]:
            reads.set()
            go_on.wait(30)
            try:
                yield from super().rows(problems)
            finally:
                ended.append(True)

    resources: Any = SimpleNamespace(settings=None, database=nights.database)
    monkeypatch.setattr(the_step, "current_resources", lambda: resources)
    monkeypatch.setattr(the_step, "source_of", lambda settings: Waiting(vendor.url))
    monkeypatch.setattr(the_step, "now", lambda: nights.now)
    run = asyncio.create_task(the_step._sync.fn("run"))
    await asyncio.to_thread(reads.wait, 30)
    run.cancel()
    await asyncio.sleep(0.1)
    assert not run.done(), "the database is not closed beneath it"
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert ended == [True]
    assert "11" not in nights.wanted()
