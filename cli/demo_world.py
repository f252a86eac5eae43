"""The demo's customers, as a file of ours and as a world of the sandbox's, and how that world is remembered."""

import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenlight.private import write_whole
from sandbox.world import Application, Fault, Integration, Parent, World, WorldError, load_world

DEMO_FILE = "customers.csv"
_MEMORY = "linkedin.json"

_COLUMNS = (
    "customer_id",
    "customer_name",
    "client_id",
    "client_secret",
    "integration_context",
    "integration_type",
    "tenant_type",
    "integration_name",
)


class _Wanted(NamedTuple):
    context: str
    type: str
    tenant: str
    status: str | None


class _DemoCustomer(NamedTuple):
    id: str
    name: str
    wanted: tuple[_Wanted, ...]
    faults: tuple[Fault, ...] = ()


def _jobs(organization: str, status: str | None, type: str = "APPLY_WITH_LINKEDIN") -> _Wanted:
    return _Wanted(f"urn:li:organization:{organization}", type, "JOBS", status)


def _recruiter(context: str, status: str, *types: str) -> tuple[_Wanted, ...]:
    return tuple(_Wanted(context, type, "RECRUITER", status) for type in types)


#: Customers that come to the ATS without anything, by id.
NEW_CUSTOMERS = {"soylent": "Soylent", "initrode": "Initrode"}
#: The one of them that the demo itself clicks for.
CLICKED = "soylent"

#: The vendor's parent application at the demo's own LinkedIn.
PARENT_ID = "demovendor"
PARENT_SECRET = hashlib.sha256(b"demo vendor").hexdigest()[:24]

#: The one customer whose secret is mistyped in the first file.
MISTYPED = "cyberdyne"

_CUSTOMERS = (
    _DemoCustomer("acme", "Acme", (_jobs("4gX03uw", "REQUESTED"),)),
    _DemoCustomer("globex", "Globex", (_jobs("7Kd91aQ", "REQUESTED"), _jobs("7Kd91aQ", "REQUESTED", "APPLY_CONNECT"))),
    _DemoCustomer(
        "initech",
        "Initech",
        (
            *_recruiter("urn:li:organization:9Zz1TPS", "REQUESTED", "IN_ATS_INDICATOR", "ONE_CLICK_EXPORT"),
            *_recruiter("urn:li:contract:5500101", "REQUESTED", "CSA_API"),
        ),
    ),
    _DemoCustomer("umbrella", "Umbrella", (_jobs("2Rac00n", "ENABLED"),)),
    _DemoCustomer("hooli", "Hooli", _recruiter("urn:li:contract:5500202", "PARTNER_READY", "CSA_API")),
    _DemoCustomer("stark", "Stark Industries", (_jobs("1RonM4n", None),)),
    # The answer to its enable is lost on the way: settled by looking, not by sending again.
    _DemoCustomer("wayne", "Wayne Enterprises", (_jobs("8atCave", "REQUESTED"),), (Fault(on="enable", fault="lost"),)),
    # LinkedIn is unavailable for a moment.
    _DemoCustomer(
        "wonka", "Wonka", (_jobs("6oldTkt", "REQUESTED"),), (Fault(on="verify", fault="status", status=503),)
    ),
    # Its token is rejected in the middle: one new token, and on.
    _DemoCustomer("tyrell", "Tyrell", (_jobs("3Nexus6", "REQUESTED"),), (Fault(on="enable", fault="expired"),)),
    _DemoCustomer(MISTYPED, "Cyberdyne", (_jobs("5kyNet1", "REQUESTED"),)),
)


def _client_id(customer: _DemoCustomer) -> str:
    return f"demo{customer.id}"


def _secret(customer: _DemoCustomer) -> str:
    return hashlib.sha256(f"demo {customer.id}".encode()).hexdigest()[:24]


def customers_file(*, mistyped: bool) -> str:
    """The import file (docs/interface.md#import-file); `mistyped` spoils one customer's secret."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for customer in _CUSTOMERS:
        secret = _secret(customer)
        if mistyped and customer.id == MISTYPED:
            secret = secret[::-1]
        for wanted in customer.wanted:
            who = (customer.id, customer.name, _client_id(customer), secret)
            writer.writerow([*who, wanted.context, wanted.type, wanted.tenant, ""])
    return text.getvalue()


def has_right_secret(customer: str, secret: str | None) -> bool:
    """Whether this is what the demo's LinkedIn has for one of the customers of the file."""
    return any(each.id == customer and _secret(each) == secret for each in _CUSTOMERS)


def remembered(folder: Path) -> World | None:
    """What the demo's LinkedIn was when an earlier demo ended, however it ended, or None if there is none."""
    try:
        return load_world(folder / _MEMORY)
    except WorldError:
        return None


def remember(folder: Path, world: World, written: bytes | None = None) -> bytes:
    """Keep it, unless it is what is `written` already; what is written now."""
    text = world.model_dump_json(by_alias=True).encode()
    if text != written:
        write_whole(folder / _MEMORY, text)
    return text


class Remembering:
    """Middleware of the demo's LinkedIn: what a request has changed is on disk before its answer leaves.

    `now` gives the world as it is. A demo that is killed would otherwise meet a LinkedIn that has forgotten it.
    """

    def __init__(self, app: ASGIApp, folder: Path, now: Callable[[], World]) -> None:
        self._app = app
        self._folder = folder
        self._now = now
        self._written: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def keep_first(message: Message) -> None:
            self._keep()
            await send(message)

        try:
            await self._app(scope, receive, keep_first)
        finally:
            # Also where the answer is lost on purpose.
            self._keep()

    def _keep(self) -> None:
        self._written = remember(self._folder, self._now(), self._written)


def new_world() -> World:
    """A parent application of the vendor's, and the child applications that its customers brought with them."""
    return World(
        parents=[Parent(client_id=PARENT_ID, client_secret=PARENT_SECRET)],
        applications=[
            Application(
                client_id=_client_id(customer),
                client_secret=_secret(customer),
                customer=customer.name,
                integrations=[
                    Integration(
                        integration_context=wanted.context,
                        integration_type=wanted.type,
                        tenant_type=wanted.tenant,
                        onboarding_status=wanted.status,
                    )
                    for wanted in customer.wanted
                ],
                faults=list(customer.faults),
            )
            for customer in _CUSTOMERS
        ],
    )
