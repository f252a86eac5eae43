"""A callback of the plugin on record: what is wanted, on whose word, and how much of it one browser may name."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlmodel import Session, col, select

from greenlight.ats.ledger import Word
from greenlight.ats.rows import is_between, is_resting, item, want_again
from greenlight.ats.tables import Customer, Integration, RequestEvidence
from greenlight.ats.warrants import give
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


def record_callback(
    session: Session, customer_id: str, session_digest: str, keys: Sequence[IntegrationKey], now: datetime
) -> None:
    """Put requests of this customer on record, with their evidence, as part of a transaction of the caller's.

    Raises TooManyIntegrations.
    """
    # Locked, so that two browsers of a customer cannot both be the last one that is allowed.
    customer = session.get_one(Customer, customer_id, with_for_update=True)
    ours = select(Integration).where(Integration.customer_id == customer_id).order_by(col(Integration.id))
    rows = session.exec(ours.with_for_update()).all()
    known = {item(row).key: row for row in rows}
    new = [key for key in keys if key not in known]
    rejected = sum(row.reason == Reason.REJECTED_REQUEST for row in rows)
    if new and (len(rows) - rejected + len(new) > MOST_INTEGRATIONS or rejected >= MOST_REJECTED):
        raise TooManyIntegrations
    for key in new:
        known[key] = Integration(
            customer_id=customer_id,
            integration_context=key.integration_context,
            integration_type=key.integration_type,
            tenant_type=key.tenant_type,
            integration_name=default_name(customer.customer_name, key.integration_type),
            created_at=now,
        )
        session.add(known[key])
    session.flush()
    for key in keys:
        row = known[key]
        want_again(row, now)
        settled = row.observed == Status.ENABLED and is_between(now - SETTLED_FOR + _TICK, row.observed_at, now)
        # LinkedIn has said that there is no such thing, and may say otherwise later; not on every click.
        settled = settled or (row.reason == Reason.REJECTED_REQUEST and is_resting(row, now))
        if not settled:
            # Each request has a time of its own, also where clocks differ: by it a repeat is told apart.
            row.requested_at = max(now, row.requested_at + _TICK) if row.requested_at is not None else now
            row.look_due_at = None
        # Given by the flush.
        id = cast(int, row.id)
        if not settled:
            give(session, [id], Word.CALLBACK, now, by=session_digest)
        evidence = session.get(RequestEvidence, (id, session_digest), with_for_update=True)
        if evidence is None:
            session.add(
                RequestEvidence(integration_id=id, session_digest=session_digest, first_at=now, last_at=now, times=1)
            )
        else:
            evidence.times += 1
            evidence.last_at = max(evidence.last_at, now)
