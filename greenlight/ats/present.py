"""Customers that are with the vendor: whoever acts for one takes its row first, so that it cannot leave meanwhile."""

from sqlmodel import Session

from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import Customer


class CustomerForgotten(UnknownCustomer, remedy="an import, or `greenlight provision --new`, brings a customer back"):
    """A customer was named that has left."""


def present(session: Session, customer_id: str) -> Customer:
    """The customer, locked for the rest of the transaction. Raises UnknownCustomer, and CustomerForgotten."""
    customer = session.get(Customer, customer_id, with_for_update=True)
    if customer is None:
        raise UnknownCustomer(f"no customer {customer_id!r} in the ATS database")
    if customer.forgotten_at is not None:
        raise CustomerForgotten(f"customer {customer_id!r} has left")
    return customer
