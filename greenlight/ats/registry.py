"""Bringing customers into the ATS database: all of them or none."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt, Warrant, Word
from greenlight.ats.rows import parameter_batches, release, set_condition, want_again
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.ats.waiting import unit
from greenlight.ats.warrants import give, is_live
from greenlight.domain.conditions import EFFECT, NOT_LOOKED_AT, AttemptOutcome
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.status import Status
from greenlight.errors import BadInput, RefusedByRule


class ClientIdTaken(BadInput):
    """A client id belongs to another customer already. The text names both."""


class ApplicationReplaced(RefusedByRule):
    """A child application that provisioning made would be replaced, and with it the only copy of its secret."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A customer as it should be on record. `application` is (client id, name of the credentials block) or None."""

    customer_id: str
    customer_name: str
    application: tuple[str, str] | None
    integrations: Sequence[tuple[IntegrationKey, str]]


@dataclass(slots=True)
class Changes:
    """What a registration changed, in rows."""

    customers_added: int = 0
    customers_changed: int = 0
    integrations_added: int = 0
    integrations_renamed: int = 0
    #: That a person had withdrawn.
    integrations_returned: int = 0


def register(
    database: Database, registrations: Iterable[Registration], now: datetime, replace: Collection[str] = ()
) -> Changes:
    """Add or update customers, their applications and their wanted integrations; nothing is ever removed.

    A customer without an application in `registrations` keeps the one on record. An application that provisioning made
    gives way to another for the customers in `replace` alone. Raises ClientIdTaken and ApplicationReplaced.
    """
    wanted = list(registrations)

    def write(session: Session) -> Changes:
        _check_replaced(session, wanted, replace)
        return register_in(session, wanted, now)

    return database.write(write)


def register_in(session: Session, registrations: Iterable[Registration], now: datetime) -> Changes:
    """The same as part of a transaction of the caller's."""
    changes = Changes()
    asked_for: list[Integration] = []
    for registration in registrations:
        _register_customer(session, registration, changes, now)
        asked_for += _register_integrations(session, registration, changes, now)
    session.flush()
    _give_import_warrants(session, [row.id for row in asked_for if row.id is not None], now)
    return changes


@unit
def credentials_changed(database: Database, customers: Sequence[str]) -> None:
    """These customers have other credentials than before, so what failed is worth another try."""
    with database.writing() as session:
        release(session, customers)


def put_back(database: Database, customer_id: str, client_id: str, now: datetime) -> None:
    """Have a customer's application be the one of this client id, as it was before. Raises ClientIdTaken."""

    def write(session: Session) -> None:
        name = session.get_one(Customer, customer_id).customer_name
        block = session.get_one(ChildApplication, customer_id).credentials_block
        register_in(session, [Registration(customer_id, name, (client_id, block), [])], now)
        release(session, [customer_id])

    database.write(write)


@unit
def check_client_ids(database: Database, registrations: Sequence[Registration], replace: Collection[str] = ()) -> None:
    """Raise ClientIdTaken or ApplicationReplaced where registering would, without writing anything."""
    with database.reading() as session:
        for registration in registrations:
            _check_client_id(session, registration)
        _check_replaced(session, registrations, replace)


@unit
def provisioned_client_ids(database: Database) -> dict[str, str]:
    """The client ids of all child applications that provisioning made, by customer."""
    with database.reading() as session:
        return _provisioned(session)


def _provisioned(session: Session) -> dict[str, str]:
    made = col(ChildApplication.application_urn).is_not(None)
    return dict(session.exec(select(ChildApplication.customer_id, ChildApplication.client_id).where(made)).all())


def _check_replaced(session: Session, registrations: Iterable[Registration], replace: Collection[str]) -> None:
    made = _provisioned(session)
    for registration in registrations:
        who, held = registration.customer_id, registration.application
        if held is not None and who not in replace and made.get(who, held[0]) != held[0]:
            raise ApplicationReplaced(
                f"client id {held[0]!r} of customer {who!r} is not that of the child application that provisioning "
                f"made, {made[who]!r}, whose secret would be lost; "
                f"to replace it: greenlight import FILE --replace-credentials {who}"
            )


def _check_client_id(session: Session, registration: Registration) -> None:
    if registration.application is None:
        return
    client_id = registration.application[0]
    holder = session.exec(
        select(ChildApplication.customer_id).where(
            ChildApplication.client_id == client_id, ChildApplication.customer_id != registration.customer_id
        )
    ).first()
    if holder is not None:
        raise ClientIdTaken(
            f"client id {client_id!r} of customer {registration.customer_id!r} belongs to customer {holder!r} already; "
            "each customer has a child application of its own"
        )


def _register_customer(session: Session, registration: Registration, changes: Changes, now: datetime) -> None:
    _check_client_id(session, registration)
    customer = session.get(Customer, registration.customer_id)
    before = None
    if customer is None:
        changes.customers_added += 1
        customer = Customer(
            customer_id=registration.customer_id, customer_name=registration.customer_name, created_at=now
        )
        session.add(customer)
        session.flush()
    else:
        before = customer.customer_name
        customer.customer_name, customer.forgotten_at = registration.customer_name, None
    changed = before is not None and before != registration.customer_name
    if registration.application is not None:
        client_id, block = registration.application
        application = session.get(ChildApplication, registration.customer_id)
        if application is None:
            application = ChildApplication(
                customer_id=registration.customer_id, client_id=client_id, credentials_block=block
            )
            session.add(application)
            session.flush()
            changed = before is not None
        elif (application.client_id, application.credentials_block) != (client_id, block):
            if application.client_id != client_id:
                # Another application: nothing that was known of the last one holds for it.
                application.application_urn = application.application_name = application.js_sdk_domains = None
                application.own_domains = None
                application.provisioned_at = application.works_since = None
                _forget_what_was_seen(session, registration.customer_id, client_id, now)
            application.client_id, application.credentials_block = client_id, block
            changed = True
    changes.customers_changed += changed


def _register_integrations(
    session: Session, registration: Registration, changes: Changes, now: datetime
) -> list[Integration]:
    rows = session.exec(select(Integration).where(col(Integration.customer_id) == registration.customer_id))
    known = {(r.integration_context, r.integration_type, r.tenant_type): r for r in rows}
    asked_for: list[Integration] = []
    for key, name in registration.integrations:
        row = known.get((key.integration_context, key.integration_type, key.tenant_type))
        if row is None:
            changes.integrations_added += 1
            row = Integration(
                customer_id=registration.customer_id,
                integration_context=key.integration_context,
                integration_type=key.integration_type,
                tenant_type=key.tenant_type,
                integration_name=name,
                created_at=now,
            )
            session.add(row)
        else:
            changes.integrations_returned += want_again(row, now)
            changes.integrations_renamed += row.integration_name != name
            row.integration_name = name
        asked_for.append(row)
    return asked_for


def _give_import_warrants(session: Session, ids: Sequence[int], now: datetime) -> None:
    """A file's word, once for each time that something was to be brought about; the same file again changes nothing."""
    for some in parameter_batches(ids):
        warranted = select(Warrant.integration_id).where(is_live(None), Warrant.word == Word.IMPORT)
        needing = select(Integration.id).where(
            col(Integration.id).in_(some),
            col(Integration.observed).not_in(EFFECT),
            col(Integration.id).not_in(warranted.correlate(Integration)),
        )
        give(session, [id for id in session.exec(needing) if id is not None], Word.IMPORT, now, by=None)


def _forget_what_was_seen(session: Session, customer_id: str, client_id: str, now: datetime) -> None:
    """What was seen under another application, and what was sent with it, is no evidence under this one."""
    for row in session.exec(select(Integration).where(Integration.customer_id == customer_id)):
        row.observed, row.observed_at, row.observed_client_id = Status.UNKNOWN, None, None
        row.observed_since = row.effect_at = row.vanished_at = row.vanished_from = row.drifted_at = None
        set_condition(row, NOT_LOOKED_AT, now)
        open_attempts = select(Attempt).where(
            Attempt.integration_id == row.id, col(Attempt.closed_at).is_(None), Attempt.client_id != client_id
        )
        for attempt in session.exec(open_attempts.with_for_update()):
            attempt.outcome, attempt.closed_at = AttemptOutcome.REPLACED, now
        # One open attempt at a time.
        session.flush()
        latest = select(Attempt).where(Attempt.integration_id == row.id, Attempt.client_id == client_id)
        attempt = session.exec(latest.order_by(col(Attempt.id).desc()).limit(1).with_for_update()).first()
        if attempt is not None and attempt.outcome == AttemptOutcome.REPLACED:
            # Back to this application: what was sent under it may have landed, or land yet.
            attempt.outcome = attempt.closed_at = None
