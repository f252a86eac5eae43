"""Who is at a customer now: a lease in the ATS database, so that of two runs one waits (docs/adr/0004-leases.md).

A lease ends by itself, so a dead holder keeps it for seconds. It saves work and says who is where; that nothing is
enabled twice rests on the attempts, whatever becomes of a lease.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from sqlmodel import and_, col, or_, select, update

from greenlight.ats.database import Database
from greenlight.ats.rows import parameter_batches
from greenlight.ats.tables import Customer, Run
from greenlight.ats.waiting import Turn, in_turn, units

#: How long a lease lasts that nobody renews. Renewed several times as often.
LEASE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who else has a customer: in words, and until when unless it is renewed."""

    words: str
    until: datetime


class Lease(NamedTuple):
    """One customer that is to be taken for a run, asked at that time."""

    customer_id: str
    run_id: str
    now: datetime


@units
class Leases:
    """The leases of one process's run. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writer = database.writer
        self.owner = str(uuid4())

    def take(self, customer_id: str, run_id: str, now: datetime) -> Holder | None:
        """Take a customer for a run; None if it is ours now, else who has it."""
        return self.take_all([Lease(customer_id, run_id, now)])[0]

    @in_turn(Turn.TAKE)
    def take_all(self, leases: Sequence[Lease]) -> list[Holder | None]:
        """Take these customers, each as `take` does; each of them once."""
        now, wanted = max(lease.now for lease in leases), [lease.customer_id for lease in leases]
        by_run: dict[str, list[str]] = {}
        for lease in leases:
            by_run.setdefault(lease.run_id, []).append(lease.customer_id)
        theirs, until = col(Customer.customer_id).in_(wanted), col(Customer.locked_until)
        free = or_(until.is_(None), until <= now, Customer.locked_by == self.owner)
        # In one order, as everybody takes them.
        rows = select(Customer.customer_id).where(theirs, free).order_by(Customer.customer_id).with_for_update()
        with self._database.writing() as session:
            ours = set(session.exec(rows))
            for run_id, some in by_run.items():
                taken = update(Customer).where(col(Customer.customer_id).in_([each for each in some if each in ours]))
                taken = taken.values(locked_by=self.owner, locked_for=run_id, locked_until=now + LEASE)
                session.execute(taken.execution_options(synchronize_session=False))
            others: dict[str, Holder] = {}
            if missing := [customer for customer in wanted if customer not in ours]:
                held = (
                    select(Customer.customer_id, Customer.locked_for, Customer.locked_until, Run.command)
                    .join(Run, col(Run.run_id) == Customer.locked_for, isouter=True)
                    .where(col(Customer.customer_id).in_(missing))
                )
                for customer, run_id, until, command in session.exec(held):
                    others[customer] = Holder(f"{command or 'another'} run {run_id}", until or now)
        return [None if customer in ours else others[customer] for customer in wanted]

    def renew(self, customers: Sequence[str], now: datetime) -> None:
        """Make our leases on these customers last longer."""
        # Never shorter: one that waited for the database may come after a newer one.
        ours = and_(col(Customer.locked_by) == self.owner, col(Customer.locked_until) < now + LEASE)
        with self._database.writing() as session:
            for some in parameter_batches(sorted(customers)):
                rows = select(Customer.customer_id).where(col(Customer.customer_id).in_(some), ours)
                rows = rows.order_by(Customer.customer_id).with_for_update()
                longer = update(Customer).where(col(Customer.customer_id).in_(rows)).values(locked_until=now + LEASE)
                session.execute(longer.execution_options(synchronize_session=False))

    def release(self, customer_id: str) -> None:
        """Give a customer back; one that was lost meanwhile stays with whoever has it."""
        self.release_all([customer_id])

    @in_turn(Turn.GIVE_BACK)
    def release_all(self, customers: Sequence[str]) -> list[None]:
        """Give these customers back, each as `release` does."""
        theirs = col(Customer.customer_id).in_(customers)
        rows = select(Customer.customer_id).where(theirs, col(Customer.locked_by) == self.owner)
        ours = update(Customer).where(
            col(Customer.customer_id).in_(rows.order_by(Customer.customer_id).with_for_update())
        )
        nobody = ours.values(locked_by=None, locked_for=None, locked_until=None)
        with self._database.writing() as session:
            session.execute(nobody.execution_options(synchronize_session=False))
        return [None] * len(customers)
