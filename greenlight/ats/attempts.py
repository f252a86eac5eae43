"""The ledger of enables: an intent is committed before each request leaves, and its end after (design, step 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, and_, col, or_, select

from greenlight.ats.database import Database
from greenlight.ats.pauses import pauses_in_force
from greenlight.ats.rows import SKEW, Wanted, is_ahead, rows, saw, set_condition, slices
from greenlight.ats.tables import Attempt, ChildApplication, Customer, Integration
from greenlight.ats.waiting import units
from greenlight.domain.conditions import AttemptOutcome, Condition, Settlement
from greenlight.domain.status import Observation, Status


class AttemptRefused(Exception):
    """No intent may be written: the integration is not known to be REQUESTED, or an attempt is open."""


class CustomerPaused(Exception):
    """No intent may be written: somebody has paused the customer. The text is the pause's words."""


#: A look older than this is made again before anything is sent on its ground.
FRESH_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    id: int
    run_id: str
    settles_at: datetime
    confirmed: bool


@units
class Attempts:
    """Attempts in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_of(self, integration_id: int) -> OpenAttempt | None:
        with self._database.reading() as session:
            row = session.exec(
                select(Attempt).where(Attempt.integration_id == integration_id, col(Attempt.closed_at).is_(None))
            ).one_or_none()
            if row is None or row.id is None:
                return None
            return OpenAttempt(row.id, row.run_id, row.settles_at, row.confirmed_at is not None)

    def begin(
        self,
        wanted: Wanted,
        run_id: str,
        client_id: str,
        now: datetime,
        *,
        settles_at: datetime,
        owner: str | None = None,
    ) -> int:
        """Commit the intent to enable, before the request leaves, and return the attempt's id.

        Raises AttemptRefused if the integration is not on record as REQUESTED by a fresh look under the application
        that is the customer's now, or another attempt is open: two runs cannot both get here. Raises CustomerPaused.
        With `owner` it is refused as well if that one's lease has ended meanwhile.
        """
        try:
            with self._database.writing() as session:
                row = session.get_one(Integration, wanted.id, with_for_update=True)
                if owner is not None and not _has_lease(session, row.customer_id, owner, now):
                    raise AttemptRefused("the lease on the customer was lost")
                if row.observed != Status.REQUESTED:
                    raise AttemptRefused(f"it is on record as {row.observed}, not as REQUESTED")
                if row.observed_at is None or not now - FRESH_FOR <= row.observed_at <= now + SKEW:
                    raise AttemptRefused("no look of the last minutes shows it")
                if not _is_application_of(session, row, client_id):
                    raise AttemptRefused("it was seen under another application than the customer has now")
                if _answered_since(session, row):
                    raise AttemptRefused("LinkedIn has answered an enable since it was looked at")
                if pause := pauses_in_force(session, [row.customer_id], now).get(row.customer_id):
                    raise CustomerPaused(pause.words())
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
        insist: bool = False,
        written_at: datetime | None = None,
    ) -> None:
        """Write what is known of an integration that this run is to enable, with the look that showed it, if any.

        An attempt that stays open imposes its own condition; `insist` see `greenlight.ats.rows.saw`. `written_at` is
        the time now, where `now` is when the look was asked for: see `Store.record_looks`.
        """
        with self._database.writing() as session:
            row = session.get_one(Integration, wanted.id, with_for_update=True)
            if row.observed_at is not None and row.observed_at > now and not is_ahead(row.observed_at, written_at):
                # Whoever took over a lease that was lost has looked since, and that stands.
                row.done_in_run = run_id if final else row.done_in_run
                return
            imposed = saw(session, row, seen, now, wanted.client_id, insist=insist) if seen is not None else None
            set_condition(row, imposed or condition, now)
            if final:
                row.done_in_run = run_id

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
        """Write what an attempt came to: its end, unless it has to stay open, and the condition that follows.

        `seen` is what a look showed that was asked for after the answer, at `now`.
        """
        with self._database.writing() as session:
            # The integration first, as everybody takes them.
            row = session.get_one(Integration, wanted.id, with_for_update=True)
            attempt = session.get_one(Attempt, attempt_id, with_for_update=True)
            if attempt.closed_at is not None:
                # Whoever took over a lease that was lost has settled it by a look, and that stands.
                if not settlement.worth_repeating:
                    row.done_in_run = run_id
                return
            condition = settlement.condition
            attempt.reason, attempt.detail, attempt.settles_at = condition.reason, condition.detail, settles_at
            if settlement.confirmed:
                attempt.confirmed_at = now
            if settlement.attempt is not None:
                attempt.outcome, attempt.closed_at = settlement.attempt, now
            session.flush()
            if seen is not None:
                saw(session, row, seen, now, wanted.client_id)
            set_condition(row, condition, now)
            if not settlement.worth_repeating and not settlement.pending:
                row.done_in_run = run_id

    def still_to_enable(self, ids: Sequence[int], run_id: str) -> list[int]:
        """Those of `ids` that this run planned to enable and is not done with."""
        with self._database.reading() as session:
            return [row.id for row in rows(session, ids) if row.id is not None and row.done_in_run != run_id]

    def not_shown_in(self, run_id: str) -> list[int]:
        """Ids of the integrations whose enable LinkedIn confirmed in this run and that no look has shown yet."""
        query = (
            select(Attempt.integration_id)
            .where(Attempt.run_id == run_id, col(Attempt.confirmed_at).is_not(None), col(Attempt.closed_at).is_(None))
            .order_by(col(Attempt.integration_id))
        )
        with self._database.reading() as session:
            return list(session.exec(query))

    def in_doubt(self, ids: Sequence[int]) -> dict[int, datetime]:
        """Those of `ids` with an open attempt that LinkedIn has not confirmed, and when each has settled."""
        found: dict[int, datetime] = {}
        with self._database.reading() as session:
            for some in slices(ids):
                query = select(Attempt.integration_id, Attempt.settles_at).where(
                    col(Attempt.integration_id).in_(some),
                    col(Attempt.closed_at).is_(None),
                    col(Attempt.confirmed_at).is_(None),
                )
                found |= dict(session.exec(query).all())
        return found


def _is_application_of(session: Session, row: Integration, client_id: str) -> bool:
    """Whether this is the customer's application now and the one under which the integration was looked at."""
    held = session.exec(
        select(ChildApplication.client_id).where(ChildApplication.customer_id == row.customer_id)
    ).one_or_none()
    return held == client_id and row.observed_client_id in (None, client_id)


def _answered_since(session: Session, row: Integration) -> bool:
    """Whether an enable came to an end after the look that is on record: then that look is used up."""
    ended = select(Attempt.id).where(
        Attempt.integration_id == row.id,
        or_(
            and_(Attempt.outcome == AttemptOutcome.CONFIRMED, col(Attempt.closed_at) >= row.observed_at),
            col(Attempt.closed_at) > row.observed_at,
        ),
    )
    return session.exec(ended).first() is not None


def _has_lease(session: Session, customer_id: str, owner: str, now: datetime) -> bool:
    held = select(Customer.customer_id).where(
        Customer.customer_id == customer_id, Customer.locked_by == owner, col(Customer.locked_until) > now
    )
    return session.exec(held).first() is not None
