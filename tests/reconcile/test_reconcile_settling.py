"""Settling an enable by looking, on a virtual clock: whatever LinkedIn does, nothing is sent twice blindly."""

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database, make_database
from greenlight.ats.leases import Leases
from greenlight.ats.registry import Registration, register
from greenlight.ats.runs import Runs
from greenlight.ats.store import Store
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.linkedin.calls import Calls
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens
from greenlight.linkedin.transport import Wire
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.enable import Enabling
from greenlight.reconcile.observe import Observer, Purpose

KEY = IntegrationKey("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS")
PATIENCE = 15.0
#: How long what is in doubt may still land after its answer.
SETTLE = 120.0
START = datetime(2026, 11, 23, 2, tzinfo=UTC)

#: What LinkedIn does with an enable: whether it is carried out, now or after a while, and what comes back.
ENABLES = (
    "done",
    "lost, done",
    "lost, not done",
    "lost, done late",
    "500, done",
    "500, not done",
    "500, done late",
    "202, done",
    "202, not done",
    "202, done late",
    "garbage, done",
    "garbage, done late",
    "429, not done",
)
LOOKS = ("told", "500", "cut", "lagging")


class LinkedIn:
    """One integration, one script of behaviours, and a record of everything that came in."""

    def __init__(self, looks: Sequence[str], enables: Sequence[str]) -> None:
        self.now = START
        self.status = "REQUESTED"
        self.late: datetime | None = None
        self.effective = 0
        self.sent: list[tuple[str, str, datetime]] = []
        self._looks, self._enables = iter(looks), iter(enables)

    def calm(self) -> None:
        """From now on all is well."""
        self._looks = self._enables = iter(())

    def clock(self) -> datetime:
        return self.now

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("accessToken"):
            return httpx.Response(200, json={"access_token": "t0ken", "expires_in": 1800})
        if self.late is not None and self.now >= self.late:
            self._enable()
        return self._look() if request.method == "GET" else self._enabled(next(self._enables, "done"), request)

    def _look(self) -> httpx.Response:
        behaviour = next(self._looks, "told")
        status = "REQUESTED" if behaviour == "lagging" else self.status
        told = behaviour in ("told", "lagging")
        self.sent.append(("look", status if told else behaviour, self.now))
        if behaviour == "cut":
            raise httpx.ReadError("cut")
        if behaviour == "500":
            return httpx.Response(500, json={"status": 500})
        return httpx.Response(200, json={"results": {KEY.as_body_key(): {"onboardingStatus": status}}})

    def _enabled(self, behaviour: str, request: httpx.Request) -> httpx.Response:
        assert KEY.as_body_key() in json.loads(request.content)["entities"]
        self.sent.append(("enable", behaviour, self.now))
        if self.status == "ENABLED":
            message = "modifying onboarding status for already enabled integration is not allowed"
            return httpx.Response(400, json={"message": message, "status": 400})
        if "429" in behaviour:
            return httpx.Response(429, json={"status": 429})
        if "done late" in behaviour:
            self.late = self.now + timedelta(seconds=SETTLE - 1)
        elif "not done" not in behaviour:
            self._enable()
        if "lost" in behaviour:
            raise httpx.ReadTimeout("lost")
        if "500" in behaviour:
            return httpx.Response(500, json={"status": 500})
        if "202" in behaviour:
            return httpx.Response(202, json={})
        if "garbage" in behaviour:
            return httpx.Response(200, content=b"<html>")
        return httpx.Response(200, json={"results": {KEY.as_body_key(): {"status": 204}}})

    def _enable(self) -> None:
        self.late = None
        if self.status == "REQUESTED":
            self.status, self.effective = "ENABLED", self.effective + 1


class _Wireless(httpx.AsyncBaseTransport):
    """Hands requests to LinkedIn above; answers are read as they would be off a wire."""

    def __init__(self, linkedin: LinkedIn) -> None:
        self._linkedin = linkedin

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._linkedin.answer(request)
        return httpx.Response(answer.status_code, stream=httpx.ByteStream(answer.content))


class Held:
    async def get_many(self, names: Sequence[str]) -> Mapping[str, Credentials]:
        return {name: Credentials("app", SecretStr("s3cret")) for name in names}


async def run(database: Database, linkedin: LinkedIn, run_id: str, tries: int) -> None:
    """Look, then enable with as many tries as a task has, waiting as long as each asks for."""
    counts = RequestCounts()
    wire = Wire(PATIENCE, _Wireless(linkedin))
    tokens = Tokens(wire, "https://www.linkedin.com/oauth/v2/accessToken", counts)
    enabler = Enabler(Calls(wire, tokens, counts), "https://api.linkedin.com")
    store, attempts = Store(database), Attempts(database)
    ids = store.select(Selection())
    leases = CustomerLeases(Leases(database), linkedin.clock)
    await Observer(store, enabler, Held(), linkedin.clock, leases).look(run_id, Purpose.OBSERVE, ids)
    (wanted,) = store.wanted(ids)
    if wanted.observed_at == linkedin.now and wanted.observed == "REQUESTED":
        enabling = Enabling(attempts, enabler, Held(), linkedin.clock, leases, PATIENCE, SETTLE)

        async def enable() -> None:
            for _ in range(tries):
                if not attempts.still_to_enable(ids, run_id):
                    break
                (wanted,) = store.wanted(ids)
                left = await enabling.enable(run_id, wanted)
                if not left.items:
                    break
                linkedin.now += timedelta(seconds=left.wait + 0.5)

        await enable()
        if doubtful := attempts.in_doubt(ids):
            linkedin.now = max(linkedin.now, *doubtful.values())
            await Observer(store, enabler, Held(), linkedin.clock, leases).look(run_id, Purpose.SETTLE, ids)
            await enable()
    await wire.aclose()


def check(linkedin: LinkedIn) -> None:
    """Every enable follows a look that told REQUESTED, never while an earlier one may land, never a confirmed one."""
    assert linkedin.effective <= 1
    told, confirmed = None, False
    doubt_until: datetime | None = None
    for kind, what, when in linkedin.sent:
        if kind == "look":
            told = what if what in ("REQUESTED", "ENABLED") else told
            continue
        assert not confirmed, "sent again although LinkedIn had confirmed it"
        assert told == "REQUESTED", "an enable was sent for what the last look did not show as REQUESTED"
        assert doubt_until is None or when >= doubt_until, "sent again while the last one could still land"
        told, confirmed = None, what == "done"
        doubt_until = when + timedelta(seconds=SETTLE) if "429" not in what else None


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=60
)
@given(
    looks=st.lists(st.sampled_from(LOOKS), max_size=12),
    enables=st.lists(st.sampled_from(ENABLES), max_size=6),
    tries=st.integers(1, 4),
)
async def test_whatever_happens_it_converges_without_a_blind_second_enable(
    sqlite_template: Path, tmp_path: Path, looks: list[str], enables: list[str], tries: int
) -> None:
    file = shutil.copy(sqlite_template, tmp_path / f"{uuid4()}.db")
    database = make_database(f"sqlite:///{file}")
    try:
        await converges(database, LinkedIn(looks, enables), tries)
    finally:
        database.close()


async def converges(database: Database, linkedin: LinkedIn, tries: int) -> None:
    """Run after run, until LinkedIn has it enabled, and once more: then nothing may be in doubt any longer."""
    register(database, [Registration("acme", "Acme", ("app", "block"), [(KEY, "Acme's")])], START)
    for number in range(30):
        await run(database, linkedin, f"run {number}", tries)
        check(linkedin)
        linkedin.now += timedelta(minutes=10)
        if linkedin.status == "ENABLED" and number:
            break
    linkedin.calm()
    await run(database, linkedin, "last", tries)
    check(linkedin)
    assert linkedin.status == "ENABLED"
    assert linkedin.effective == 1
    runs = Runs(database)
    assert None not in [a.outcome for _, a in runs.attempts("acme")], "every intent has an end, without a person"
    (item,) = runs.known(Command.STATUS, Selection()).items
    assert (item.observed, item.condition.reason) == ("ENABLED", "ENABLED")
