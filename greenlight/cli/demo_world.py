"""The demo's customers, as a file of ours and as a world of the sandbox's, and what that world remembers."""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import NamedTuple

from sandbox.world import Application, Fault, Integration, World

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
    """The import file (interface, "Import file"); `mistyped` spoils one customer's secret."""
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


def memory(folder: Path) -> dict[str, str | None]:
    """Statuses that the demo's LinkedIn remembers from an earlier demo, by client id, context and type."""
    try:
        state = json.loads((folder / _MEMORY).read_text(encoding="utf-8"))
        return {
            f"{application['client_id']} {i['integrationContext']} {i['integrationType']}": i["onboardingStatus"]
            for application in state["applications"]
            for i in application["integrations"]
        }
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def remember(folder: Path, state: str) -> None:
    (folder / _MEMORY).write_text(state, encoding="utf-8")


def world(remembered: dict[str, str | None]) -> World:
    """The sandbox's world: new and with its faults, or as it was left and without them."""

    def integration(customer: _DemoCustomer, wanted: _Wanted) -> Integration:
        known = f"{_client_id(customer)} {wanted.context} {wanted.type}"
        return Integration(
            integration_context=wanted.context,
            integration_type=wanted.type,
            tenant_type=wanted.tenant,
            onboarding_status=remembered.get(known, wanted.status),
        )

    return World(
        applications=[
            Application(
                client_id=_client_id(customer),
                client_secret=_secret(customer),
                customer=customer.name,
                integrations=[integration(customer, wanted) for wanted in customer.wanted],
                faults=[] if remembered else list(customer.faults),
            )
            for customer in _CUSTOMERS
        ]
    )
