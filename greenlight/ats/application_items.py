"""What a provisioning run's report says of one customer, out of the rows about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from greenlight.ats.tables import ChildApplication, Customer, Provisioning
from greenlight.domain.provisioning import Provision, ProvisionItem
from greenlight.domain.reasons import Reason


def items_of_others(session: Session, customers: Sequence[str]) -> list[ProvisionItem]:
    """Customers that a run chose and that are not its own now: another run has them, or none has begun with them."""
    query = (
        select(Customer, Provisioning, ChildApplication)
        .select_from(Customer)
        .join(Provisioning, col(Provisioning.customer_id) == Customer.customer_id, isouter=True)
        .join(ChildApplication, col(ChildApplication.customer_id) == Customer.customer_id, isouter=True)
        .where(col(Customer.customer_id).in_(customers), col(Customer.forgotten_at).is_(None))
    )
    return [_left(row, customer, held) for customer, row, held in session.exec(query)]


def imported_left_out(session: Session, scope: Mapping[str, Any]) -> int:
    """How many applications a run of this scope did not look at although it looked at all: the imported ones."""
    if not scope.get("look") or scope.get("customers") or scope.get("new"):
        return 0
    return session.exec(select(func.count()).where(col(ChildApplication.application_urn).is_(None))).one()


def _left(row: Provisioning | None, customer: Customer, held: ChildApplication | None) -> ProvisionItem:
    if row is None:
        return _told(customer, held, Provision.FAILED, Reason.PROVISIONING_UNFINISHED, None)
    return _told(customer, held, Provision.FAILED, Reason.CUSTOMER_BUSY, f"run {row.run_id} has it")


def item_of(row: Provisioning, customer: Customer, held: ChildApplication | None) -> ProvisionItem:
    outcome = Provision(row.outcome) if row.outcome is not None else Provision.FAILED
    reason = Reason(row.reason) if row.reason is not None else Reason.PROVISIONING_UNFINISHED
    return _told(customer, held, outcome, reason, row.detail)


def _told(
    customer: Customer, held: ChildApplication | None, outcome: Provision, reason: Reason, detail: str | None
) -> ProvisionItem:
    domains = held.js_sdk_domains if held is not None else None
    return ProvisionItem(
        customer_id=customer.customer_id,
        customer_name=customer.customer_name,
        client_id=held.client_id if held is not None else None,
        application_urn=held.application_urn if held is not None else None,
        application_name=held.application_name if held is not None else None,
        js_sdk_domains=tuple(domains) if domains is not None else None,
        outcome=outcome,
        reason=reason,
        detail=detail,
    )
