"""The ledger of enables: an intent is committed before each request leaves, and its end after (design, step 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, and_, col, or_, select

from greenlight.ats.database import Database
from greenlight.ats.pauses import pauses_in_force
from greenlight.ats.rows import Wanted, rows, saw, set_condition
from greenlight.ats.tables import Attempt, Customer, Integration
from greenlight.domain.conditions import AttemptOutcome, Condition, Settlement
from greenlight.domain.status import Observation, Status


class AttemptRefused(Exception):
    """No intent may be written: the integration is not known to be REQUESTED, or an attempt is open."""


class CustomerPaused(Exception):
    """No intent may be written: somebody has paused the customer. The text is the pause's words."""


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    id: int
    run_id: str
    settles_at: datetime


class Attempts:
    """Attempts in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_of(self, integration_id: int) -> OpenAttempt | None:
        with self._database.reading() as session:
            row = session.exec(
                select(Attempt).where(Attempt.integration_id == integration_id, col(Attempt.closed_at).is_(None))
            ).one_or_none()
            return OpenAttempt(row.id, row.run_id, row.settles_at) if row is not None and row.id is not None else None

    def begin(
        self,
        wanted: Wanted,
        run_id: str,
        client_id: str,
        now: datetime,
        *,
        settles_at: datetime,
        instead_of: OpenAttempt | None,
        owner: str | None = None,
    ) -> int:
        """Commit the intent to enable, before the request leaves, and return the attempt's id.

        `instead_of` is an earlier open attempt that a look has shown to have had no effect. Raises AttemptRefused if
        the integration is not on record as REQUESTED or another attempt is open: two runs cannot both get here.
        Raises CustomerPaused. With `owner` it is refused as well if that one's lease has ended meanwhile.
        """
        try:
            with self._database.writing() as session:
                row = session.get_one(Integration, wanted.id, with_for_update=True)
                if owner is not None and not _has_lease(session, row.customer_id, owner, now):
                    raise AttemptRefused("the lease on the customer was lost")
                if row.observed != Status.REQUESTED:
                    raise AttemptRefused(f"it is on record as {row.observed}, not as REQUESTED")
                if _answered_since(session, row):
                    raise AttemptRefused("LinkedIn has answered an enable since it was looked at")
                if pause := pauses_in_force(session, [row.customer_id], now).get(row.customer_id):
                    raise CustomerPaused(pause.words())
                if instead_of is not None:
                    replaced = session.get_one(Attempt, instead_of.id)
                    if replaced.closed_at is not None:
                        raise AttemptRefused("another run has settled it")
                    replaced.outcome, replaced.closed_at = AttemptOutcome.NOT_APPLIED, now
                    session.flush()
                attempt = Attempt(
                    integration_id=wanted.id, run_id=run_id, client_id=client_id, opened_at=now, settles_at=settles_at
                )
                session.add(attempt)
                session.flush()
                assert attempt.id is not None  # noqa: S101 - given by the flush
                return attempt.id
        except IntegrityError:
            raise AttemptRefused("another run is enabling it") from None

    def record(
        self,
        wanted: Wanted,
        run_id: str,
        condition: Condition,
        now: datetime,
        *,
        final: bool,
        seen: Observation | None = None,
    ) -> None:
        """Write what is known of an integration that this run is to enable, with the look that showed it, if any."""
        with self._database.writing() as session:
            row = session.get_one(Integration, wanted.id)
            if row.observed_at is not None and row.observed_at > now:
                # Whoever took over a lease that was lost has looked since, and that stands.
                row.done_in_run = run_id if final else row.done_in_run
                return
            self._record(session, wanted, run_id, condition, now, final=final, seen=seen)

    def end(
        self,
        attempt_id: int,
        wanted: Wanted,
        run_id: str,
        settlement: Settlement,
        now: datetime,
        *,
        seen: Observation | None,
        settles_at: datetime,
    ) -> None:
        """Write what an attempt came to: its end, unless it has to stay open, and the condition that follows."""
        with self._database.writing() as session:
            attempt = session.get_one(Attempt, attempt_id, with_for_update=True)
            if attempt.closed_at is not None:
                # Whoever took over a lease that was lost has settled it by a look, and that stands.
                if not settlement.worth_repeating:
                    session.get_one(Integration, wanted.id).done_in_run = run_id
                return
            condition = settlement.condition
            self._record(session, wanted, run_id, condition, now, final=not settlement.worth_repeating, seen=seen)
            attempt = session.get_one(Attempt, attempt_id, populate_existing=True)
            attempt.reason, attempt.detail, attempt.settles_at = condition.reason, condition.detail, settles_at
            if settlement.attempt is not None:
                attempt.outcome, attempt.closed_at = settlement.attempt, now

    def _record(
        self,
        session: Session,
        wanted: Wanted,
        run_id: str,
        condition: Condition,
        now: datetime,
        *,
        final: bool,
        seen: Observation | None,
    ) -> None:
        row = session.get_one(Integration, wanted.id)
        if seen is not None:
            saw(session, row, seen, now)
        set_condition(row, condition, now)
        if final:
            row.done_in_run = run_id

    def still_to_enable(self, ids: Sequence[int], run_id: str) -> list[int]:
        """Those of `ids` that this run planned to enable and is not done with."""
        with self._database.reading() as session:
            return [row.id for row in rows(session, ids) if row.id is not None and row.done_in_run != run_id]

    def enabled_in(self, run_id: str) -> list[int]:
        """Ids of the integrations whose enable LinkedIn confirmed in this run and that verify has not shown since."""
        query = (
            select(Integration.id)
            .join(Attempt, col(Attempt.integration_id) == Integration.id)
            .where(
                Attempt.run_id == run_id,
                Attempt.outcome == AttemptOutcome.CONFIRMED,
                col(Integration.observed) == Status.REQUESTED,
            )
            .order_by(col(Integration.id))
            .distinct()
        )
        with self._database.reading() as session:
            return [id for id in session.exec(query) if id is not None]


def _answered_since(session: Session, row: Integration) -> bool:
    """Whether an enable came to an end after the look that is on record: then that look is used up."""
    ended = select(Attempt.id).where(
        Attempt.integration_id == row.id,
        or_(
            and_(Attempt.outcome == AttemptOutcome.CONFIRMED, col(Attempt.closed_at) >= row.observed_at),
            and_(Attempt.outcome == AttemptOutcome.REFUSED, col(Attempt.closed_at) > row.observed_at),
        ),
    )
    return session.exec(ended).first() is not None


def _has_lease(session: Session, customer_id: str, owner: str, now: datetime) -> bool:
    held = select(Customer.customer_id).where(
        Customer.customer_id == customer_id, Customer.locked_by == owner, col(Customer.locked_until) > now
    )
    return session.exec(held).first() is not None
