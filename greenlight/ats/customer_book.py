"""What the HTTP API tells of customers, their integrations and what changed. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import func
from sqlmodel import Session, col, select

from greenlight.ats.api_tables import ProvisioningRequest
from greenlight.ats.candidates import is_ready
from greenlight.ats.changes import IntegrationChange
from greenlight.ats.database import Database
from greenlight.ats.pauses import Pause, pauses_in_force
from greenlight.ats.rotations import with_mark_of
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import ChildApplication, Customer, Integration, Provisioning
from greenlight.ats.waiting import reads, units
from greenlight.domain.reasons import Reason


class ApplicationState(StrEnum):
    """How far a customer's child application is."""

    #: There is none, and nobody has asked for one.
    MISSING = "missing"
    #: It is asked for, and the worker has not come to it.
    REQUESTED = "requested"
    #: It is there, and LinkedIn does not accept its credentials yet.
    WAITING = "waiting"
    #: LinkedIn accepts its credentials, or it was imported.
    READY = "ready"
    #: The last try came to nothing; the reason says why.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """A customer's child application. `client_id` is public."""

    state: ApplicationState
    client_id: str | None
    #: As it is on record: a newer version may have written one that this does not know.
    reason: str | None
    detail: str | None
    checked_at: datetime | None
    #: While it is asked for: when the worker tries next.
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer, with how many of its integrations are wanted and how many are withdrawn."""

    customer_id: str
    customer_name: str
    created_at: datetime
    forgotten_at: datetime | None
    application: ApplicationRow
    pause: Pause | None
    wanted: int
    withdrawn: int


@units
class CustomerBook:
    """Customers of the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reads
    def customer(self, customer_id: str, now: datetime) -> CustomerRow:
        """Raises UnknownCustomer."""
        with self._database.reading() as session:
            customer = session.get(Customer, customer_id)
            if customer is None:
                raise UnknownCustomer(f"no customer {customer_id!r} in the ATS database")
            return _rows(session, [customer], now)[0]

    @reads
    def customers(self, after: str | None, most: int, now: datetime) -> list[CustomerRow]:
        """So many customers in the order of their ids, from the first one behind `after`."""
        query = select(Customer).order_by(col(Customer.customer_id)).limit(most)
        if after is not None:
            query = query.where(col(Customer.customer_id) > after)
        with self._database.reading() as session:
            return _rows(session, session.exec(query).all(), now)

    @reads
    def integrations(self, customer_id: str) -> list[Integration]:
        """All of a customer's, withdrawn ones too, in the order in which they came. Raises UnknownCustomer."""
        with self._database.reading() as session:
            if session.get(Customer, customer_id) is None:
                raise UnknownCustomer(f"no customer {customer_id!r} in the ATS database")
            query = select(Integration).where(Integration.customer_id == customer_id)
            return list(session.exec(query.order_by(col(Integration.id))))

    @reads
    def changes(self, after: int, most: int) -> list[tuple[IntegrationChange, Integration]]:
        """So many changes behind a number, in growing order.

        A number is given when its transaction ends, so a smaller one never comes later (`greenlight.ats.changes`).
        """
        number = col(IntegrationChange.number)
        query = (
            select(IntegrationChange, Integration)
            .join(Integration, col(Integration.id) == col(IntegrationChange.integration_id))
            .where(number > after)
            .order_by(number)
            .limit(most)
        )
        with self._database.reading() as session:
            return list(session.exec(query).all())


def _rows(session: Session, customers: Sequence[Customer], now: datetime) -> list[CustomerRow]:
    ids = [customer.customer_id for customer in customers]
    applications = {
        row.customer_id: row
        for row in session.exec(select(ChildApplication).where(col(ChildApplication.customer_id).in_(ids)))
    }
    tries = {
        row.customer_id: row for row in session.exec(select(Provisioning).where(col(Provisioning.customer_id).in_(ids)))
    }
    due = {
        row.customer_id: row.due_at
        for row in session.exec(select(ProvisioningRequest).where(col(ProvisioningRequest.customer_id).in_(ids)))
    }
    paused = pauses_in_force(session, ids, now)
    counted = select(
        Integration.customer_id, func.count().filter(col(Integration.withdrawn_at).is_(None)), func.count()
    )
    counted = counted.where(col(Integration.customer_id).in_(ids)).group_by(col(Integration.customer_id))
    counts = {id: (cast(int, wanted), cast(int, all)) for id, wanted, all in session.exec(counted)}
    rows: list[CustomerRow] = []
    for customer in customers:
        id = customer.customer_id
        wanted, all_ = counts.get(id, (0, 0))
        application = _NOTHING
        if customer.forgotten_at is None:
            application = _application(applications.get(id), tries.get(id), due.get(id))
        rows.append(
            CustomerRow(
                id,
                customer.customer_name,
                customer.created_at,
                customer.forgotten_at,
                application,
                paused.get(id),
                wanted,
                all_ - wanted,
            )
        )
    return rows


#: Of a customer that has left nothing is told.
_NOTHING = ApplicationRow(ApplicationState.MISSING, None, None, None, None, None)


def _application(held: ChildApplication | None, tried: Provisioning | None, due_at: datetime | None) -> ApplicationRow:
    reason = tried.reason if tried is not None else None
    # The mark of a rotation that is not over is for the next rotation alone.
    marked = tried is not None and with_mark_of(tried.detail, None) is not None
    detail = tried.detail if tried is not None and not marked else None
    checked_at = tried.checked_at if tried is not None else None
    if is_ready(held):
        state = ApplicationState.READY
    elif held is not None and held.application_urn is None:
        # Imported, and its customer has left since: only another import brings it keys.
        state, reason = ApplicationState.FAILED, Reason.CREDENTIALS_MISSING.value
        checked_at = checked_at or held.secret_deleted_at
    elif held is not None and held.secret_deleted_at is None:
        state = ApplicationState.WAITING
    elif reason is not None:
        state = ApplicationState.FAILED
    else:
        state = ApplicationState.REQUESTED if due_at is not None else ApplicationState.MISSING
    client_id = held.client_id if held is not None else None
    return ApplicationRow(state, client_id, reason, detail, checked_at, due_at)
