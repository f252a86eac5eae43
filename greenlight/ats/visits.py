"""Sessions of customers' browsers in the portal: each is opened by one link, for one customer, for some hours."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from greenlight.ats.database import Database
from greenlight.ats.tables import Customer, Visit
from greenlight.ats.waiting import units


class LinkUsed(Exception):
    """The link has opened a session already, or its customer does not exist; a browser is told no more than that."""


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """Whose session this is. The tenant of every portal request comes from here and from nowhere else."""

    session_digest: str
    link_id: str
    customer_id: str
    customer_name: str


@units
class Visits:
    """Sessions in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, link_id: str, customer_id: str, session_digest: str, now: datetime, expires_at: datetime) -> None:
        """Spend a link on a new session. Raises LinkUsed; of two at the same time, one gets it."""
        try:
            with self._database.writing() as session:
                ours = session.get(Visit, session_digest)
                if ours is not None:
                    # An earlier try may have been committed, and the answer to that lost.
                    if (ours.link_id, ours.customer_id, ours.opened_at) == (link_id, customer_id, now):
                        return
                    raise LinkUsed from None
                session.add(
                    Visit(
                        session_digest=session_digest,
                        link_id=link_id,
                        customer_id=customer_id,
                        opened_at=now,
                        expires_at=expires_at,
                    )
                )
        except IntegrityError:
            raise LinkUsed from None

    def find(self, session_digest: str, now: datetime) -> OpenVisit | None:
        """The session with this digest, unless it is over."""
        with self._database.reading() as session:
            visit = session.get(Visit, session_digest)
            if visit is None or not visit.opened_at <= now < visit.expires_at:
                return None
            customer = session.get_one(Customer, visit.customer_id)
            return OpenVisit(session_digest, visit.link_id, customer.customer_id, customer.customer_name)
