"""What becomes of what is known of a customer's integrations when it has another application."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Table
from sqlmodel import Session, col, select

from greenlight.ats.bulk import update_rows
from greenlight.ats.chunk import Chunk
from greenlight.ats.ledger import Attempt
from greenlight.ats.rows import parameter_batches, set_condition
from greenlight.ats.tables import Integration
from greenlight.domain.conditions import NOT_LOOKED_AT, AttemptOutcome
from greenlight.domain.status import Status

_ATTEMPTS: Table = Attempt.__dict__["__table__"]


def forget_what_was_seen(session: Session, replaced: Mapping[str, str], now: datetime) -> None:
    """What was seen under another application, and what was sent with it, is no evidence under this one.

    `replaced` are the new client ids by customer.
    """
    client_of: dict[int, str] = {}
    for some in parameter_batches(list(replaced)):
        query = select(Integration.id, Integration.customer_id).where(col(Integration.customer_id).in_(some))
        client_of |= {id: replaced[customer_id] for id, customer_id in session.exec(query) if id is not None}
    if not client_of:
        return
    chunk = Chunk(session, client_of, evidence=True)
    for id, row in chunk.rows.items():
        row.observed, row.observed_at, row.observed_client_id = Status.UNKNOWN, None, None
        row.observed_since = row.effect_at = row.vanished_at = row.vanished_from = row.drifted_at = None
        set_condition(row, NOT_LOOKED_AT, now)
        attempt = chunk.open_attempt(id)
        if attempt is not None and attempt.client_id != client_of[id]:
            attempt.outcome, attempt.closed_at = AttemptOutcome.REPLACED, now
    # One open attempt at a time.
    chunk.write()
    latest: dict[int, tuple[int, str | None]] = {}
    for some in parameter_batches(list(client_of)):
        query = select(Attempt.id, Attempt.integration_id, Attempt.client_id, Attempt.outcome).order_by(col(Attempt.id))
        for id, integration_id, client_id, outcome in session.exec(
            query.where(col(Attempt.integration_id).in_(some)).with_for_update()
        ):
            if id is not None and client_id == client_of[integration_id]:
                latest[integration_id] = id, outcome
    # Back to this application: what was sent under it may have landed, or land yet.
    back = [id for id, outcome in latest.values() if outcome == AttemptOutcome.REPLACED]
    update_rows(session, _ATTEMPTS, "id", [{"id": id, "outcome": None, "closed_at": None} for id in back])
