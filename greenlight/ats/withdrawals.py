"""Taking back what is ours: an integration that is not wanted any more, and a customer that has left.

Nothing here reaches LinkedIn, where what is enabled stays enabled. What happened stays on record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlmodel import Session, col, delete, select

from greenlight.ats.api_tables import IdempotencyKey, ProvisioningRequest
from greenlight.ats.database import Database
from greenlight.ats.desired_tables import Listing
from greenlight.ats.ledger import Attempt, Hold
from greenlight.ats.present import present
from greenlight.ats.rotations import with_mark_of
from greenlight.ats.rows import item, set_condition
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import ChildApplication, Customer, Integration, Pause, PortalSession, Provisioning
from greenlight.ats.waiting import units
from greenlight.domain.conditions import NOT_LOOKED_AT
from greenlight.domain.plan import Item
from greenlight.domain.status import Status
from greenlight.errors import RefusedByRule

#: What stands on record in place of a name.
NAMELESS = "forgotten customer"


class NotTakenBack(RefusedByRule):
    """It could not be withdrawn or forgotten. The text says why and what to do."""


class NoSuchIntegration(NotTakenBack):
    """The customer has none like that."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An integration that nobody looks at or enables any more. `observed` is what was last seen of it."""

    item: Item
    observed: Status
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A customer that has left. `credentials_block` is to be deleted; None if no credentials were held."""

    customer_id: str
    at: datetime
    credentials_block: str | None
    sessions_ended: int
    withdrawn: Sequence[Withdrawn]


@units
class Withdrawals:
    """What persons take out of what is wanted. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def withdraw(
        self,
        customer_id: str,
        integration_type: str,
        integration_context: str | None,
        by: str,
        now: datetime,
        *,
        tenant_type: str | None = None,
    ) -> Withdrawn:
        """Take one integration out of what is wanted; one that a person has withdrawn already stays as it is.

        Raises UnknownCustomer, CustomerForgotten, and NotTakenBack where none or several are meant, or an enable is on
        its way.
        """
        with self._database.writing() as session:
            customer = present(session, customer_id)
            found = [row for row in _integrations(session, customer) if row.integration_type == integration_type]
            if integration_context is not None:
                found = [row for row in found if row.integration_context == integration_context]
            if tenant_type is not None:
                found = [row for row in found if row.tenant_type == tenant_type]
            if not found:
                raise NoSuchIntegration(
                    f"customer {customer_id!r} has no such integration; `greenlight explain {customer_id}` lists them"
                )
            if len(found) > 1:
                contexts = ", ".join(row.integration_context for row in found)
                raise NotTakenBack(f"customer {customer_id!r} has several {integration_type}: name one of {contexts}")
            _nothing_on_its_way(session, found)
            return withdraw_row(session, found[0], by, now)

    def forget(self, customer_id: str, by: str, now: datetime) -> Forgotten:
        """Withdraw all that is a customer's, end its sessions and take its name off the records, in one.

        Plans, attempts, warrants and their times stay, by the customer's id. Once more changes nothing, and tells what
        is to be deleted again. Raises UnknownCustomer, and NotTakenBack while an enable is on its way.
        """
        with self._database.writing() as session:
            customer = _customer(session, customer_id)
            found = _integrations(session, customer)
            _nothing_on_its_way(session, found)
            withdrawn = [withdraw_row(session, row, by, now) for row in found]
            for row in found:
                row.integration_name = f"{NAMELESS}: {row.integration_type}"
            application = session.get(ChildApplication, customer_id)
            if application is not None:
                # Nothing works without its secret, also should the customer come back.
                application.works_since, application.secret_deleted_at = None, application.secret_deleted_at or now
                if application.application_name is not None:
                    application.application_name = NAMELESS
            if (tried := session.get(Provisioning, customer_id)) is not None:
                # LinkedIn's own words may name the customer.
                tried.outcome, tried.reason, tried.detail = None, None, with_mark_of(tried.detail, None)
            for table in (Pause, ProvisioningRequest):
                if (row := session.get(table, customer_id)) is not None:
                    session.delete(row)
            session.exec(delete(IdempotencyKey).where(col(IdempotencyKey.customer_id) == customer_id))
            ended = _end_sessions(session, customer_id, now)
            customer.customer_name = NAMELESS
            customer.forgotten_at = customer.forgotten_at or now
            block = application.credentials_block if application is not None else None
            return Forgotten(customer_id, customer.forgotten_at, block, ended, withdrawn)


def _customer(session: Session, customer_id: str) -> Customer:
    # Before its integrations, as everybody takes them.
    customer = session.get(Customer, customer_id, with_for_update=True)
    if customer is None:
        raise UnknownCustomer(f"no customer {customer_id!r} in the ATS database")
    return customer


def _integrations(session: Session, customer: Customer) -> list[Integration]:
    query = select(Integration).where(Integration.customer_id == customer.customer_id)
    return list(session.exec(query.order_by(col(Integration.id)).with_for_update()))


def _nothing_on_its_way(session: Session, rows: Sequence[Integration]) -> None:
    """Whoever sent an enable has to see what became of it, and nobody looks at what is withdrawn."""
    query = select(Integration).join(Attempt, col(Attempt.integration_id) == col(Integration.id))
    query = query.where(col(Integration.id).in_([row.id for row in rows]), col(Attempt.closed_at).is_(None))
    if (row := session.exec(query.order_by(col(Integration.id))).first()) is not None:
        raise NotTakenBack(
            f"an enable of {row.integration_type} of customer {row.customer_id!r} was sent, and nobody has seen yet "
            f"what became of it; `greenlight apply --customer {row.customer_id}` looks, then try again"
        )


def withdraw_row(session: Session, row: Integration, by: str, now: datetime) -> Withdrawn:
    """Take an integration out of what is wanted, as part of a transaction that has its customer locked."""
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by = now, by
        set_condition(row, NOT_LOOKED_AT, now)
        # What was requested is answered by this, and what a guard held is held no more.
        row.acted_on_at, row.look_due_at = row.requested_at, None
        row.vanished_at = row.vanished_from = row.drifted_at = None
        for hold in session.exec(select(Hold).where(Hold.integration_id == row.id, col(Hold.ended_at).is_(None))):
            hold.ended_at, hold.lifted_by = now, by
    elif row.listing == Listing.UNLISTED:
        # Only the source had: from here on it is this word that keeps it out, and the source has no say.
        row.withdrawn_at, row.withdrawn_by, row.listing = now, by, None
    return Withdrawn(item(row), Status(row.observed), row.withdrawn_at, cast(str, row.withdrawn_by))


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A customer's browser that has opened a link; which one is nobody's to know, so it has times alone."""

    customer_id: str
    opened_at: datetime
    expires_at: datetime


@units
class BrowserSessions:
    """The sessions of the customers' page, for whoever runs it. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_at(self, now: datetime) -> list[BrowserSession]:
        """Those that are open then, oldest first."""
        query = select(PortalSession).where(col(PortalSession.opened_at) <= now, col(PortalSession.expires_at) > now)
        query = query.order_by(col(PortalSession.opened_at), col(PortalSession.session_digest))
        with self._database.reading() as session:
            return [
                BrowserSession(opened.customer_id, opened.opened_at, opened.expires_at)
                for opened in session.exec(query)
            ]

    def end(self, customer_id: str, now: datetime) -> int:
        """End those of a customer at once; how many there were. Raises UnknownCustomer."""
        with self._database.writing() as session:
            _customer(session, customer_id)
            return _end_sessions(session, customer_id, now)


def _end_sessions(session: Session, customer_id: str, now: datetime) -> int:
    query = select(PortalSession).where(PortalSession.customer_id == customer_id, col(PortalSession.expires_at) > now)
    ended = list(session.exec(query.order_by(col(PortalSession.session_digest)).with_for_update()))
    for portal_session in ended:
        portal_session.expires_at = now
    return len(ended)
