"""A partner with no manners of its own: sends exactly what a test tells it to."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import httpx

from sandbox.app import create_app
from sandbox.faults import Fault
from sandbox.state import Sandbox
from sandbox.world import Application, Integration, World

Key = tuple[str, str, str, str]

AWLI: Key = ("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS", "ATS")
CONNECT: Key = ("urn:li:organization:4gX03uw", "APPLY_CONNECT", "JOBS", "ATS")
EXPORT: Key = ("urn:li:organization:4gX03uw", "ONE_CLICK_EXPORT", "RECRUITER", "ATS")
CSA: Key = ("urn:li:contract:77", "CSA_API", "RECRUITER", "ATS")
OTHERS: Key = ("urn:li:organization:other", "APPLY_WITH_LINKEDIN", "JOBS", "ATS")
NOWHERE: Key = ("urn:li:organization:nowhere", "APPLY_WITH_LINKEDIN", "JOBS", "ATS")
PARTS = ("integrationContext", "integrationType", "tenantType", "dataProvider")

NOON = 1_800_014_400.0  # 12:00 UTC of its day
SECRET = "s3cr/et=+with odd&characters"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def integration(key: Key, status: str | None, name: str | None = None) -> Integration:
    return Integration(
        integration_context=key[0],
        integration_type=key[1],
        tenant_type=key[2],
        onboarding_status=status,
        integration_name=name,
    )


def small_world(*faults: Fault, **settings: Any) -> World:
    """Customer acme with one integration of each kind, all REQUESTED, and another customer."""
    return World(
        applications=[
            Application(
                client_id="acme",
                client_secret=SECRET,
                customer="Acme",
                integrations=[integration(key, "REQUESTED") for key in (AWLI, CONNECT, EXPORT, CSA)],
                faults=list(faults),
            ),
            Application(client_id="zeta", client_secret="z", integrations=[integration(OTHERS, "REQUESTED")]),
        ],
        **settings,
    )


def body_key(key: Key) -> str:
    return "&".join(f"{name}={value}" for name, value in zip(PARTS, key, strict=True))


def query(keys: Sequence[Key]) -> list[tuple[str, str]]:
    return [
        (f"ids[{index}].{name}", value)
        for index, key in enumerate(keys)
        for name, value in zip(PARTS, key, strict=True)
    ]


def entities(keys: Sequence[Key], name: str = "Ours") -> dict[str, Any]:
    return {"entities": {body_key(key): {"patch": {"$set": {"integrationName": name}}} for key in keys}}


def read_key(text: str) -> Key:
    parts = dict(parse_qsl(text, strict_parsing=True))
    assert parts.keys() == set(PARTS)
    return parts["integrationContext"], parts["integrationType"], parts["tenantType"], parts["dataProvider"]


def by_key(mapping: dict[str, Any]) -> dict[Key, Any]:
    return {read_key(text): value for text, value in mapping.items()}


def url_of(*keys: Key) -> str:
    """As LinkedIn's samples print it: raw brackets, raw URN."""
    return "/v2/atsIntegrations?" + "&".join(f"{name}={value}" for name, value in query(keys))


class Partner:
    """One application's side of the conversation."""

    def __init__(self, http: httpx.AsyncClient, sandbox: Sandbox, client_id: str = "acme") -> None:
        self.http, self.sandbox, self.client_id = http, sandbox, client_id
        self.token = ""

    async def ask_token(self, **changes: str) -> httpx.Response:
        secret = {one.client_id: one.client_secret for one in self.sandbox.world.applications}.get(self.client_id, "")
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": secret}
        return await self.http.post("/oauth/v2/accessToken", data=form | changes)

    async def log_in(self) -> str:
        answer = await self.ask_token()
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self.token

    async def verify(self, *keys: Key, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        more.setdefault("params", query(keys or [AWLI]))
        return await self.http.get("/v2/atsIntegrations", headers=self._headers(headers), **more)

    async def enable(self, *keys: Key, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        more.setdefault("params", query(keys or [AWLI]))
        if "content" not in more:
            more.setdefault("json", entities(keys or [AWLI]))
        restli = {"x-restli-method": "batch_partial_update"}
        return await self.http.post("/v2/atsIntegrations", headers=self._headers(restli | (headers or {})), **more)

    def _headers(self, changes: dict[str, str] | None) -> dict[str, str]:
        """An empty text takes a header away."""
        headers = self.bearer | (changes or {})
        return {name: value for name, value in headers.items() if value}

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def status(self, key: Key = AWLI) -> str | None:
        return self._one(key)["onboardingStatus"]

    def enables(self, key: Key = AWLI) -> tuple[int, int]:
        return self._one(key)["enables"]["received"], self._one(key)["enables"]["effective"]

    def _one(self, key: Key) -> dict[str, Any]:
        for application in self.sandbox.state()["applications"]:
            for one in application["integrations"]:
                named = one["integrationContext"], one["integrationType"], one["tenantType"]
                if application["client_id"] == self.client_id and named == key[:3]:
                    return one
        raise AssertionError(f"{self.client_id} has no {key}")

    @property
    def rules(self) -> list[str]:
        return [violation.rule for violation in self.sandbox.violations]


class Theatre:
    """A stand-in in this process, reached without a network."""

    def __init__(self, world: World | None = None, *, seed: int = 0) -> None:
        self.clock = Clock()
        self.app = create_app(world or small_world(), clock=self.clock, seed=seed)
        self.sandbox: Sandbox = self.app.state.sandbox
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://linkedin.test")

    async def partner(self, client_id: str = "acme") -> Partner:
        """A partner that already holds a token."""
        partner = Partner(self.http, self.sandbox, client_id)
        await partner.log_in()
        return partner


async def on_stage(*faults: Fault, seed: int = 0, **settings: Any) -> Partner:
    """Acme's partner, with a token, before a small world with these faults."""
    return await Theatre(small_world(*faults, **settings), seed=seed).partner()
