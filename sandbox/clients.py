"""Applications at work: parents, their children, and what each holds while the stand-in runs."""

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass, field

from sandbox.faults import FaultScript
from sandbox.world import Application, Credentials, Integration, Parent

#: Secrets that an application may have.
MAX_SECRETS = 2
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


@dataclass
class Token:
    """An access token and the secret it was asked with. `held`: its answer arrived. `dead`: the 401 it now meets."""

    client_id: str
    expires_at: float
    secret: str = field(repr=False)
    held: bool = False
    dead: str | None = None


@dataclass
class Onboarding:
    """Where one integration stands, and how many enables named it: all well-formed ones, and those that moved it.

    `past` says until when it stood elsewhere, oldest first: (time, status, name).
    """

    status: str | None = None
    name: str | None = None
    received: int = 0
    effective: int = 0
    past: list[tuple[float, str | None, str | None]] = field(default_factory=list)

    def move(self, status: str | None, name: str | None, at: float) -> None:
        self.past.append((at, self.status, self.name))
        self.status, self.name = status, name

    def seen(self, at: float) -> tuple[str | None, str | None]:
        """Status and name as they were at that time."""
        return next(((status, name) for until, status, name in self.past if at < until), (self.status, self.name))


class Caller:
    """Whoever can ask for a token. `secrets` are those that are valid now, oldest first."""

    def __init__(self, written: Credentials) -> None:
        self.client_id = written.client_id
        self.secrets = list(written.secrets) or [written.client_secret]
        self.script = FaultScript(written.faults)
        self.tokens: list[str] = []

    @property
    def secret_hashes(self) -> list[str]:
        """SHA-256 of each valid secret, as hex: enough to compare with, and nothing to log in with."""
        return [hashlib.sha256(secret.encode()).hexdigest() for secret in self.secrets]


class ParentClient(Caller):
    """A parent application at work: it provisions, and has no integrations of its own."""

    def as_written(self) -> Parent:
        return Parent(
            client_id=self.client_id,
            client_secret=self.secrets[0],
            secrets=self.secrets,
            faults=self.script.remaining(),
        )


class Client(Caller):
    """One customer's application at work. `ready_at`: before that time it is not usable yet."""

    def __init__(self, application: Application, application_id: int, ready_at: float = 0) -> None:
        super().__init__(application)
        self.customer = application.customer
        self.application_id = application_id
        self.unique_foreign_id = application.unique_foreign_id
        self.name = application.name
        self.description = application.description
        self.js_sdk_domains = list(application.js_sdk_domains)
        self.callback_urls = list(application.callback_urls)
        self.parent = application.parent
        # A world that only lists integrations has named its organization and contract there.
        contexts = [one.integration_context for one in application.integrations]
        self.organization = (
            application.organization or _context_id(contexts, "organization") or _organization(self.client_id)
        )
        self.contract = application.contract or _context_id(contexts, "contract") or _contract(self.client_id)
        self.admin = application.admin
        self.ready_at = ready_at
        self.look_lag_seconds = application.look_lag_seconds
        self.integrations = {
            one.key: Onboarding(one.onboarding_status, one.integration_name) for one in application.integrations
        }
        self._day: int | None = None
        self._requests = 0

    @property
    def urn(self) -> str:
        return f"urn:li:developerApplication:{self.application_id}"

    def count_request(self, day: int) -> int:
        """This request's number on that UTC day (docs/linkedin.md#throttling)."""
        self._day, self._requests = day, (self._requests if day == self._day else 0) + 1
        return self._requests

    def requests_on(self, day: int) -> int:
        return self._requests if day == self._day else 0

    def as_written(self) -> Application:
        """As it stands, with every id that was generated written out."""
        return Application(
            client_id=self.client_id,
            client_secret=self.secrets[0],
            secrets=self.secrets,
            customer=self.customer,
            application_id=self.application_id,
            unique_foreign_id=self.unique_foreign_id,
            name=self.name,
            description=self.description,
            js_sdk_domains=self.js_sdk_domains,
            callback_urls=self.callback_urls,
            parent=self.parent,
            organization=self.organization,
            contract=self.contract,
            admin=self.admin,
            look_lag_seconds=self.look_lag_seconds,
            integrations=[
                Integration(
                    integration_context=key.integration_context,
                    integration_type=key.integration_type,
                    tenant_type=key.tenant_type,
                    onboarding_status=one.status,
                    integration_name=one.name,
                )
                for key, one in self.integrations.items()
            ],
            faults=self.script.remaining(),
        )


def application_id_of(client_id: str, taken: Iterable[int]) -> int:
    """A number for this client_id, the same in every run, and none of those taken."""
    number, taken = 10_000_000 + _hash("application", client_id) % 90_000_000, set(taken)
    while number in taken:
        number += 1
    return number


def _organization(client_id: str) -> str:
    """Looks like the `4gX03uw` of LinkedIn's page."""
    number, text = _hash("organization", client_id), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        text += _BASE62[digit]
    return f"{number % 10}{text}"


def _contract(client_id: str) -> str:
    return str(100_000_000 + _hash("contract", client_id) % 900_000_000)


def _context_id(contexts: Iterable[str], kind: str) -> str | None:
    prefix = f"urn:li:{kind}:"
    return next((one.removeprefix(prefix) for one in contexts if one.startswith(prefix)), None)


def _hash(what: str, client_id: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{what} {client_id}".encode()).digest()[:12])
