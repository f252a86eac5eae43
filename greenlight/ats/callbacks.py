"""A callback of the plugin on record: what is wanted, on whose word, and how much of it one browser may name."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from sqlalchemy.exc import NoResultFound
from sqlmodel import Session, col, select

from greenlight.ats.ledger import Word
from greenlight.ats.rows import is_between, is_resting, item, parameter_batches, want_again
from greenlight.ats.tables import Customer, Integration, RequestEvidence
from greenlight.ats.warrants import Given, give_each
from greenlight.domain.formatting import default_name
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status

#: Far above what a customer can request, and a bound on what a browser can make us ask LinkedIn about.
MOST_INTEGRATIONS = 50
#: What LinkedIn knows nothing of is counted by itself: it must not keep a customer from what is real.
MOST_REJECTED = 100
#: A repeated request for what was seen ENABLED this short a time ago is not looked at again.
SETTLED_FOR = timedelta(minutes=1)

#: The least by which two moments differ.
_TICK = timedelta(microseconds=1)


class TooManyIntegrations(Exception):
    """A customer's browser names more integrations than any customer has."""


class Callback(NamedTuple):
    """What a browser names of its customer's, in which session, and when it came."""

    customer_id: str
    session_digest: str
    keys: Sequence[IntegrationKey]
    at: datetime


class _Named(NamedTuple):
    callback: Callback
    row: Integration
    #: Whether there is nothing to be done about it.
    settled: bool


def record_callbacks(session: Session, callbacks: Sequence[Callback]) -> list[TooManyIntegrations | None]:
    """Put requests on record, with their evidence, as part of a transaction of the caller's; each whole or not at all.

    Returns what each was refused for.
    """
    customers = sorted({callback.customer_id for callback in callbacks})
    # Locked, so that two browsers of a customer cannot both be the last one that is allowed.
    theirs = select(Customer).where(col(Customer.customer_id).in_(customers)).order_by(Customer.customer_id)
    names = {row.customer_id: row.customer_name for row in session.exec(theirs.with_for_update())}
    if len(names) < len(customers):
        raise NoResultFound("no such customer")
    ours = select(Integration).where(col(Integration.customer_id).in_(customers)).order_by(col(Integration.id))
    known: dict[str, dict[IntegrationKey, Integration]] = {customer_id: {} for customer_id in names}
    for row in session.exec(ours.with_for_update()):
        known[row.customer_id][item(row).key] = row

    refused, named = list[TooManyIntegrations | None](), list[_Named]()
    for callback in callbacks:
        rows = known[callback.customer_id]
        if _are_too_many(rows, callback.keys):
            refused.append(TooManyIntegrations())
            continue
        refused.append(None)
        for key in dict.fromkeys(callback.keys):
            if key not in rows:
                rows[key] = _new(callback, names[callback.customer_id], key)
                session.add(rows[key])
            named.append(_Named(callback, rows[key], _request(rows[key], callback.at)))
    # Gives the new ones their ids.
    session.flush()
    words = [Given(_id(row), callback.at, callback.session_digest) for callback, row, settled in named if not settled]
    give_each(session, words, Word.CALLBACK)
    _keep_evidence(session, named)
    return refused


def _are_too_many(rows: Mapping[IntegrationKey, Integration], keys: Sequence[IntegrationKey]) -> bool:
    new = len({key for key in keys if key not in rows})
    rejected = sum(row.reason == Reason.REJECTED_REQUEST for row in rows.values())
    return bool(new) and (len(rows) - rejected + new > MOST_INTEGRATIONS or rejected >= MOST_REJECTED)


def _new(callback: Callback, customer_name: str, key: IntegrationKey) -> Integration:
    return Integration(
        customer_id=callback.customer_id,
        integration_context=key.integration_context,
        integration_type=key.integration_type,
        tenant_type=key.tenant_type,
        integration_name=default_name(customer_name, key.integration_type),
        created_at=callback.at,
    )


def _request(row: Integration, now: datetime) -> bool:
    """Make it wanted and due; whether it is settled instead, so that there is nothing to be done about it."""
    want_again(row, now)
    settled = row.observed == Status.ENABLED and is_between(now - SETTLED_FOR + _TICK, row.observed_at, now)
    # LinkedIn has said that there is no such thing, and may say otherwise later; not on every click.
    settled = settled or (row.reason == Reason.REJECTED_REQUEST and is_resting(row, now))
    if not settled:
        # Each request has a time of its own, also where clocks differ: by it a repeat is told apart.
        row.requested_at = max(now, row.requested_at + _TICK) if row.requested_at is not None else now
        row.look_due_at = None
    return settled


def _keep_evidence(session: Session, named: Sequence[_Named]) -> None:
    table = RequestEvidence
    kept: dict[tuple[int, str], RequestEvidence] = {}
    for some in parameter_batches(named):
        query = select(table).where(
            col(table.integration_id).in_({_id(each.row) for each in some}),
            col(table.session_digest).in_({each.callback.session_digest for each in some}),
        )
        by_key = query.order_by(col(table.integration_id), col(table.session_digest))
        found = session.exec(by_key.with_for_update())
        kept |= {(each.integration_id, each.session_digest): each for each in found}
    for callback, row, _ in named:
        at = _id(row), callback.session_digest
        if (evidence := kept.get(at)) is None:
            first = {"first_at": callback.at, "last_at": callback.at, "times": 1}
            kept[at] = RequestEvidence(integration_id=at[0], session_digest=at[1], **first)
            session.add(kept[at])
        else:
            evidence.times += 1
            evidence.last_at = max(evidence.last_at, callback.at)


def _id(row: Integration) -> int:
    # Given by the flush.
    return cast(int, row.id)
