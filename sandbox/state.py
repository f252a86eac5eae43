"""What changes while the stand-in runs: statuses, tokens, budgets, the log."""

import asyncio
import random
import string
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.faults import Fault, FaultScript
from sandbox.keys import Key
from sandbox.watch import Violation, Watch, normal
from sandbox.world import KNOWN_TENANTS, KNOWN_TYPES, Application, World

_TOKEN_ALPHABET = string.ascii_letters + string.digits + "-_"


class NoSuchThingError(LookupError):
    """A control call names an application or an integration that is not there, or not in that state."""


@dataclass
class Token:
    """An access token. `held`: the answer that carried it reached the caller. `dead`: the 401 it now meets."""

    client_id: str
    expires_at: float
    held: bool = False
    dead: str | None = None


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


@dataclass
class Onboarding:
    """Where one integration stands, and how many enables named it: all well-formed ones, and those that moved it."""

    status: str | None = None
    name: str | None = None
    received: int = 0
    effective: int = 0


class Client:
    """One application at work."""

    def __init__(self, application: Application) -> None:
        self.client_id = application.client_id
        self.client_secret = application.client_secret
        self.customer = application.customer
        self.integrations = {
            one.key: Onboarding(one.onboarding_status, one.integration_name) for one in application.integrations
        }
        self.script = FaultScript(application.faults)
        self.tokens: list[str] = []
        self._day: int | None = None
        self._requests = 0

    def count_request(self, day: int) -> int:
        """This request's number on that UTC day (fact sheet section 5)."""
        self._day, self._requests = day, (self._requests if day == self._day else 0) + 1
        return self._requests

    def requests_on(self, day: int) -> int:
        return self._requests if day == self._day else 0


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
        self.clients = {application.client_id: Client(application) for application in world.applications}
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
        self.secrets = {application.client_secret for application in world.applications}

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

    def issue_token(self, client: Client) -> tuple[str, Token]:
        """LinkedIn asks for tokens to be treated as long opaque text, so they hold all that a header may meet."""
        text = "AQ" + "".join(self.rng.choices(_TOKEN_ALPHABET, k=350)) + "-_"
        token = self.tokens[text] = Token(client.client_id, self.now() + self.world.token_lifetime_seconds)
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
        client.integrations.setdefault(key, Onboarding()).status = status
        self.types |= {key.integration_type}
        self.tenants |= {key.tenant_type}

    def request(self, client_id: str, key: Key) -> None:
        """The customer's admin requests the integration in the plugin (seed step 2)."""
        self.set_status(client_id, key, "REQUESTED")

    def customer_switches_on(self, client_id: str, key: Key) -> None:
        """The customer's admin switches a Partner Ready integration on (seed step 4)."""
        one = self._client(client_id).integrations.get(key)
        status = None if one is None else one.status
        if normal(status) != "PARTNER_READY":
            raise NoSuchThingError(f"{key.canonical} is {normal(status)}, only PARTNER_READY can be switched on")
        self.set_status(client_id, key, "ENABLED")

    def set_faults(self, client_id: str, faults: list[Fault]) -> None:
        self._client(client_id).script.replace(faults)

    def state(self) -> dict[str, Any]:
        """Every application with its integrations: the shape of `GET /sandbox/state`."""
        return {
            "now": iso(self.now()),
            "applications": [
                {
                    "client_id": client.client_id,
                    "customer": client.customer,
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

    def _client(self, client_id: str) -> Client:
        try:
            return self.clients[client_id]
        except KeyError:
            raise NoSuchThingError(f"there is no application {client_id!r}") from None


def iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


def as_json(record: LogEntry | Violation) -> dict[str, Any]:
    return asdict(record) | {"time": iso(record.time)}
