"""Whose child application the vendor's back end asks for: on record until it is there and LinkedIn accepts it.

Whoever looks finds what is due: a ring that is lost, and a worker that dies, change nothing but the time.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from greenlight.ats.api_tables import ProvisioningRequest
from greenlight.ats.candidates import is_ready
from greenlight.ats.database import Database
from greenlight.ats.registry import Registration, register_in
from greenlight.ats.tables import ChildApplication
from greenlight.ats.waiting import units

#: The wait before it is tried again: half its age, within these bounds.
SOONEST, LATEST = timedelta(seconds=5), timedelta(hours=12)
#: Who asks again after a failure is not kept waiting for longer than this.
ASKED_AGAIN = timedelta(minutes=1)


@units
class ProvisioningRequests:
    """Requests in the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def want(self, customer_id: str, customer_name: str, now: datetime) -> bool:
        """Put a customer on record under this name, and ask for its application unless it has one that works.

        Whether that is asked for. A customer that had left is back. Raises TooLong.
        """

        def act(session: Session) -> bool:
            register_in(session, [Registration(customer_id, customer_name, None, [])], now)
            if is_ready(session.get(ChildApplication, customer_id)):
                return False
            row = session.get(ProvisioningRequest, customer_id, with_for_update=True)
            if row is None:
                session.add(ProvisioningRequest(customer_id=customer_id, requested_at=now, due_at=now))
            else:
                row.due_at = min(row.due_at, now + ASKED_AGAIN)
            return True

        return self._database.write(act)

    def are_due(self, now: datetime) -> bool:
        """Whether there is anything to act on by now."""
        with self._database.reading() as session:
            return session.exec(_due(now).limit(1)).first() is not None

    def claim(self, now: datetime, until: datetime, most: int, served: Collection[str] = ()) -> list[str]:
        """So many customers that are due, the longest waiting first, without those that the caller is at.

        Nobody else is given them until then.
        """
        due = _due(now).where(col(ProvisioningRequest.customer_id).not_in(served)).limit(most)
        with self._database.writing() as session:
            rows = session.exec(due.with_for_update(skip_locked=True)).all()
            for row in rows:
                row.due_at = until
            return [row.customer_id for row in rows]

    def keep(self, customers: Sequence[str], until: datetime) -> None:
        """Keep for longer what was claimed."""
        with self._database.writing() as session:
            for row in session.exec(_of(customers).with_for_update()).all():
                row.due_at = max(row.due_at, until)

    def settle(self, customers: Sequence[str], now: datetime) -> None:
        """End the requests of these whose application works; the others wait, the longer the older they are."""
        with self._database.writing() as session:
            for row in session.exec(_of(customers).with_for_update()).all():
                if is_ready(session.get(ChildApplication, row.customer_id)):
                    session.delete(row)
                else:
                    row.due_at = now + min(max((now - row.requested_at) / 2, SOONEST), LATEST)


def _due(now: datetime) -> SelectOfScalar[ProvisioningRequest]:
    query = select(ProvisioningRequest).where(col(ProvisioningRequest.due_at) <= now)
    return query.order_by(col(ProvisioningRequest.requested_at), col(ProvisioningRequest.customer_id))


def _of(customers: Sequence[str]) -> SelectOfScalar[ProvisioningRequest]:
    query = select(ProvisioningRequest).where(col(ProvisioningRequest.customer_id).in_(customers))
    return query.order_by(col(ProvisioningRequest.customer_id))
