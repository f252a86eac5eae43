"""What a sync brings about: what the source has is wanted, and what it has no more is withdrawn, a few at a time.

Each step is judged again by the rows as they are when it is written, so that doing it twice, or going on after it was
cut short, leads to the same.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy import select as select_columns
from sqlmodel import Session, and_, col, exists, or_, select, update

from greenlight.ats.bulk import update_rows
from greenlight.ats.database import Database
from greenlight.ats.desired import is_at_fault, is_overtaken, same_key
from greenlight.ats.desired_tables import DesiredRow, Listing
from greenlight.ats.ledger import Attempt
from greenlight.ats.registering import Registration, register_together
from greenlight.ats.rows import item, parameter_batches
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.ats.waiting import units
from greenlight.ats.withdrawals import withdraw_row
from greenlight.domain.desired import ADDED, KEPT_OUT, ON_ITS_WAY, RENAMED, RETURNED, WITHDRAWN, SyncReport, explained
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status

_INTEGRATIONS: Table = Integration.__dict__["__table__"]
#: Rows, and withdrawals, that are written in one transaction.
ROWS_AT_ONCE = 500
WITHDRAWN_AT_ONCE = 100
#: A kind of change, and the entry that tells of it.
_Noted = tuple[str, dict[str, Any]]


@units
class DesiredChanges:
    """Carries out a sync. Times are passed in. Not for the event loop: call it in a thread.

    `go_on` is asked before each transaction, and raises where nobody waits for it any more.
    """

    def __init__(self, database: Database, go_on: Callable[[], None] = lambda: None) -> None:
        self._database, self._go_on = database, go_on

    def bring_in(self, sync_id: str, by: str, now: datetime, report: SyncReport) -> bool:
        """Have what the source has be wanted, under the names that it gives; False where a later sync has begun."""
        with self._database.reading() as session:
            differing = select_columns(col(DesiredRow.number)).where(*_differs(sync_id))
            numbers = session.execute(_beside_the_record(differing).order_by(col(DesiredRow.number))).scalars().all()

        def write(session: Session, some: Sequence[int]) -> list[_Noted] | None:
            self._go_on()
            return None if is_overtaken(session, sync_id) else list(_bring_in(session, sync_id, some, by, now))

        return _told(self._database.write_in_parts(write, parameter_batches(numbers, ROWS_AT_ONCE)), report)

    def withdraw(self, sync_id: str, gone: Sequence[int], by: str, now: datetime, report: SyncReport) -> bool:
        """Withdraw what the source has no more; False where a later sync has begun."""

        def write(session: Session, some: Sequence[int]) -> list[_Noted] | None:
            self._go_on()
            return None if is_overtaken(session, sync_id) else list(_withdraw(session, some, by, now))

        return _told(self._database.write_in_parts(write, parameter_batches(gone, WITHDRAWN_AT_ONCE)), report)


def _told(parts: Sequence[list[_Noted] | None], report: SyncReport) -> bool:
    for part in parts:
        for kind, entry in part or ():
            report.note(kind, entry)
    return None not in parts


def _beside_the_record(query: Any) -> Any:
    query = query.join(Customer, col(Customer.customer_id) == col(DesiredRow.customer_id), isouter=True)
    return query.join(Integration, same_key(DesiredRow), isouter=True)


def _differs(sync_id: str) -> list[Any]:
    """Whether a good row of the query says anything that is not on record."""
    return [
        col(DesiredRow.sync_id) == sync_id,
        col(DesiredRow.field).is_(None),
        ~is_at_fault(sync_id, col(DesiredRow.customer_id)),
        or_(
            col(Customer.customer_name).is_(None),
            col(Customer.customer_name) != col(DesiredRow.customer_name),
            col(Integration.integration_name).is_(None),
            col(Integration.integration_name) != col(DesiredRow.integration_name),
            col(Integration.listing).is_(None),
            col(Integration.listing) != Listing.LISTED,
        ),
    ]


def _bring_in(session: Session, sync_id: str, numbers: Sequence[int], by: str, now: datetime) -> Iterator[_Noted]:
    picked = and_(col(DesiredRow.sync_id) == sync_id, col(DesiredRow.number).in_(numbers))
    # Before anything is read of them: a person who is withdrawing one of theirs has them until that is written.
    _lock_customers(session, select_columns(col(DesiredRow.customer_id)).where(picked))
    query = _beside_the_record(select_columns(DesiredRow, Customer, Integration).where(picked))
    rows = [tuple(row) for row in session.execute(query.order_by(col(DesiredRow.number)))]
    registrations: dict[str, tuple[str, list[tuple[IntegrationKey, str]]]] = {}
    renamed: list[dict[str, Any]] = []
    noted: list[_Noted] = []
    for row, customer, integration in rows:
        entry = {name: getattr(row, name) for name in ("customer_id", "integration_context", "integration_type")}
        was = integration.listing if integration is not None else None
        if _is_forgotten(customer) or _is_taken_out(integration):
            if was != Listing.LISTED:
                noted.append((KEPT_OUT, entry))
            continue
        _, wanted = registrations.setdefault(row.customer_id, (row.customer_name, []))
        if integration is None or was != Listing.LISTED:
            wanted.append(
                (
                    IntegrationKey(row.integration_context, row.integration_type, row.tenant_type),
                    row.integration_name,
                )
            )
        elif integration.integration_name != row.integration_name:
            renamed.append({"id": integration.id, "integration_name": row.integration_name})
        if integration is None:
            noted.append((ADDED, entry))
        elif integration.withdrawn_at is not None:
            noted.append((RETURNED, entry))
        elif (customer.customer_name, integration.integration_name) != (row.customer_name, row.integration_name):
            noted.append((RENAMED, entry))
    update_rows(session, _INTEGRATIONS, "id", renamed)
    register_together(
        session,
        [Registration(id, name, None, wanted) for id, (name, wanted) in sorted(registrations.items())],
        now,
        by,
    )
    these = select_columns(col(Integration.id)).join(DesiredRow, same_key(DesiredRow))
    known = session.execute(these.where(picked)).scalars().all()
    session.execute(update(Integration).where(col(Integration.id).in_(known)).values(listing=Listing.LISTED))
    held = _with_application(session, list(registrations))
    for kind, entry in noted:
        without = kind == ADDED and entry["customer_id"] not in held
        yield kind, entry | (explained(Reason.CREDENTIALS_MISSING) if without else {})


def _is_taken_out(integration: Integration | None) -> bool:
    """Whether a person has withdrawn it: only a person brings it back."""
    return integration is not None and integration.withdrawn_at is not None and integration.listing != Listing.UNLISTED


def _is_forgotten(customer: Customer | None) -> bool:
    """Whether a person has had it forgotten: only an import that names it brings it back."""
    return customer is not None and customer.forgotten_at is not None


def _lock_customers(session: Session, ids: Any) -> None:
    """Have these to ourselves, before their integrations, as everybody takes them."""
    customers = select(Customer).where(col(Customer.customer_id).in_(ids)).order_by(col(Customer.customer_id))
    session.exec(customers.with_for_update()).all()


def _with_application(session: Session, customers: Sequence[str]) -> set[str]:
    held = select(ChildApplication.customer_id).where(col(ChildApplication.customer_id).in_(customers))
    return set(session.exec(held))


def _withdraw(session: Session, ids: Sequence[int], by: str, now: datetime) -> Iterator[_Noted]:
    _lock_customers(session, select_columns(col(Integration.customer_id)).where(col(Integration.id).in_(ids)))
    had = col(Integration.listing).in_((Listing.LISTED, Listing.DROPPING))
    query = select(Integration).where(col(Integration.id).in_(ids), had).order_by(col(Integration.id))
    rows = session.exec(query.with_for_update()).all()
    # After they are locked: an intent that was being written is seen now.
    under_way = exists().where(col(Attempt.integration_id) == col(Integration.id), col(Attempt.closed_at).is_(None))
    busy = set(session.exec(select(Integration.id).where(col(Integration.id).in_(ids), under_way)))
    for row in rows:
        if row.withdrawn_at is not None:
            # By a person: the source's word adds nothing to that, and undoes nothing of it.
            row.listing = None
            continue
        key = item(row).as_json()
        if row.id in busy:
            # Whoever sent an enable has to see what became of it, and nobody looks at what is withdrawn.
            row.listing = Listing.DROPPING
            yield ON_ITS_WAY, key
            continue
        withdraw_row(session, row, by, now)
        row.listing = Listing.UNLISTED
        if row.observed == Status.ENABLED:
            # Somebody is told of it: the API cannot switch it off.
            row.drifted_at = now
        yield WITHDRAWN, {**key, "observed": row.observed, **explained(Reason(row.reason))}
