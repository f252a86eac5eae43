"""Calls of the HTTP API that may be repeated: what was asked under a key, and what came of it.

A key is its API key's own. What a call changes and its answer are one transaction. Only what changed something is
kept, for a day, and never a secret: what holds one is kept as what it can be made from again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from greenlight.ats.api_tables import IdempotencyKey
from greenlight.ats.database import Database
from greenlight.ats.present import present
from greenlight.ats.waiting import patiently
from greenlight.errors import RefusedByRule

#: How long an answer is kept.
KEPT_FOR = timedelta(hours=24)
#: Old ones that a call takes away with it.
_AWAY_AT_ONCE = 20


class OtherCall(RefusedByRule):
    """The key was given to another call."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call about a customer: whose it is, its `Idempotency-Key` if it has one, and a digest of what it asks."""

    customer_id: str
    key_id: str
    idempotency_key: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call: its status and what its body is made from; whether an earlier call had it already."""

    status: int
    answer: dict[str, Any]
    is_replayed: bool = False


class IdempotentCalls:
    """Calls in the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def answer(self, asked: Asked, act: Callable[[], Answered], now: datetime) -> Answered:
        """What `act` makes, or what it has made under this key already. Who comes meanwhile waits for it.

        `act` may be done again from the start, so it does nothing but units of work of this database. What it raises
        undoes it. Raises OtherCall, and UnknownCustomer also for one that has left.
        """

        def once() -> Answered:
            with self._database.together() as done, self._database.writing() as session:
                before = _before(session, asked, now)
                done()
                if before is not None:
                    return before
                made = act()
                done()
                if asked.idempotency_key is not None:
                    row = IdempotencyKey(
                        key_id=asked.key_id,
                        idempotency_key=asked.idempotency_key,
                        customer_id=asked.customer_id,
                        digest=asked.digest,
                        expires_at=now + KEPT_FOR,
                        status=made.status,
                        answer=made.answer,
                    )
                    session.add(row)
                return made

        # Two calls about two customers may meet at one key: the second sees then what the first has added.
        return patiently(once, added_meanwhile=True)


def _before(session: Session, asked: Asked, now: datetime) -> Answered | None:
    # First of all rows, as everybody takes it; nobody forgets the customer meanwhile.
    present(session, asked.customer_id)
    if asked.idempotency_key is None:
        return None
    _take_away(session, now)
    row = session.get(IdempotencyKey, (asked.key_id, asked.idempotency_key), with_for_update=True)
    if row is None:
        return None
    if row.expires_at <= now:
        session.delete(row)
        return None
    if row.digest != asked.digest:
        raise OtherCall("this key was another call's")
    return Answered(row.status, row.answer, is_replayed=True)


def _take_away(session: Session, now: datetime) -> None:
    over = select(IdempotencyKey).where(col(IdempotencyKey.expires_at) <= now)
    over = over.order_by(col(IdempotencyKey.expires_at)).limit(_AWAY_AT_ONCE)
    for row in session.exec(over.with_for_update(skip_locked=True)).all():
        session.delete(row)
    session.flush()
