"""Integrations as they are read in bulk: columns, since an ORM object for each costs several times as much."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Table, select
from sqlmodel import Session

from greenlight.ats.rows import parameter_batches
from greenlight.ats.tables import ChildApplication, Integration
from greenlight.domain.conditions import Condition
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Status

_INTEGRATIONS: Table = Integration.__dict__["__table__"]
_APPLICATIONS: Table = ChildApplication.__dict__["__table__"]
_IDENTITY = ("id", "customer_id", "integration_context", "integration_type", "tenant_type", "integration_name")
_WANTED = select(
    *(_INTEGRATIONS.c[name] for name in _IDENTITY),
    *(_INTEGRATIONS.c[name] for name in ("observed", "observed_at", "outcome", "reason", "detail")),
    *(_APPLICATIONS.c.client_id, _APPLICATIONS.c.credentials_block),
).select_from(
    _INTEGRATIONS.join(_APPLICATIONS, _APPLICATIONS.c.customer_id == _INTEGRATIONS.c.customer_id, isouter=True)
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wanted integration as a run works with it. `client_id` and `credentials_block` are None where none are held."""

    id: int
    item: Item
    integration_name: str
    client_id: str | None
    credentials_block: str | None
    observed: Status
    observed_at: datetime | None
    condition: Condition


def by_customer(wanted: Iterable[Wanted]) -> dict[str, list[Wanted]]:
    """Each customer's, in the order in which they come."""
    found: dict[str, list[Wanted]] = {}
    for entry in wanted:
        found.setdefault(entry.item.customer_id, []).append(entry)
    return found


def wanted_rows(session: Session, ids: Sequence[int], such: ColumnElement[bool]) -> list[Wanted]:
    """Those of these integrations that are such, in the order of `ids`."""
    query = _WANTED.where(such)
    found: dict[int, Wanted] = {}
    for some in parameter_batches(ids):
        for row in session.execute(query.where(_INTEGRATIONS.c.id.in_(some))):
            id, customer_id, *key, name, observed, observed_at, outcome, reason, detail, client_id, block = row
            found[id] = Wanted(
                id=id,
                item=Item(customer_id, IntegrationKey(*key)),
                integration_name=name,
                client_id=client_id,
                credentials_block=block,
                observed=Status(observed),
                observed_at=observed_at,
                condition=Condition(Outcome(outcome), Reason(reason), detail),
            )
    return [found[id] for id in ids if id in found]


def read_integrations(session: Session, ids: Sequence[int]) -> list[Integration]:
    """The integrations with these ids, in that order, as they are: what is written to these goes nowhere."""
    found: dict[int, Integration] = {}
    for some in parameter_batches(ids):
        rows = session.execute(select(_INTEGRATIONS).where(_INTEGRATIONS.c.id.in_(some)))
        found |= {row.id: cast(Integration, row) for row in rows}
    return [found[id] for id in ids if id in found]


def items(session: Session, ids: Sequence[int]) -> dict[int, Item]:
    """What the integrations with these ids are."""
    query, found = select(*(_INTEGRATIONS.c[name] for name in _IDENTITY[:-1])), dict[int, Item]()
    for some in parameter_batches(ids):
        for id, customer_id, *key in session.execute(query.where(_INTEGRATIONS.c.id.in_(some))):
            found[id] = Item(customer_id, IntegrationKey(*key))
    return found
