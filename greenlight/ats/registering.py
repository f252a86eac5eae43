"""Customers, their applications and integrations as they are written: a statement for each table and kind of change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, Self

from pydantic_core import PydanticUndefined
from sqlalchemy import Table as SqlTable
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from greenlight.ats.bulk import insert_rows, update_rows
from greenlight.ats.columns import fitting
from greenlight.ats.desired_tables import Listing
from greenlight.ats.ledger import Warrant, Word
from greenlight.ats.replaced import forget_what_was_seen
from greenlight.ats.rows import integration_rows, parameter_batches, want_again
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.ats.warrants import give, is_live
from greenlight.domain.conditions import EFFECT
from greenlight.domain.keys import IntegrationKey

_CUSTOMERS: SqlTable = Customer.__dict__["__table__"]
_APPLICATIONS: SqlTable = ChildApplication.__dict__["__table__"]
_INTEGRATIONS: SqlTable = Integration.__dict__["__table__"]
#: What an integration begins with.
_NEW = {
    name: field.default
    for name, field in Integration.model_fields.items()
    if field.default is not None and field.default is not PydanticUndefined
}
#: What provisioning knew of an application, and does not know of another one.
_OF_THE_LAST = ("application_urn", "application_name", "provisioned_at", "works_since", "js_sdk_domains", "own_domains")

#: A customer's id and the parts of a key.
_Key = tuple[str, str, str, str]


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

    def __iadd__(self, more: "Changes") -> Self:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(more, each.name))
        return self


class _Known(NamedTuple):
    """An integration on record."""

    id: int
    name: str
    #: Or about to be, on a source's word.
    withdrawn: bool


def check_lengths(registrations: Iterable[Registration]) -> None:
    """Raise TooLong where a column would not hold something."""
    for registration in registrations:
        _customer(registration)
        if registration.application is not None:
            _application(registration.customer_id, *registration.application)
        for key, name in registration.integrations:
            _integration(registration.customer_id, key, name)


def clashing(session: Session, registrations: Sequence[Registration]) -> Iterator[tuple[str, str, str]]:
    """Client ids that another customer has by the time it is their customer's turn, with both customers."""
    asked = {r.customer_id: r.application[0] for r in registrations if r.application is not None}
    query = select(ChildApplication.client_id, ChildApplication.customer_id)
    holders: dict[str, str] = {}
    for some in parameter_batches(sorted(set(asked.values()))):
        holders |= dict(session.exec(query.where(col(ChildApplication.client_id).in_(some))).all())
    for some in parameter_batches(sorted(asked)):
        holders |= dict(session.exec(query.where(col(ChildApplication.customer_id).in_(some))).all())
    held = {customer_id: client_id for client_id, customer_id in holders.items()}
    for registration in registrations:
        if registration.application is None:
            continue
        client_id, who = registration.application[0], registration.customer_id
        holder = holders.setdefault(client_id, who)
        if holder != who:
            yield client_id, who, holder
        elif held.get(who, client_id) != client_id:
            # The one that it had is free for those that come after.
            del holders[held[who]]
        held[who] = client_id


def register_together(
    session: Session, registrations: Sequence[Registration], now: datetime, by: str | None = None
) -> Changes:
    """Write these customers, each of them once, and return what that changed. `by` is whose word it is."""
    session.flush()
    changes = Changes()
    added, renamed = _write_customers(session, registrations, now)
    changed = _write_applications(session, registrations, now)
    changes.customers_added, changes.customers_changed = len(added), len((renamed | changed) - added)
    asked_for = _write_integrations(session, registrations, changes, now)
    _give_import_warrants(session, asked_for, now, by)
    # What the caller has in hand is read again.
    session.flush()
    session.expire_all()
    return changes


def _write_customers(
    session: Session, registrations: Sequence[Registration], now: datetime
) -> tuple[set[str], set[str]]:
    """Those that are new, and those that have another name."""
    known: dict[str, tuple[str, datetime | None]] = {}
    for some in parameter_batches([registration.customer_id for registration in registrations]):
        query = select(Customer.customer_id, Customer.customer_name, Customer.forgotten_at)
        query = query.where(col(Customer.customer_id).in_(some)).order_by(col(Customer.customer_id))
        # So that none leaves while more of it is written.
        for id, name, forgotten_at in session.exec(query.with_for_update()):
            known[id] = name, forgotten_at
    new = [each for each in registrations if each.customer_id not in known]
    insert_rows(session, _CUSTOMERS, [{**_customer(each), "created_at": now} for each in new])
    others = [
        each
        for each in registrations
        if known.get(each.customer_id, (each.customer_name, None)) != (each.customer_name, None)
    ]
    update_rows(session, _CUSTOMERS, "customer_id", [{**_customer(each), "forgotten_at": None} for each in others])
    renamed = {each.customer_id for each in others if known[each.customer_id][0] != each.customer_name}
    return {each.customer_id for each in new}, renamed


def _write_applications(session: Session, registrations: Sequence[Registration], now: datetime) -> set[str]:
    """Customers whose application or block is another one now."""
    wanted = {each.customer_id: each.application for each in registrations if each.application is not None}
    known: dict[str, tuple[str, str]] = {}
    without_secret: list[str] = []
    for some in parameter_batches(list(wanted)):
        query = select(
            ChildApplication.customer_id,
            ChildApplication.client_id,
            ChildApplication.credentials_block,
            ChildApplication.secret_deleted_at,
        )
        for id, client_id, block, deleted_at in session.exec(query.where(col(ChildApplication.customer_id).in_(some))):
            known[id] = client_id, block
            if deleted_at is not None:
                without_secret.append(id)
    # Another application: nothing that was known of the last one holds for it.
    replaced = {id: asked[0] for id, asked in wanted.items() if id in known and known[id][0] != asked[0]}
    moved = [id for id, asked in wanted.items() if id in known and known[id] != asked and id not in replaced]
    for id in replaced:
        # One by one in their order: one may take over what another has just given up.
        row = {**_application(id, *wanted[id]), **dict.fromkeys(_OF_THE_LAST)}
        update_rows(session, _APPLICATIONS, "customer_id", [row])
    update_rows(session, _APPLICATIONS, "customer_id", [_application(id, *wanted[id]) for id in moved])
    has_one = [{"customer_id": id, "secret_deleted_at": None} for id in without_secret]
    update_rows(session, _APPLICATIONS, "customer_id", has_one)
    insert_rows(session, _APPLICATIONS, [_application(id, *asked) for id, asked in wanted.items() if id not in known])
    forget_what_was_seen(session, replaced, now)
    return {id for id, asked in wanted.items() if known.get(id) != asked}


def _write_integrations(
    session: Session, registrations: Sequence[Registration], changes: Changes, now: datetime
) -> list[int]:
    """The ids of all that these name."""
    wanted = {
        (each.customer_id, key.integration_context, key.integration_type, key.tenant_type): (key, name)
        for each in registrations
        for key, name in each.integrations
    }
    known = _known(session, list(wanted))
    new = [{**_integration(at[0], *wanted[at]), "created_at": now, **_NEW} for at in wanted if at not in known]
    renamed = [
        {"id": known[at].id, "integration_name": name}
        for at, (_, name) in wanted.items()
        if at in known and known[at].name != name
    ]
    returned = [known[at].id for at in wanted if at in known and known[at].withdrawn]
    insert_rows(session, _INTEGRATIONS, new)
    update_rows(session, _INTEGRATIONS, "id", renamed)
    changes.integrations_returned = sum(want_again(row, now) for row in integration_rows(session, returned))
    session.flush()
    changes.integrations_added, changes.integrations_renamed = len(new), len(renamed)
    return sorted(each.id for each in (_known(session, list(wanted)) if new else known).values())


def _known(session: Session, keys: Sequence[_Key]) -> dict[_Key, _Known]:
    """Those of these that are on record."""
    wanted, found = set(keys), dict[_Key, _Known]()
    table = _INTEGRATIONS.c
    key = (table.customer_id, table.integration_context, table.integration_type, table.tenant_type)
    query = select_columns(table.id, table.integration_name, table.withdrawn_at, table.listing, *key)
    # Each of these customers is looked up with each of these contexts.
    at_once = 500 if len({customer_id for customer_id, *_ in keys}) == 1 else 50
    for some in parameter_batches(keys, at_once):
        theirs = query.where(
            table.customer_id.in_({customer_id for customer_id, *_ in some}),
            table.integration_context.in_({context for _, context, *_ in some}),
        )
        for id, name, withdrawn_at, listing, customer_id, context, type, tenant in session.execute(theirs):
            if (at := (customer_id, context, type, tenant)) in wanted:
                found[at] = _Known(id, name, withdrawn_at is not None or listing == Listing.DROPPING)
    return found


def _give_import_warrants(session: Session, ids: Sequence[int], now: datetime, by: str | None) -> None:
    """A file's word, once for each time that something was to be brought about; the same file again changes nothing."""
    for some in parameter_batches(ids):
        warranted = select(Warrant.integration_id).where(is_live(None), Warrant.word == Word.IMPORT)
        needing = select(Integration.id).where(
            col(Integration.id).in_(some),
            col(Integration.observed).not_in(EFFECT),
            col(Integration.id).not_in(warranted.correlate(Integration)),
        )
        give(session, [id for id in session.exec(needing) if id is not None], Word.IMPORT, now, by=by)


def _customer(registration: Registration) -> dict[str, Any]:
    named = {"customer_id": registration.customer_id, "customer_name": registration.customer_name}
    return _fitted(_CUSTOMERS, named)


def _application(customer_id: str, client_id: str, block: str) -> dict[str, Any]:
    return _fitted(_APPLICATIONS, {"customer_id": customer_id, "client_id": client_id, "credentials_block": block})


def _integration(customer_id: str, key: IntegrationKey, name: str) -> dict[str, Any]:
    named = {
        "customer_id": customer_id,
        "integration_context": key.integration_context,
        "integration_type": key.integration_type,
        "tenant_type": key.tenant_type,
        "integration_name": name,
    }
    return _fitted(_INTEGRATIONS, named)


def _fitted(table: SqlTable, row: dict[str, Any]) -> dict[str, Any]:
    return {name: fitting(table, name, value) for name, value in row.items()}
