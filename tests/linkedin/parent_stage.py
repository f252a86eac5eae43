"""A parent application before a LinkedIn that answers whatever a test writes down."""

import json
import traceback
from typing import Any

import httpx
import respx
from pydantic import SecretStr

from greenlight.linkedin.calls import Calls
from greenlight.linkedin.errors import LinkedInError
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens
from greenlight.linkedin.provisioning import NewApplication, Provisioner
from greenlight.linkedin.transport import Wire
from tests.linkedin.stage import API, TOKEN, TOKEN_URL, Clock, _Streaming

PARENT_SECRET = "WPL_AP1.p4rent/+=pl4nted&odd"
CHILD_SECRET = "WPL_AP1.ch1ld/+=pl4nted&odd"
PARENT = Credentials("parent-app", SecretStr(PARENT_SECRET))
APPLICATIONS = f"{API}/v2/provisionedApplications"
ROTATION = f"{API}/v2/developerApplicationsSecurity?action=rollDeveloperApplicationSecret"
URN = "urn:li:developerApplication:234"
WANTED = NewApplication("acme", "ATS - Acme", "What it is for", ["https://jobs.example.com", "http://b.example:81"])

CREATED = {"credentials": {"client_id": "77abc", "client_secret": CHILD_SECRET}, "key": URN}
ROTATED = {"value": {"client_secret": CHILD_SECRET}}
ELEMENT = {
    "credentials": {"client_id": "77abc"},
    "uniqueForeignId": "acme",
    "name": "ATS - Acme",
    "description": "d",
    "validJsSdkDomains": ["http://a.example", "https://b.example"],
    "key": URN,
    "oauth2AuthorizedCallbackUrls": ["https://a.example/"],
}


class ParentStage:
    """Tokens are named by number, TOKEN1, TOKEN2, …; `api` answers all else."""

    def __init__(self, timeout_seconds: float = 5) -> None:
        router = respx.Router(assert_all_called=False)
        self.token = router.post(TOKEN_URL).mock(side_effect=self._issue)
        self.api = router.route(url__startswith=API)
        self.counts, self.issued = RequestCounts(), 0
        wire = Wire(timeout_seconds, _Streaming(router))
        tokens = Tokens(wire, TOKEN_URL, self.counts, Clock())
        calls = Calls(wire, tokens, self.counts, sleep=_at_once)
        self.provisioner = Provisioner(calls, API, PARENT)

    def _issue(self, _: httpx.Request) -> httpx.Response:
        self.issued += 1
        return httpx.Response(200, json={"access_token": f"{TOKEN}{self.issued}", "expires_in": 1800})

    def answers(self, body: object, status: int = 200, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.api.respond(status, content=content, headers=headers)

    async def do(self, call: str) -> Any:
        """One of the four calls, by its name."""
        match call:
            case "create":
                return await self.provisioner.create(WANTED)
            case "find":
                return await self.provisioner.find("acme")
            case "set":
                return await self.provisioner.set_js_sdk_domains(URN, ["https://a.example"])
            case _:
                return await self.provisioner.rotate(URN)

    async def error(self, call: str) -> LinkedInError:
        """The error in which this call ends. It must not tell any secret."""
        try:
            result = await self.do(call)
        except LinkedInError as error:
            told = everything_told_by(error)
            assert not any(needle in told for needle in (PARENT_SECRET, CHILD_SECRET, TOKEN))
            return error
        raise AssertionError(f"no error, but {result!r}")

    def request(self) -> httpx.Request:
        """The last request to the API."""
        return self.api.calls.last.request

    def sent(self) -> tuple[int, int]:
        """Requests that arrived: for a token, and to the API. They must be those that were counted."""
        arrived = self.token.call_count, self.api.call_count
        assert arrived == (self.counts.token, self.counts.provision)
        assert (self.counts.verify, self.counts.enable) == (0, 0)
        return arrived


async def _at_once(_: float) -> None:
    pass


def everything_told_by(error: BaseException) -> str:
    """All that a log could hold of an error and of those behind it."""
    told, one = "".join(traceback.format_exception(error)), error
    while one is not None:
        told += f"{one!r} {one} {one.args!r} {getattr(one, 'detail', '')}"
        one = one.__cause__ or one.__context__
    return told
