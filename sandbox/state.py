"""What changes while the stand-in runs: statuses, tokens, budgets, the log."""

import asyncio
import random
import string
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sandbox.clients import MAX_SECRETS, Caller, Client, Onboarding, ParentClient, Token, application_id_of
from sandbox.faults import PROVISIONING, Fault
from sandbox.keys import Key
from sandbox.late import Late
from sandbox.watch import Violation, Watch, normal
from sandbox.world import KNOWN_TENANTS, KNOWN_TYPES, Application, World

_ALPHANUMERIC = string.ascii_letters + string.digits
_TOKEN_ALPHABET = _ALPHANUMERIC + "-_"


class NoSuchThingError(LookupError):
    """A control call names an application or an integration that is not there, or not in that state."""


class TooManySecretsError(ValueError):
    """An application that is to get a third secret."""


@dataclass
class LogEntry:
    """One request. `status` is None while it is unanswered, and stays None where the connection is cut."""

    time: float
    client_id: str | None
    method: str
    operation: str
    keys: list[str] = field(default_factory=list)
    status: int | None = None
    fault: str | None = None
    notes: list[str] = field(default_factory=list)


class Sandbox:
    """The whole stand-in, reachable in-process as `app.state.sandbox`."""

    def __init__(self, world: World, *, clock: Callable[[], float], seed: int) -> None:
        self._clock = clock
        self._offset = 0.0
        # Not for secrecy: the same seed must give the same run.
        self.rng = random.Random(seed)  # noqa: S311
        self._pauses: set[asyncio.Event] = set()
        self.replace(world)

    def replace(self, world: World) -> None:
        """A new world from now on. Log, violations and tokens start afresh, an advanced clock stays advanced."""
        self.world = world
        self.parents = {parent.client_id: ParentClient(parent) for parent in world.parents}
        self.late = Late()
        self._clients: dict[str, Client] = {}
        taken = {one.application_id for one in world.applications if one.application_id is not None}
        for one in world.applications:
            number = one.application_id or application_id_of(one.client_id, taken)
            taken.add(number)
            self._clients[one.client_id] = Client(one, number)
        self.tokens: dict[str, Token] = {}
        self.log: list[LogEntry] = []
        self.watch = Watch(self.now)
        self._owners = {
            key: client.client_id
            for client in self.clients.values()
            for key, one in client.integrations.items()
            if one.status is not None
        }
        keys = [key for client in self.clients.values() for key in client.integrations]
        self.types = KNOWN_TYPES | {key.integration_type for key in keys}
        self.tenants = KNOWN_TENANTS | {key.tenant_type for key in keys}
        # Also those that were deleted: they have no more place in a URL than the valid ones.
        self.secrets = {secret for caller in self.callers.values() for secret in caller.secrets}

    @property
    def clients(self) -> dict[str, Client]:
        """The applications by client_id, as they stand now: what is due has landed."""
        self.late.land(self.now())
        return self._clients

    @property
    def callers(self) -> dict[str, Caller]:
        """Everyone who may ask for a token, by client_id."""
        return {**self.parents, **self.clients}

    @property
    def violations(self) -> list[Violation]:
        return self.watch.violations

    def now(self) -> float:
        return self._clock() + self._offset

    def today(self) -> int:
        """Days of UTC since the epoch."""
        return int(self.now() // 86400)

    def advance(self, seconds: float) -> float:
        """Moves this server's clock forward; returns its new time."""
        self._offset += seconds
        return self.now()

    def issue_token(self, client: Caller, secret: str) -> tuple[str, Token]:
        """LinkedIn asks for tokens to be treated as long opaque text, so they hold all that a header may meet."""
        text = "AQ" + "".join(self.rng.choices(_TOKEN_ALPHABET, k=350)) + "-_"
        expires_at = self.now() + self.world.token_lifetime_seconds
        token = self.tokens[text] = Token(client.client_id, expires_at, secret)
        client.tokens = [one for one in client.tokens if self.tokens[one].expires_at > self.now()] + [text]
        return text, token

    def owner(self, key: Key) -> str | None:
        """The application under which a customer requested this integration."""
        return self._owners.get(key)

    def set_status(self, client_id: str, key: Key, status: str | None) -> None:
        """Puts an integration in any state, as LinkedIn or its customer might; None takes it away."""
        client = self._client(client_id)
        if status is not None and self._owners.setdefault(key, client_id) != client_id:
            raise NoSuchThingError(f"{key.canonical} belongs to application {self._owners[key]!r}")
        if status is None and self._owners.get(key) == client_id:
            del self._owners[key]
        one = client.integrations.setdefault(key, Onboarding())
        one.move(status, one.name, self.now())
        self.types |= {key.integration_type}
        self.tenants |= {key.tenant_type}

    def request(self, client_id: str, key: Key) -> None:
        """The customer's admin requests the integration in the plugin (docs/linkedin.md#the-plugin)."""
        self.set_status(client_id, key, "REQUESTED")

    def request_missing(self, client_id: str, keys: Sequence[Key]) -> None:
        """Requests those of the keys that have no status yet; all of them or, if one is another's, none."""
        integrations = self._client(client_id).integrations
        missing = [key for key in keys if key not in integrations or integrations[key].status is None]
        for key in missing:
            if self._owners.get(key, client_id) != client_id:
                raise NoSuchThingError(f"{key.canonical} belongs to application {self._owners[key]!r}")
        for key in missing:
            self.request(client_id, key)

    def customer_switches_on(self, client_id: str, key: Key) -> None:
        """The customer's admin switches a Partner Ready integration on (docs/linkedin.md#verify)."""
        one = self._client(client_id).integrations.get(key)
        status = None if one is None else one.status
        if normal(status) != "PARTNER_READY":
            raise NoSuchThingError(f"{key.canonical} is {normal(status)}, only PARTNER_READY can be switched on")
        self.set_status(client_id, key, "ENABLED")

    def create_application(self, parent: ParentClient, fields: Mapping[str, Any]) -> Client:
        """A new child. `fields` are those of `Application` beside its credentials; the caller has checked them."""
        client_id = self._fresh(14, self.callers)
        application = Application(
            client_id=client_id, client_secret=self._new_secret(), parent=parent.client_id, **fields
        )
        number = application_id_of(client_id, (one.application_id for one in self.clients.values()))
        ready_at = self.now() + self.world.new_application_delay_seconds
        client = self.clients[client_id] = Client(application, number, ready_at)
        return client

    def child(self, parent: ParentClient, unique_foreign_id: str) -> Client | None:
        for client in self.clients.values():
            if (client.parent, client.unique_foreign_id) == (parent.client_id, unique_foreign_id):
                return client
        return None

    def application(self, urn: str) -> Client | None:
        return next((client for client in self.clients.values() if client.urn == urn), None)

    def is_ready(self, client: Caller) -> bool:
        return not isinstance(client, Client) or client.ready_at <= self.now()

    def roll_secret(self, client: Caller) -> str:
        """A second secret beside the one there is."""
        if len(client.secrets) >= MAX_SECRETS:
            raise TooManySecretsError
        client.secrets.append(self._new_secret())
        return client.secrets[-1]

    def delete_secret(self, client_id: str, which: Literal["oldest", "newest"]) -> None:
        """What a person does in LinkedIn's developer portal."""
        secrets = self._caller(client_id).secrets
        if len(secrets) < MAX_SECRETS:
            raise NoSuchThingError(f"application {client_id!r} has only one secret left")
        del secrets[0 if which == "oldest" else -1]

    def set_admin(self, client_id: str, admin: bool) -> None:
        """Whether the customer's person at the plugin may request integrations."""
        self._client(client_id).admin = admin

    def set_faults(self, client_id: str, faults: list[Fault]) -> None:
        caller = self._caller(client_id)
        for fault in faults:
            if fault.on != "token" and (fault.on in PROVISIONING) != isinstance(caller, ParentClient):
                raise NoSuchThingError(f"application {client_id!r} makes no {fault.on} request")
        caller.script.replace(faults)

    def as_world(self) -> World:
        """How things stand, as a world to start from; tokens, log, violations and counts are not part of it."""
        settings = self.world.model_dump(exclude={"applications", "parents"})
        return World(
            applications=[client.as_written() for client in self.clients.values()],
            parents=[parent.as_written() for parent in self.parents.values()],
            **settings,
        )

    def state(self) -> dict[str, Any]:
        """Every application with its integrations: the shape of `GET /sandbox/state`."""
        return {
            "now": iso(self.now()),
            "applications": [
                {
                    "client_id": client.client_id,
                    "customer": client.customer,
                    "urn": client.urn,
                    "unique_foreign_id": client.unique_foreign_id,
                    "name": client.name,
                    "js_sdk_domains": list(client.js_sdk_domains),
                    "parent": client.parent,
                    "secret_sha256": client.secret_hashes,
                    "requests_today": client.requests_on(self.today()),
                    "integrations": [
                        {
                            "integrationContext": key.integration_context,
                            "integrationType": key.integration_type,
                            "tenantType": key.tenant_type,
                            "onboardingStatus": one.status,
                            "integrationName": one.name,
                            "enables": {"received": one.received, "effective": one.effective},
                        }
                        for key, one in client.integrations.items()
                    ],
                }
                for client in self.clients.values()
            ],
            "parents": [
                {"client_id": parent.client_id, "secret_sha256": parent.secret_hashes}
                for parent in self.parents.values()
            ],
        }

    async def pause(self, seconds: float) -> bool:
        """Waits in real time; False if the server is stopping first."""
        event = asyncio.Event()
        self._pauses.add(event)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return True
        else:
            return False
        finally:
            self._pauses.discard(event)

    def stop_waiting(self) -> None:
        """Ends all pauses, so that a server can be stopped at once."""
        for event in self._pauses:
            event.set()

    def _fresh(self, length: int, taken: Container[str]) -> str:
        # The same seed draws the same texts again after a restart, when some of them are in use.
        while (text := "".join(self.rng.choices(_ALPHANUMERIC, k=length))) in taken:
            pass
        return text

    def _new_secret(self) -> str:
        """Holds the three characters that LinkedIn warns of (docs/linkedin.md#create)."""
        text = self._fresh(self.rng.randint(21, 57), ())
        while (secret := "".join(self.rng.sample(text + "/=+", len(text) + 3))) in self.secrets:
            pass
        self.secrets.add(secret)
        return secret

    def _caller(self, client_id: str) -> Caller:
        return self.parents.get(client_id) or self._client(client_id)

    def _client(self, client_id: str) -> Client:
        try:
            return self.clients[client_id]
        except KeyError:
            raise NoSuchThingError(f"there is no application {client_id!r}") from None


def iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


def as_json(record: LogEntry | Violation) -> dict[str, Any]:
    return asdict(record) | {"time": iso(record.time)}
