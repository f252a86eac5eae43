"""Customers with integrations, and ways to say in one line what happened to them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt
from greenlight.ats.looks import Look
from greenlight.ats.registry import Registration, register
from greenlight.ats.store import Store
from greenlight.ats.tables import Integration
from greenlight.ats.wanted import Wanted
from greenlight.domain.conditions import after_failed_look, after_look
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TYPES = ("APPLY_WITH_LINKEDIN", "APPLY_CONNECT", "ONE_CLICK_EXPORT")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def key_of(customer_id: str, type: str = TYPES[0]) -> IntegrationKey:
    return IntegrationKey(f"urn:li:organization:{customer_id}", type, "JOBS")


def customer(customer_id: str, types: Sequence[str] = TYPES[:1]) -> Registration:
    """A customer with an application of its own and an integration of each type."""
    return Registration(
        customer_id,
        f"{customer_id} Ltd",
        (f"client-{customer_id}", f"child-app-{customer_id}"),
        [(key_of(customer_id, type), f"{type} of {customer_id}") for type in types],
    )


def ids_of(database: Database) -> list[int]:
    with database.reading() as session:
        return [id for id in session.exec(select(Integration.id).order_by(col(Integration.id))) if id is not None]


def bring_in(database: Database, *customers: Registration) -> list[int]:
    """Register these customers; returns the ids of all integrations, oldest first."""
    register(database, customers, NOON)
    return ids_of(database)


def claimed(database: Database, *customers: str, now: datetime = NOON + timedelta(minutes=1)) -> list[int]:
    """Customers under whose applications LinkedIn shows the same two contexts, REQUESTED; the ids of theirs."""
    shared = [(key_of("shared", type), type) for type in TYPES[:2]]
    known = ids_of(database)
    ids = bring_in(database, *(replace(customer(name), integrations=shared) for name in customers))[len(known) :]
    for id in ids:
        shows(database, id, Status.REQUESTED, now)
    return ids


def one(database: Database) -> int:
    """The id of the only integration of the only customer."""
    (id,) = bring_in(database, customer("acme"))
    return id


def integration(database: Database, id: int) -> Integration:
    with database.reading() as session:
        return session.get_one(Integration, id)


def attempts_at(database: Database, id: int) -> list[Attempt]:
    """All attempts at an integration, oldest first."""
    with database.reading() as session:
        return list(session.exec(select(Attempt).where(Attempt.integration_id == id).order_by(col(Attempt.id))))


def wanted(database: Database, id: int) -> Wanted:
    (entry,) = Store(database).wanted([id])
    return entry


def shows(database: Database, id: int, status: Status, now: datetime = NOON, purpose: str = "observe:run-1") -> None:
    """LinkedIn is looked at and shows this."""
    seen = Observation(status)
    look = Look(id, seen, after_look(seen), final=True, client_id=wanted(database, id).client_id)
    Store(database).record_looks(purpose, [look], now)


def fails(
    database: Database,
    id: int,
    now: datetime = NOON,
    reason: Reason = Reason.LINKEDIN_UNAVAILABLE,
    purpose: str = "observe:run-1",
) -> None:
    """LinkedIn is looked at and that fails."""
    Store(database).record_looks(purpose, [Look(id, None, after_failed_look(reason), final=True)], now)


def begin(
    database: Database,
    id: int,
    run_id: str = "run-1",
    now: datetime = NOON,
) -> int:
    entry = wanted(database, id)
    return Attempts(database).begin(
        entry, run_id, entry.client_id or "none", now, settles_at=now + timedelta(minutes=1)
    )
