"""Bringing customers into the ATS database: all of them are checked before the first is written."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from greenlight.ats.database import Database
from greenlight.ats.present import present
from greenlight.ats.registering import Changes, Registration, check_lengths, clashing, register_together
from greenlight.ats.rows import parameter_batches, release
from greenlight.ats.tables import ChildApplication
from greenlight.ats.waiting import unit
from greenlight.errors import BadInput, RefusedByRule

__all__ = [
    "ApplicationReplaced",
    "Changes",
    "ClientIdTaken",
    "Registration",
    "check_client_ids",
    "credentials_changed",
    "provisioned_client_ids",
    "put_back",
    "register",
    "register_in",
]

#: Integrations, or customers without any, that are written in one transaction.
ROWS_AT_ONCE = 500


class ClientIdTaken(BadInput):
    """A client id belongs to another customer already. The text names both."""


class ApplicationReplaced(RefusedByRule):
    """A child application that provisioning made would be replaced, and with it the only copy of its secret."""


def register(
    database: Database, registrations: Iterable[Registration], now: datetime, replace: Collection[str] = ()
) -> Changes:
    """Add or update customers, their applications and their wanted integrations; nothing is ever removed.

    A customer without an application in `registrations` keeps the one on record. An application that provisioning made
    gives way to another for the customers in `replace` alone. Raises ClientIdTaken, ApplicationReplaced and TooLong
    before anything is written. They are written in parts, and one that is cut short is completed by doing it again.
    """
    wanted = list(registrations)
    check_client_ids(database, wanted, replace)

    def write(session: Session, part: Sequence[Registration]) -> Changes:
        # Somebody else may have registered in between.
        _check_replaced(session, part, replace)
        return register_in(session, part, now)

    changes = Changes()
    for some in database.write_in_parts(write, _parts(wanted)):
        changes += some
    return changes


def register_in(session: Session, registrations: Sequence[Registration], now: datetime) -> Changes:
    """The same for a few customers, each of them once, as part of a transaction of the caller's."""
    _check_client_ids(session, registrations)
    return register_together(session, registrations, now)


def credentials_changed(database: Database, customers: Sequence[str]) -> None:
    """These customers have other credentials than before, so what failed is worth another try."""
    database.write_in_parts(release, parameter_batches(customers))


def put_back(database: Database, customer_id: str, client_id: str, now: datetime) -> None:
    """Have a customer's application be the one of this client id, as it was before.

    Raises ClientIdTaken, and CustomerForgotten.
    """

    def write(session: Session) -> None:
        name = present(session, customer_id).customer_name
        block = session.get_one(ChildApplication, customer_id).credentials_block
        register_in(session, [Registration(customer_id, name, (client_id, block), [])], now)
        release(session, [customer_id])

    database.write(write)


@unit
def check_client_ids(database: Database, registrations: Sequence[Registration], replace: Collection[str] = ()) -> None:
    """Raise ClientIdTaken, ApplicationReplaced or TooLong where registering would, without writing anything."""
    check_lengths(registrations)
    with database.reading() as session:
        _check_client_ids(session, registrations)
        _check_replaced(session, registrations, replace)


@unit
def provisioned_client_ids(database: Database) -> dict[str, str]:
    """The client ids of all child applications that provisioning made, by customer."""
    with database.reading() as session:
        made = col(ChildApplication.application_urn).is_not(None)
        return dict(session.exec(select(ChildApplication.customer_id, ChildApplication.client_id).where(made)).all())


def _parts(registrations: Iterable[Registration]) -> Iterator[list[Registration]]:
    """So many rows at once, each customer once in a part; a large customer goes into several."""
    part, rows = dict[str, Registration](), 0
    for registration in registrations:
        for some in parameter_batches(list(registration.integrations), ROWS_AT_ONCE) or [()]:
            if part and (rows + max(len(some), 1) > ROWS_AT_ONCE or registration.customer_id in part):
                yield list(part.values())
                part, rows = {}, 0
            part[registration.customer_id] = replace(registration, integrations=some)
            rows += max(len(some), 1)
    if part:
        yield list(part.values())


def _check_replaced(session: Session, registrations: Sequence[Registration], replace: Collection[str]) -> None:
    made: dict[str, str] = {}
    query = select(ChildApplication.customer_id, ChildApplication.client_id)
    for some in parameter_batches([registration.customer_id for registration in registrations]):
        theirs = query.where(col(ChildApplication.customer_id).in_(some))
        made |= dict(session.exec(theirs.where(col(ChildApplication.application_urn).is_not(None))).all())
    for registration in registrations:
        who, held = registration.customer_id, registration.application
        if held is not None and who not in replace and made.get(who, held[0]) != held[0]:
            raise ApplicationReplaced(
                f"client id {held[0]!r} of customer {who!r} is not that of the child application that provisioning "
                f"made, {made[who]!r}, whose secret would be lost; "
                f"to replace it: greenlight import FILE --replace-credentials {who}"
            )


def _check_client_ids(session: Session, registrations: Sequence[Registration]) -> None:
    for client_id, customer_id, holder in clashing(session, registrations):
        raise ClientIdTaken(
            f"client id {client_id!r} of customer {customer_id!r} belongs to customer {holder!r} already; "
            "each customer has a child application of its own"
        )
