"""Applications' lists of domains: what would change in them, what became of each (docs/linkedin.md#provisioning)."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import col, select, update

from greenlight.ats.database import Database
from greenlight.ats.domain_tables import DomainsRecord
from greenlight.ats.rows import parameter_batches
from greenlight.ats.tables import ChildApplication, Customer, Provisioning
from greenlight.ats.waiting import units
from greenlight.domain.domains import DomainChange, domain_change, is_loopback_origin


@units
class DomainLists:
    """The lists in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def changes(self, named: Sequence[str], js_sdk_domains: Sequence[str]) -> dict[str, DomainChange]:
        """What would change in the lists on record if these domains were wanted, by customer; all unless named."""
        with self._database.reading() as session:
            made = select(ChildApplication).where(col(ChildApplication.application_urn).is_not(None))
            changes = {row.customer_id: domains_of(row, js_sdk_domains) for row in session.exec(made)}
        wanted = set(named) or changes.keys()
        return {id: change for id, change in sorted(changes.items()) if id in wanted and change.changes}

    def with_real_ones(self) -> int:
        """How many applications have an origin on record that is not loopback."""
        with self._database.reading() as session:
            lists = session.exec(select(ChildApplication.js_sdk_domains))
            return sum(not all(map(is_loopback_origin, each or ())) for each in lists)

    def to_look_at(self, most: int) -> list[str]:
        """Customers whose application provisioning made, those first whose was not looked at for longest."""
        checked = col(Provisioning.checked_at)
        query = (
            select(ChildApplication.customer_id)
            .join(Customer, col(Customer.customer_id) == ChildApplication.customer_id)
            .join(Provisioning, col(Provisioning.customer_id) == ChildApplication.customer_id, isouter=True)
            .where(col(ChildApplication.application_urn).is_not(None), col(Customer.forgotten_at).is_(None))
            .order_by(checked.is_not(None), checked, col(ChildApplication.customer_id))
        )
        with self._database.reading() as session:
            return list(session.exec(query.limit(most)))

    def untold(self) -> dict[str, DomainChange]:
        """Lists that a run found to be others than those on record and that nobody was told of, by customer."""
        query = select(DomainsRecord).where(col(DomainsRecord.found), col(DomainsRecord.announced_at).is_(None))
        with self._database.reading() as session:
            return {
                row.customer_id: DomainChange(tuple(row.before), tuple(row.after), (), ())
                for row in session.exec(query.order_by(col(DomainsRecord.id)))
            }

    def tell(self, customers: Collection[str], now: datetime) -> None:
        """Put on record that somebody was told of these customers' lists, as they were found until now."""
        told = update(DomainsRecord).where(
            col(DomainsRecord.found), col(DomainsRecord.announced_at).is_(None), col(DomainsRecord.at) <= now
        )
        with self._database.writing() as session:
            for some in parameter_batches(sorted(customers)):
                session.exec(told.where(col(DomainsRecord.customer_id).in_(some)).values(announced_at=now))

    def record(
        self, customer_id: str, change: DomainChange, run_id: str, now: datetime, *, found: bool = False
    ) -> None:
        """Put old and new on record before a list is sent, or where LinkedIn has shown another one than was known."""
        row = DomainsRecord(
            customer_id=customer_id,
            found=found,
            before=list(change.before),
            after=list(change.after),
            at=now,
            run_id=run_id,
        )
        with self._database.writing() as session:
            session.add(row)


def domains_of(row: ChildApplication, origins: Sequence[str]) -> DomainChange:
    """What becomes of the list on record where these origins are wanted."""
    return domain_change(row.js_sdk_domains or (), row.own_domains or (), origins)
