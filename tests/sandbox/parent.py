"""A parent application with no manners of its own: sends exactly what a test tells it to."""

from typing import Any

import httpx

from sandbox.faults import Fault
from sandbox.state import Sandbox
from sandbox.world import Application, Parent, World
from tests.sandbox.partner import AWLI, Theatre, integration

APPLICATIONS = "/v2/provisionedApplications"
ROTATION = "/v2/developerApplicationsSecurity?action=rollDeveloperApplicationSecret"
PARENT_SECRET = "pa/rent+se=cret"
DOMAIN = "https://ats.example"
BODY: dict[str, Any] = {"uniqueForeignId": "globex", "name": "Our ATS - Globex", "description": "Globex"}
ROLL = {"X-RestLi-Method": "action", "X-RestLi-Protocol-Version": "2.0.0"}


def family(*faults: Fault, **settings: Any) -> World:
    """Two parents; acme is a child of the first, initech of the second, and hooli was made by hand."""
    return World(
        parents=[
            Parent(client_id="parent", client_secret=PARENT_SECRET, faults=list(faults)),
            Parent(client_id="stranger", client_secret="stranger-secret"),
        ],
        applications=[
            Application(
                client_id="acme",
                client_secret="acme-secret",
                parent="parent",
                application_id=11,
                unique_foreign_id="acme-1",
                name="Our ATS - Acme",
                description="Acme",
                js_sdk_domains=[DOMAIN],
                callback_urls=["https://ats.example/back/"],
                integrations=[integration(AWLI, "REQUESTED")],
            ),
            Application(
                client_id="initech",
                client_secret="initech-secret",
                parent="stranger",
                application_id=12,
                unique_foreign_id="acme-1",
            ),
            Application(client_id="hooli", client_secret="hooli-secret", application_id=13),
        ],
        **settings,
    )


class Provisioner:
    """One application's side of the conversation; usually a parent's."""

    def __init__(self, theatre: Theatre, client_id: str) -> None:
        self.theatre, self.http, self.client_id = theatre, theatre.http, client_id
        self.sandbox: Sandbox = theatre.sandbox
        self.token = ""

    async def ask_token(self, secret: str | None = None, client_id: str | None = None) -> httpx.Response:
        name = client_id or self.client_id
        caller = self.sandbox.callers[name]
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret or caller.secrets[0]}
        return await self.http.post("/oauth/v2/accessToken", data=form)

    async def log_in(self) -> "Provisioner":
        answer = await self.ask_token()
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self

    async def create(
        self, body: Any = None, *, path: str = APPLICATIONS, headers: dict[str, str] | None = None, **changes: Any
    ) -> httpx.Response:
        body = BODY | changes if body is None else body
        return await self.http.post(path, json=body, headers=self.headers(headers))

    async def find(self, foreign_id: str = "globex", headers: dict[str, str] | None = None) -> httpx.Response:
        params = {"q": "credentialsByUniqueForeignId", "uniqueForeignId": foreign_id}
        return await self.http.get(APPLICATIONS, params=params, headers=self.headers(headers))

    async def update(self, urn: str, headers: dict[str, str] | None = None, **values: Any) -> httpx.Response:
        patch = {"patch": {"$set": values}}
        return await self.http.post(f"{APPLICATIONS}/{urn}", json=patch, headers=self.headers(headers))

    async def rotate(
        self, urn: str | None = None, headers: dict[str, str] | None = None, path: str = ROTATION, body: Any = None
    ) -> httpx.Response:
        body = ({"childDeveloperApplication": urn} if urn else {}) if body is None else body
        return await self.http.post(path, json=body, headers=self.headers(ROLL | (headers or {})))

    def headers(self, changes: dict[str, str] | None) -> dict[str, str]:
        """An empty text takes a header away."""
        headers = {"Authorization": f"Bearer {self.token}"} | (changes or {})
        return {name: value for name, value in headers.items() if value}

    def state(self, foreign_id: str = "globex", parent: str = "parent") -> dict[str, Any] | None:
        """The child with that foreign id as `/sandbox/state` shows it."""
        for one in self.sandbox.state()["applications"]:
            if (one["unique_foreign_id"], one["parent"]) == (foreign_id, parent):
                return one
        return None

    @property
    def rules(self) -> list[str]:
        return [violation.rule for violation in self.sandbox.violations]


async def provisioner(
    *faults: Fault, client_id: str = "parent", seed: int = 0, world: World | None = None, **settings: Any
) -> Provisioner:
    """A parent with a token, before that family."""
    theatre = Theatre(world or family(*faults, **settings), seed=seed)
    return await Provisioner(theatre, client_id).log_in()


def complaint(answer: httpx.Response) -> tuple[int, Any, str]:
    body = answer.json()
    assert body["status"] == answer.status_code
    assert answer.headers["x-linkedin-error-response"] == "true"
    return answer.status_code, body.get("serviceErrorCode"), body["message"]


async def send(caller: Provisioner, operation: str, headers: dict[str, str] | None = None) -> httpx.Response:
    match operation:
        case "create":
            return await caller.create(headers=headers)
        case "find":
            return await caller.find("acme-1", headers)
        case "update":
            return await caller.update("urn:li:developerApplication:11", headers, description="changed")
        case _:
            return await caller.rotate("urn:li:developerApplication:11", headers)
