"""Calls of the HTTP API that may be repeated: what was asked under a key, and what came of it.

A key is its API key's own. Only what changed something is kept, for a day, and never a secret: what holds one is kept
as what it can be made from again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from greenlight.ats.api_tables import IdempotencyKey
from greenlight.ats.database import Database
from greenlight.ats.waiting import units
from greenlight.errors import RefusedByRule

#: How long an answer is kept.
KEPT_FOR = timedelta(hours=24)
#: Who has not answered by then has died: no answer takes longer (`portal.connections`).
CLAIMED_FOR = timedelta(seconds=90)
#: Old ones that a call takes away with it.
_AWAY_AT_ONCE = 20


class OtherCall(RefusedByRule):
    """The key was given to another call."""


class UnderWay(RefusedByRule):
    """The same call is being dealt with."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call: its status and what its body is made from."""

    status: int
    answer: dict[str, Any]


@units
class IdempotentCalls:
    """Calls in the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key_id: str, idempotency_key: str, digest: str, claim: str, now: datetime) -> Answered | None:
        """The answer that there is already; None, and the call is ours to make under this claim.

        Raises OtherCall, and UnderWay.
        """

        def act(session: Session) -> Answered | None:
            _take_away(session, key_id, now)
            row = session.get(IdempotencyKey, (key_id, idempotency_key), with_for_update=True)
            if row is not None and row.expires_at <= now:
                session.delete(row)
                session.flush()
                row = None
            if row is None:
                row = IdempotencyKey(
                    key_id=key_id, idempotency_key=idempotency_key, digest=digest, expires_at=now + KEPT_FOR
                )
                session.add(row)
            elif row.digest != digest:
                raise OtherCall("this key was another call's")
            elif row.status is not None:
                return Answered(row.status, row.answer or {})
            elif row.claimed_by != claim and row.claimed_until is not None and row.claimed_until > now:
                raise UnderWay("this call is being dealt with")
            row.claimed_by, row.claimed_until = claim, now + CLAIMED_FOR
            return None

        # Two that come at once both add it: the second sees then what the first has added.
        return self._database.write(act)

    def keep(self, key_id: str, idempotency_key: str, claim: str, kept: Answered) -> None:
        """Write down the answer, if the call is still ours."""
        with self._database.writing() as session:
            row = session.get(IdempotencyKey, (key_id, idempotency_key), with_for_update=True)
            if row is not None and row.claimed_by == claim:
                row.status, row.answer = kept.status, kept.answer
                row.claimed_by = row.claimed_until = None

    def give_up(self, key_id: str, idempotency_key: str, claim: str) -> None:
        """The call changed nothing: whoever repeats it begins anew."""
        with self._database.writing() as session:
            row = session.get(IdempotencyKey, (key_id, idempotency_key), with_for_update=True)
            if row is not None and row.claimed_by == claim:
                session.delete(row)


def _take_away(session: Session, key_id: str, now: datetime) -> None:
    over = select(IdempotencyKey).where(col(IdempotencyKey.key_id) == key_id, col(IdempotencyKey.expires_at) <= now)
    over = over.order_by(col(IdempotencyKey.expires_at)).limit(_AWAY_AT_ONCE)
    for row in session.exec(over.with_for_update(skip_locked=True)).all():
        session.delete(row)
    session.flush()
