"""A burst of callbacks at the real portal, with a real task worker that is killed in the middle and started again."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from blocks.child_app import ChildAppBlocks, block_name
from greenlight.ats.announcements import Announcements
from greenlight.ats.ledger import Attempt
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.registry import Registration, register
from greenlight.ats.requests import Requests
from greenlight.ats.tables import Integration, RequestEvidence
from greenlight.linkedin.oauth import Credentials
from greenlight.settings import load_settings
from portal.app import create_app
from portal.context import digest_of
from portal.links import Links
from sandbox.world import Application, Fault, World
from sandbox.world import Integration as Wanted
from tasks.realtime.notifier import WorkerNotifier

CUSTOMERS = 134
CALLBACKS = 200
KEYS = ["a key of the test's"]
TYPE = "APPLY_WITH_LINKEDIN"


@contextmanager
def worker(prefect_server: str) -> Iterator[subprocess.Popen[bytes]]:
    """`greenlight worker`, with this process's settings."""
    environment = {**os.environ, "PREFECT_API_URL": prefect_server}
    process = subprocess.Popen([sys.executable, "-m", "cli", "worker"], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def until(what: Any, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up, "it took too long"
        await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.timeout(330)
async def test_a_burst_with_a_killed_worker_loses_nothing_and_enables_once(town: Any, prefect_server: str) -> None:
    """Every request is enabled exactly once, whatever the worker was doing when it died."""
    unique = uuid4().hex[:8]
    names = [f"c{n}x{unique}" for n in range(CUSTOMERS)]
    # Slow enough for the worker to be caught with answers outstanding.
    slow = Fault(on="enable", fault="hang", seconds=0.3)
    applications = [
        Application(
            client_id=name,
            client_secret=f"secret of {name}",
            customer=name,
            integrations=[
                Wanted(
                    integration_context=f"urn:li:organization:{name}",
                    integration_type=TYPE,
                    tenant_type="JOBS",
                    onboarding_status="REQUESTED",
                )
            ],
            faults=[slow],
        )
        for name in names
    ]
    async with town(World(applications=applications)) as there:
        now = there.now()
        register(there.database, [Registration(n, n, (n, block_name(n)), []) for n in names], now)
        await ChildAppBlocks().save_many({block_name(n): Credentials(n, SecretStr(f"secret of {n}")) for n in names})
        for name in names:
            PortalSessions(there.database).open(f"link {name}", name, digest_of(name), now, now + timedelta(hours=1))
        notifier = WorkerNotifier()
        ringing = asyncio.create_task(notifier.run())
        settings = load_settings()
        app = create_app(settings, there.database, KEYS, ring=notifier.ring)
        csrf = Links(KEYS, time.time)

        def enabled() -> int:
            return sum(count["effective"] for count in there.enables().values())

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=settings.portal_url) as browsers:

            async def callback(name: str) -> int:
                integration = {
                    "integrationContext": f"urn:li:organization:{name}",
                    "integrationType": TYPE,
                    "tenantType": "JOBS",
                }
                answer = await browsers.post(
                    "/requests",
                    json={"integrations": [integration]},
                    headers={
                        "Cookie": f"greenlight={name}",
                        "Origin": settings.portal_url,
                        "X-CSRF-Token": csrf.csrf_for(digest_of(name)),
                    },
                )
                return answer.status_code

            calls = [*names, *random.Random(7).sample(names, CALLBACKS - CUSTOMERS)]
            random.Random(8).shuffle(calls)
            with worker(prefect_server) as first:
                answers = asyncio.gather(*(callback(name) for name in calls))
                await until(lambda: enabled() >= CUSTOMERS // 4, 150)
                first.send_signal(signal.SIGKILL)
                first.wait()
            assert set(await answers) == {202}
            assert enabled() < CUSTOMERS, "it was killed in the middle"
            with worker(prefect_server):
                # A request that met the dead worker's lease waits half of its age, and its doubt has to settle.
                await until(lambda: not Requests(there.database).open_customers(), 200)
                # What the dead one had enabled and not announced.
                await until(lambda: Announcements(there.database).effects(1) == [], 60)
        ringing.cancel()
        with suppress(asyncio.CancelledError):
            await ringing

        assert {name: there.enables()[name]["effective"] for name in names} == dict.fromkeys(names, 1)
        assert there.violations() == []
        with there.database.reading() as session:
            rows = session.exec(select(Integration)).all()
            assert {row.customer_id: row.observed for row in rows} == dict.fromkeys(names, "ENABLED")
            assert session.exec(select(Attempt).where(col(Attempt.closed_at).is_(None))).all() == []
            times = [evidence.times for evidence in session.exec(select(RequestEvidence))]
        assert (len(times), sum(times)) == (CUSTOMERS, CALLBACKS), "each callback is on record"
