"""Our client and its real transport before the stand-in, over real HTTP: what is told, what is done, what is broken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from greenlight.domain.conditions import WORTH_REPEATING
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import NOT_REQUESTED, Observation, Status
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered, Unclear
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import RequestCounts
from sandbox.app import create_app
from sandbox.faults import Fault
from sandbox.server import serving
from sandbox.world import Application, Integration, World
from tests.linkedin.raw_server import a_client, listening
from tests.linkedin.stage import ACME, AWLI, CONNECT, CSA, EXPORT, NAME, SECRET

REQUESTED = Observation(Status.REQUESTED)
TIMEOUT = 0.4


def integration(key: IntegrationKey, status: str | None = "REQUESTED") -> Integration:
    return Integration(
        integration_context=key.integration_context,
        integration_type=key.integration_type,
        tenant_type=key.tenant_type,
        onboarding_status=status,
    )


@dataclass
class Served:
    enabler: Enabler
    counts: RequestCounts
    sandbox: Any
    url: str

    async def look(self, *keys: IntegrationKey) -> dict[IntegrationKey, Seen]:
        return await self.enabler.verify(ACME, keys or (AWLI,))

    async def enable(self, key: IntegrationKey = AWLI) -> LinkedInError | None:
        try:
            await self.enabler.enable(ACME, key, NAME)
        except LinkedInError as error:
            return error
        return None

    @property
    def status(self) -> str | None:
        [application] = self.sandbox.state()["applications"]
        return application["integrations"][0]["onboardingStatus"]

    def arrived(self, operation: str) -> int:
        return sum(entry.operation == operation for entry in self.sandbox.log)


@asynccontextmanager
async def served(*faults: dict[str, Any], patience: float = TIMEOUT, **world: Any) -> AsyncIterator[Served]:
    """At the end, every request that was counted has arrived once, and none broke a rule."""
    app = create_app(
        World(
            applications=[
                Application(
                    client_id="acme-app",
                    client_secret=SECRET,
                    integrations=[integration(key) for key in (AWLI, CONNECT, EXPORT, CSA)],
                    faults=[Fault.model_validate(fault) for fault in faults],
                )
            ],
            **world,
        )
    )
    async with serving(app) as url, a_client(url, patience) as (enabler, counts):
        there = Served(enabler, counts, app.state.sandbox, url)
        yield there
        assert [violation.text for violation in there.sandbox.violations] == []
        for operation in ("token", "verify", "enable"):
            assert there.arrived(operation) == getattr(counts, operation)


async def test_happy_path() -> None:
    async with served(patience=5) as there:
        keys = [AWLI, CONNECT, EXPORT, CSA]
        assert await there.look(*keys) == dict.fromkeys(keys, REQUESTED)
        for key in keys:
            assert await there.enable(key) is None
        enabled, ready = Observation(Status.ENABLED), Observation(Status.PARTNER_READY)
        never = IntegrationKey("urn:li:contract:78", "CSA_API", "RECRUITER")
        assert await there.look(*keys, never) == {
            AWLI: enabled,
            CONNECT: enabled,
            EXPORT: ready,
            CSA: ready,
            never: NOT_REQUESTED,
        }
        assert there.sandbox.state()["applications"][0]["integrations"][0]["integrationName"] == NAME
        assert there.counts == RequestCounts(token=1, verify=2, enable=4)


#: What the caller is told, and whether LinkedIn had carried the enable out.
BROKEN = [
    pytest.param({"fault": "lost"}, Unanswered, "ENABLED", id="done, and no answer"),
    pytest.param({"fault": "lost", "reset": True}, Unanswered, "ENABLED", id="done, and a TCP reset"),
    pytest.param({"fault": "dropped"}, Unanswered, "REQUESTED", id="not done, and no answer"),
    pytest.param({"fault": "dropped", "reset": True}, Unanswered, "REQUESTED", id="not done, and a TCP reset"),
    pytest.param({"fault": "truncated"}, Unanswered, "ENABLED", id="done, and half an answer"),
    pytest.param({"fault": "truncated", "applied": False}, Unanswered, "REQUESTED", id="not done, half an answer"),
    pytest.param({"fault": "hang", "seconds": 30}, Unanswered, None, id="no answer in time"),
    pytest.param({"fault": "huge", "bytes": None}, Unclear, "ENABLED", id="done, and an endless answer"),
    pytest.param({"fault": "huge"}, Unclear, "ENABLED", id="done, and an answer of 50 MB"),
    pytest.param({"fault": "empty"}, Unclear, "ENABLED", id="done, and an empty body"),
    pytest.param({"fault": "html"}, Unclear, "REQUESTED", id="a page"),
    pytest.param({"fault": "garbage"}, Unclear, "REQUESTED", id="bytes that are no JSON"),
    pytest.param({"fault": "foreign"}, Unclear, "REQUESTED", id="somebody else's answer"),
    pytest.param({"fault": "foreign", "applied": True}, Unclear, "ENABLED", id="done, but somebody else's answer"),
    pytest.param({"fault": "missing_key"}, Unclear, "ENABLED", id="done, but in neither map"),
    pytest.param({"fault": "conflicting"}, Unclear, "ENABLED", id="done, and said to be not"),
    pytest.param({"fault": "status", "status": 503, "applied": True}, Unclear, "ENABLED", id="done, and a 503"),
    pytest.param({"fault": "throttle"}, Refused, "REQUESTED", id="a 429 is known to be without effect"),
]


@pytest.mark.parametrize(("fault", "kind", "status"), BROKEN)
async def test_an_enable_that_goes_wrong_is_sent_once_and_never_called_enabled(
    fault: dict[str, Any], kind: type[LinkedInError], status: str | None
) -> None:
    async with served({"on": "enable", **fault}) as there:
        assert await there.look() == {AWLI: REQUESTED}
        error = await there.enable()
        assert type(error) is kind
        assert error.reason in WORTH_REPEATING
        assert there.arrived("enable") == 1
        assert error.worth_repeating
        if status is not None:
            assert there.status == status
            # The connection that broke is not the end of the client.
            assert await there.look() == {AWLI: Observation(Status(status))}


#: For verify, a key in none of the maps is not broken: it was never requested.
LOOKS = [
    pytest.param({"fault": "lost"}, id="no answer"),
    pytest.param({"fault": "lost", "reset": True}, id="a TCP reset"),
    pytest.param({"fault": "truncated"}, id="half an answer"),
    pytest.param({"fault": "hang", "seconds": 30}, id="no answer in time"),
    pytest.param({"fault": "huge", "bytes": None}, id="an endless answer"),
    pytest.param({"fault": "empty"}, id="an empty body"),
    pytest.param({"fault": "html"}, id="a page"),
    pytest.param({"fault": "foreign"}, id="somebody else's answer"),
    pytest.param({"fault": "conflicting"}, id="two statuses"),
    pytest.param({"fault": "throttle"}, id="a limit"),
]


@pytest.mark.parametrize("fault", LOOKS)
async def test_a_look_that_goes_wrong(fault: dict[str, Any]) -> None:
    async with served({"on": "verify", **fault}) as there:
        [seen] = (await there.look()).values()
        assert isinstance(seen, LinkedInError)
        assert seen.worth_repeating
        assert there.arrived("verify") == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param({"fault": "dropped"}, Reason.LINKEDIN_UNAVAILABLE, id="cut"),
        pytest.param({"fault": "dropped", "reset": True}, Reason.LINKEDIN_UNAVAILABLE, id="reset"),
        pytest.param({"fault": "truncated"}, Reason.LINKEDIN_UNAVAILABLE, id="half an answer"),
        pytest.param({"fault": "hang", "seconds": 30}, Reason.LINKEDIN_UNAVAILABLE, id="no answer in time"),
        pytest.param({"fault": "huge", "bytes": None}, Reason.UNREADABLE_ANSWER, id="an endless answer"),
        pytest.param({"fault": "html"}, Reason.NOT_THE_API, id="a page"),
        pytest.param({"fault": "no_token"}, Reason.UNREADABLE_ANSWER, id="no token in it"),
        pytest.param({"fault": "bad_expiry", "expires_in": "soon"}, Reason.UNREADABLE_ANSWER, id="a life in words"),
        pytest.param({"fault": "status", "status": 500}, Reason.LINKEDIN_UNAVAILABLE, id="down"),
    ],
)
async def test_a_token_request_that_goes_wrong_sends_nothing_else(fault: dict[str, Any], reason: Reason) -> None:
    async with served({"on": "token", **fault}) as there:
        error = await there.enable()
        assert isinstance(error, Refused)
        assert error.reason is reason
        assert there.counts == RequestCounts(token=1)
        assert await there.look() == {AWLI: REQUESTED}


@pytest.mark.parametrize("dead", ["expired", "bad_token", "revoked"])
@pytest.mark.parametrize("operation", ["verify", "enable"])
async def test_a_dead_token_is_renewed_once_and_never_sent_again(operation: str, dead: str) -> None:
    async with served({"on": operation, "fault": dead}, patience=5) as there:
        assert await there.look() == {AWLI: REQUESTED}
        assert await there.enable() is None
        assert there.counts.token == 2


@pytest.mark.parametrize("life", [0, -1, None, 1_800_000, "1800"])
async def test_a_token_of_a_life_that_is_not_known_is_used(life: object) -> None:
    async with served({"on": "token", "fault": "bad_expiry", "expires_in": life}, patience=5) as there:
        assert await there.look() == {AWLI: REQUESTED}
        assert await there.enable() is None
        assert there.counts == RequestCounts(token=1, verify=1, enable=1)


async def test_a_token_outlived_at_linkedin_is_renewed() -> None:
    """LinkedIn's clock runs ahead of ours: the 401 decides, and nothing is in doubt."""
    async with served(patience=5) as there:
        await there.look()
        there.sandbox.advance(1801)
        assert await there.look() == {AWLI: REQUESTED}
        assert there.counts == RequestCounts(token=2, verify=3)


async def test_thirty_looks_at_once_share_one_token() -> None:
    async with served(patience=5) as there:
        assert await asyncio.gather(*(there.look() for _ in range(30))) == [{AWLI: REQUESTED}] * 30
        assert there.counts == RequestCounts(token=1, verify=30)


async def test_redirects_of_the_stand_in_lead_nowhere() -> None:
    async def greedy(_: bytes) -> tuple[bytes, bool]:
        return b"", False

    async with listening(greedy) as elsewhere:
        faults = [
            {"on": operation, "fault": "redirect", "location": f"{elsewhere.url}/v2/atsIntegrations", "status": status}
            for operation in ("verify", "enable")
            for status in (302, 307)
        ]
        async with served(*faults) as there:
            for _ in range(2):
                [seen] = (await there.look()).values()
                assert isinstance(seen, Unclear)
            assert await there.look() == {AWLI: REQUESTED}
            assert type(await there.enable()) is Unclear
        assert elsewhere.connections == 0


async def test_the_daily_limit() -> None:
    async with served(patience=5, requests_per_day=1, retry_after=7200) as there:
        assert await there.look() == {AWLI: REQUESTED}
        error = await there.enable()
        assert isinstance(error, Refused)
        assert (error.reason, error.retry_after) == (Reason.THROTTLED, 7200)
        assert not error.worth_repeating


async def test_a_wrong_secret_is_refused_once() -> None:
    async with served({"on": "token", "fault": "invalid_client", "times": None}, patience=5) as there:
        seen = await asyncio.gather(*(there.look(AWLI, CSA) for _ in range(5)))
        for each in seen:
            for one in each.values():
                assert isinstance(one, Refused)
                assert one.reason is Reason.CREDENTIALS_REFUSED
        assert there.counts == RequestCounts(token=1)
