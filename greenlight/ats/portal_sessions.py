"""Sessions of customers' browsers in the portal: each is opened by one link, for one customer, for some hours."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from greenlight.ats.database import Database
from greenlight.ats.rows import parameter_batches
from greenlight.ats.tables import Customer, PortalSession
from greenlight.ats.waiting import reads, units


class LinkUsed(Exception):
    """The link has opened a session already, or there is no such customer any more; a browser is told no more."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Whose session this is. The tenant of every portal request comes from here and from nowhere else."""

    session_digest: str
    link_id: str
    customer_id: str
    customer_name: str


@units
class PortalSessions:
    """Sessions in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, link_id: str, customer_id: str, session_digest: str, now: datetime, expires_at: datetime) -> None:
        """Spend a link on a new session. Raises LinkUsed; of two at the same time, one gets it."""
        try:
            with self._database.writing() as session:
                ours = session.get(PortalSession, session_digest)
                if ours is not None:
                    # An earlier try may have been committed, and the answer to that lost.
                    if (ours.link_id, ours.customer_id, ours.opened_at) == (link_id, customer_id, now):
                        return
                    raise LinkUsed from None
                _customer(session, customer_id)
                session.add(
                    PortalSession(
                        session_digest=session_digest,
                        link_id=link_id,
                        customer_id=customer_id,
                        opened_at=now,
                        expires_at=expires_at,
                    )
                )
        except IntegrityError:
            raise LinkUsed from None

    def lengthen(self, link_id: str, portal_session: OpenSession, now: datetime, expires_at: datetime) -> bool:
        """Spend a link on a session of its customer that there is already, so that its pages go on.

        False where that session is over meanwhile, and then nothing is spent. Raises LinkUsed.
        """
        spent = _spent_on(portal_session.session_digest, link_id)
        try:
            with self._database.writing() as session:
                ours = session.get(PortalSession, spent)
                if ours is not None:
                    # As in `open`: what an earlier try has committed is no second use.
                    if ours.opened_at == now:
                        return True
                    raise LinkUsed from None
                row = session.get(PortalSession, portal_session.session_digest, with_for_update=True)
                if row is None or not row.opened_at <= now < row.expires_at:
                    return False
                row.expires_at = max(row.expires_at, expires_at)
                # Born over: it keeps the link from being spent again and is nobody's session.
                session.add(
                    PortalSession(
                        session_digest=spent,
                        link_id=link_id,
                        customer_id=portal_session.customer_id,
                        opened_at=now,
                        expires_at=now,
                    )
                )
        except IntegrityError:
            raise LinkUsed from None
        return True

    def offered(self, link_id: str, customer_id: str) -> str:
        """The name of the customer whose page this link would open. Changes nothing. Raises LinkUsed."""
        with self._database.reading() as session:
            customer = _customer(session, customer_id)
            if session.exec(select(PortalSession).where(PortalSession.link_id == link_id)).first() is not None:
                raise LinkUsed
            return customer.customer_name

    def was_spent_on(self, portal_session: OpenSession, link_id: str) -> bool:
        """Whether this session is what the link was spent on."""
        if portal_session.link_id == link_id:
            return True
        with self._database.reading() as session:
            return session.get(PortalSession, _spent_on(portal_session.session_digest, link_id)) is not None

    def find(self, session_digest: str, now: datetime) -> OpenSession | None:
        """The session with this digest, unless it is over."""
        return self.find_all([(session_digest, now)])[0]

    @reads
    def find_all(self, asked: Sequence[tuple[str, datetime]]) -> list[OpenSession | None]:
        """The session with each digest, unless it is over at that time."""
        found: dict[str, tuple[PortalSession, str]] = {}
        with self._database.reading() as session:
            for some in parameter_batches([digest for digest, _ in asked]):
                query = select(PortalSession, Customer.customer_name).join(Customer)
                rows = session.exec(query.where(col(PortalSession.session_digest).in_(some)))
                found |= {row.session_digest: (row, name) for row, name in rows}
        return [_open_at(found.get(digest), now) for digest, now in asked]


def _open_at(found: tuple[PortalSession, str] | None, now: datetime) -> OpenSession | None:
    if found is None:
        return None
    portal_session, customer_name = found
    if portal_session.origin is not None:
        # An embed token, which is good as a bearer's alone.
        return None
    if not portal_session.opened_at <= now < portal_session.expires_at:
        return None
    return OpenSession(portal_session.session_digest, portal_session.link_id, portal_session.customer_id, customer_name)


def _spent_on(session_digest: str, link_id: str) -> str:
    return hashlib.sha256(f"{session_digest} {link_id}".encode()).hexdigest()


def _customer(session: Session, customer_id: str) -> Customer:
    """Raises LinkUsed where there is none, or it has left."""
    customer = session.get(Customer, customer_id)
    if customer is None or customer.forgotten_at is not None:
        raise LinkUsed from None
    return customer
