"""A client of ours before a LinkedIn that answers whatever a test writes down, with a clock that stands still."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import respx
from pydantic import SecretStr

from greenlight.domain.keys import IntegrationKey
from greenlight.domain.way import Way
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.calls import Calls
from greenlight.linkedin.errors import LinkedInError
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens
from greenlight.linkedin.transport import Wire

API = "https://api.linkedin.test"
INTEGRATIONS = f"{API}/v2/atsIntegrations"
TOKEN_URL = "https://www.linkedin.test/oauth/v2/accessToken"

SECRET = "WPL_AP1.s3cr3t/+=pl4nted&odd"
TOKEN = "AQXpl4nted-t0ken_"
ACME = Credentials("acme-app", SecretStr(SECRET))

AWLI = IntegrationKey("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS")
CONNECT = IntegrationKey("urn:li:organization:4gX03uw", "APPLY_CONNECT", "JOBS")
EXPORT = IntegrationKey("urn:li:organization:4gX03uw", "ONE_CLICK_EXPORT", "RECRUITER")
CSA = IntegrationKey("urn:li:contract:77", "CSA_API", "RECRUITER")

# The two ways in which LinkedIn's samples spell AWLI, and the one that Rest.li itself prints.
OWN = (
    "integrationContext=urn:li:organization:4gX03uw"
    "&integrationType=APPLY_WITH_LINKEDIN&tenantType=JOBS&dataProvider=ATS"
)
OWN_ENCODED = (
    "integrationType=APPLY_WITH_LINKEDIN&tenantType=JOBS&dataProvider=ATS"
    "&integrationContext=urn%3Ali%3Aorganization%3A4gX03uw"
)
OWN_CANONICAL = (
    "dataProvider=ATS&integrationContext=urn%3Ali%3Aorganization%3A4gX03uw"
    "&integrationType=APPLY_WITH_LINKEDIN&tenantType=JOBS"
)
FOREIGN = OWN.replace("4gX03uw", "f0re1gn")

NAME = "My Customer's Apply with LinkedIn Integration"


class Clock:
    """A monotonic clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 65536):
            yield self._body[start : start + 65536]


class _Streaming(httpx.AsyncBaseTransport):
    """respx reads its answers before it hands them out, while a Wire reads them as they come off the wire."""

    def __init__(self, router: respx.Router) -> None:
        self._inner = httpx.MockTransport(router.async_handler)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=_Pieces(answer.content))


class Stage:
    """Tokens are named by number, TOKEN1, TOKEN2, … unless a test has another answer for `token`."""

    def __init__(self, way: Way | None = None) -> None:
        router = respx.Router(assert_all_called=False)
        self.token = router.post(TOKEN_URL).mock(side_effect=self._issue)
        self.look = router.get(INTEGRATIONS)
        self.change = router.post(INTEGRATIONS)
        self.clock, self.counts, self.issued = Clock(), RequestCounts(), 0
        self.wire = Wire(5, _Streaming(router), way=way)
        self.tokens = Tokens(self.wire, TOKEN_URL, self.counts, self.clock)
        #: Seconds that were waited for in between, without their passing.
        self.slept: list[float] = []
        self.enabler = Enabler(Calls(self.wire, self.tokens, self.counts, sleep=self._sleep), API)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def _issue(self, _: httpx.Request) -> httpx.Response:
        self.issued += 1
        return httpx.Response(200, json={"access_token": f"{TOKEN}{self.issued}", "expires_in": 1800})

    async def verify(self, *keys: IntegrationKey, credentials: Credentials = ACME) -> dict[IntegrationKey, Seen]:
        return await self.enabler.verify(credentials, keys or (AWLI,))

    async def enable(self, key: IntegrationKey = AWLI, credentials: Credentials = ACME) -> LinkedInError | None:
        """None where LinkedIn confirmed it. An error of any other kind fails the test."""
        try:
            await self.enabler.enable(credentials, key, NAME)
        except LinkedInError as error:
            return error
        return None

    def sent(self) -> tuple[int, int, int]:
        """Requests that arrived: token, verify, enable. They must be those that were counted."""
        arrived = self.token.call_count, self.look.call_count, self.change.call_count
        assert arrived == (self.counts.token, self.counts.verify, self.counts.enable)
        return arrived


def body_of(*, hide: tuple[str, ...] = (), **maps: Any) -> bytes:
    """A batch answer; maps that are not given are empty, those named in `hide` are left out."""
    whole: dict[str, Any] = {"errors": {}, "results": {}, "statuses": {}, **maps}
    return json.dumps({name: value for name, value in whole.items() if name not in hide}).encode()


def says(status: int, message: str = "LinkedIn's own words", code: int | None = 100) -> httpx.Response:
    """An error in the API's own words (docs/linkedin.md#error-bodies)."""
    coded = {} if code is None else {"serviceErrorCode": code}
    return httpx.Response(status, json={"message": message, "status": status, **coded})


def bearer_of(request: httpx.Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


async def seen_in(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Seen:
    """What verify makes of this answer to a question about AWLI."""
    stage = Stage()
    stage.look.respond(status, content=body, headers=headers)
    seen = await stage.verify(AWLI)
    assert seen.keys() == {AWLI}
    return seen[AWLI]


async def enabled_by(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> LinkedInError | None:
    """What enable makes of this answer: None where it takes AWLI for enabled."""
    stage = Stage()
    stage.change.respond(status, content=body, headers=headers)
    error = await stage.enable()
    assert stage.change.call_count == 1 or status == 401
    return error
