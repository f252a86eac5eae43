"""Attacks 19 and 20: runs at the same time, runs that die, and clocks that cannot be relied on."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.portal_sessions import PortalSessions
from sandbox.world import Application, Fault, Integration, World
from tasks.realtime.requested import enable_requested
from tests.flows.fault_world import Case, import_file, world
from tests.tasks.realtime.test_tasks_requested import Customer
from tests.tasks.realtime.test_tasks_worker import until

ENABLED = ("enabled", "ENABLED", "ENABLED")

RUN = """
import asyncio
from flows.reconcile import reconcile
asyncio.run(reconcile("apply", return_state=True))
"""


def _started(prefect_server: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PREFECT_API_URL": prefect_server}
    return subprocess.Popen([sys.executable, "-c", RUN], env=environment, stderr=subprocess.DEVNULL)


async def test_attack_19_runs_at_the_same_time_enable_once(town: Any) -> None:
    """The nightly run, one by hand and what a customer just clicked: each integration has one sender."""
    customers = [Customer(f"c{n}") for n in range(8)]
    async with town(World(applications=[c.application for c in customers])) as there:
        for customer in customers:
            await customer.move_in(there)
            customer.clicks(there)
        await asyncio.gather(
            reconcile(What.APPLY, return_state=True),
            reconcile(What.APPLY, return_state=True),
            enable_requested(),
            enable_requested(),
        )
        # Whoever found a customer taken leaves it to the next run.
        await reconcile(What.APPLY, return_state=True)
        assert there.enables() == {c.id: {"received": 1, "effective": 1} for c in customers}
        assert {status for c in customers for status, _, _ in c.shown(there).values()} == {"ENABLED"}
        assert there.violations() == []


@pytest.mark.long
@pytest.mark.timeout(170)
async def test_attack_19_killed_between_linkedins_yes_and_our_commit(town: Any, prefect_server: str) -> None:
    """SIGKILL while LinkedIn has done it and its answer is under way: the next run looks, and sends nothing again."""
    cases = (Case("killed", "", ENABLED, (Fault(on="enable", fault="hang", seconds=3.5),)),)
    async with town(world(cases), GREENLIGHT_HTTP_TIMEOUT_SECONDS="4") as there:
        await there.bring_in(import_file(cases))
        process = _started(prefect_server)
        try:
            await until(lambda: there.enables()["killed"]["effective"] == 1, 60)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        give_up = time.monotonic() + 90
        while True:
            report = there.report(await reconcile(What.APPLY, return_state=True))
            (item,) = report.items
            if item.observed.value == "ENABLED" and report.exit_code == 0:
                break
            assert time.monotonic() < give_up, (item.condition, "it does not converge")
            await asyncio.sleep(1)
        assert there.enables() == {"killed": {"received": 1, "effective": 1}}
        assert item.condition.reason.value == "ENABLED"
        assert there.violations() == []


def _many(count: int, *faults: Fault) -> World:
    """One customer with so many requested integrations."""
    return World(
        applications=[
            Application(
                client_id="appplain",
                client_secret=Case("plain", "", ENABLED).secret,
                customer="plain",
                integrations=[
                    Integration(
                        integration_context="urn:li:organization:plain",
                        integration_type=f"TYPE_{n}",
                        tenant_type="JOBS",
                        onboarding_status="REQUESTED",
                    )
                    for n in range(count)
                ],
                faults=list(faults),
            )
        ]
    )


def _rows(count: int) -> str:
    row = import_file((Case("plain", "", ENABLED),))
    return "".join(row.replace("APPLY_WITH_LINKEDIN", f"TYPE_{n}") for n in range(count))


async def test_attack_20_a_token_that_dies_in_the_middle_is_renewed_once(town: Any) -> None:
    """LinkedIn's clock decides: on its 401 there is one new token for all, and each enable is carried out once."""
    dead = Fault(on="enable", fault="expired", after=3, times=1)
    async with town(_many(8, dead)) as there:
        await there.bring_in(_rows(8))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert report.counts()["enabled"] == 8
        assert there.enables()["plain"]["effective"] == 8
        assert there.operations().count("token") == 2
        # Enables that had left before the 401 came back arrive with the dead token.
        assert {violation.rule for violation in there.violations()} <= {"token_after_401"}


async def test_attack_20_a_token_that_lives_seconds_is_measured_on_a_steady_clock(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wall clock that is set back by a year in the middle of a run keeps no token alive."""
    honest, calls = time.time, iter(range(1_000_000))
    start = _many(4, Fault(on="enable", fault="hang", seconds=0.6, times=None))
    start.token_lifetime_seconds = 1
    async with town(start) as there:
        await there.bring_in(_rows(4))
        monkeypatch.setattr("greenlight.linkedin.oauth.time.time", lambda: honest() - 31e6 * (next(calls) > 20))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        assert report.counts()["enabled"] == 4
        assert there.enables()["plain"] == {"received": 4, "effective": 4}
        assert [v.rule for v in there.violations() if v.rule == "token_after_401"] == []


@pytest.fixture(params=["America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This host believes that it is there."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone of a process cannot be changed here")
async def test_attack_20_a_host_in_any_time_zone_says_utc(town: Any, elsewhere: str) -> None:
    """Every moment in the database and in the report is UTC and is now, also in the hour that a clock shows twice."""
    cases = (Case("plain", "", ENABLED), Case("never", "", ("waiting", "NOT_REQUESTED", ""), status=None))
    async with town(world(cases)) as there:
        before = datetime.now(UTC) - timedelta(seconds=1)
        await there.bring_in(import_file(cases))
        report = there.report(await reconcile(What.APPLY, return_state=True))
        after = datetime.now(UTC)
        for item in report.items:
            assert item.observed_at is not None
            assert item.observed_at.utcoffset() == timedelta(0)
            assert before <= item.observed_at <= after, elsewhere
        for item in report.as_json()["items"]:
            assert item["observed_at"].endswith("Z")
            said = datetime.fromisoformat(item["observed_at"])
            assert before - timedelta(seconds=1) <= said <= after


async def test_attack_20_a_naive_time_is_refused(town: Any) -> None:
    """A time without a zone means another moment on another host, so none gets into the database."""
    naive = datetime.now(UTC).replace(tzinfo=None)
    async with town(world((Case("plain", "", ENABLED),))) as there:
        await there.bring_in(import_file((Case("plain", "", ENABLED),)))
        with pytest.raises(Exception, match=r"zone|naive|UTC"):
            PortalSessions(there.database).open("a link", "plain", "a digest", naive, naive + timedelta(hours=1))
