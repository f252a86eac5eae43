"""Who is at a customer now: a lease in the ATS database, so that of two runs one waits (docs/adr/0004-leases.md).

A lease ends by itself, so a dead holder keeps it for seconds. It saves work and says who is where; that nothing is
enabled twice rests on the attempts, whatever becomes of a lease.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel import col, or_, select, update

from greenlight.ats.database import Database
from greenlight.ats.tables import Customer, Run
from greenlight.ats.waiting import units

#: How long a lease lasts that nobody renews. Renewed several times as often.
LEASE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who else has a customer: in words, and until when unless it is renewed."""

    words: str
    until: datetime


@units
class Locks:
    """The leases of one process's run. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.owner = str(uuid4())

    def take(self, customer_id: str, run_id: str, now: datetime) -> Holder | None:
        """Take a customer for a run; None if it is ours now, else who has it."""
        free = or_(
            col(Customer.locked_until).is_(None), col(Customer.locked_until) <= now, Customer.locked_by == self.owner
        )
        taken = (
            update(Customer)
            .where(col(Customer.customer_id) == customer_id, free)
            .values(locked_by=self.owner, locked_for=run_id, locked_until=now + LEASE)
        )
        with self._database.writing() as session:
            if session.exec(taken).rowcount:
                return None
            found = session.exec(
                select(Customer.locked_for, Customer.locked_until, Run.command)
                .join(Run, col(Run.run_id) == Customer.locked_for, isouter=True)
                .where(Customer.customer_id == customer_id)
            ).one()
        run, until, command = found
        return Holder(f"{command or 'another'} run {run}", until or now)

    def renew(self, now: datetime) -> None:
        """Make all of this run's leases last longer."""
        # Never shorter: one that waited for the database may come after a newer one.
        shorter = col(Customer.locked_until) < now + LEASE
        ours = update(Customer).where(col(Customer.locked_by) == self.owner, shorter)
        with self._database.writing() as session:
            session.exec(ours.values(locked_until=now + LEASE))

    def release(self, customer_id: str) -> None:
        """Give a customer back; one that was lost meanwhile stays with whoever has it."""
        ours = update(Customer).where(col(Customer.customer_id) == customer_id, col(Customer.locked_by) == self.owner)
        with self._database.writing() as session:
            session.exec(ours.values(locked_by=None, locked_for=None, locked_until=None))
