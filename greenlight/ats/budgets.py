"""The day's requests, counted in the ATS database before they are sent, by application and lane (facts, section 5)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlmodel import Session, col, select

from greenlight.ats.database import Database
from greenlight.ats.tables import RequestDay
from greenlight.ats.waiting import units
from greenlight.domain.budget import Lane, ceiling, lesson, limit_next_day, limit_today


@dataclass(frozen=True, slots=True)
class SpentToday:
    """One application's UTC day: requests counted, the limit as far as it is known, and until when it is parked."""

    application: str
    spent: int
    by_lane: dict[Lane, int]
    limit: int
    parked_until: datetime | None


@units
class Budgets:
    """Request budgets of `configured` a day. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database, configured: int) -> None:
        self._database = database
        self._configured = configured

    def take(self, application: str, lane: Lane, now: datetime, *, leave: int = 0) -> str | None:
        """Count one request before it is sent; None if it may be, else why not and until when.

        With `leave` it may only be sent if that many more could be afterwards. Where the answer to the commit is lost
        it may count one too many.
        """

        def count(session: Session) -> str | None:
            row = self._row(session, application, now)
            why = self._refusal(row, lane, now, leave)
            if why is None:
                setattr(row, lane, getattr(row, lane) + 1)
            return why

        return self._database.write(count)

    def refusal(self, application: str, lane: Lane, now: datetime, *, leave: int = 0) -> str | None:
        """What `take` would answer now, counting nothing."""
        with self._database.reading() as session:
            row = session.get(RequestDay, (application, _day(now)))
            return self._refusal(row, lane, now, leave) if row is not None else None

    def _refusal(self, row: RequestDay, lane: Lane, now: datetime, leave: int) -> str | None:
        if row.parked_until is not None and now < row.parked_until:
            return f"LinkedIn refused it with 429; nothing is sent until {row.parked_until:%Y-%m-%d %H:%M:%SZ}"
        limit = limit_today(self._configured, row.learned_limit)
        if _spent(row) + 1 + leave > ceiling(limit, lane):
            return f"{_spent(row)} of the day's {limit} requests are spent, and the rest is kept for others"
        return None

    def left(self, application: str, lane: Lane, now: datetime) -> int:
        """Requests that this lane may still send today."""

        def read(session: Session) -> int:
            row = self._row(session, application, now)
            if row.parked_until is not None and now < row.parked_until:
                return 0
            return max(0, ceiling(limit_today(self._configured, row.learned_limit), lane) - _spent(row))

        return self._database.write(read)

    def refused(self, application: str, retry_after: float | None, now: datetime) -> None:
        """LinkedIn answered 429: parks the application where this is not the first, and learns from it."""
        counted = False

        def learn(session: Session) -> None:
            nonlocal counted
            if counted:
                # The commit may have come through, and a refusal counted twice may park for a whole day.
                return
            row = self._row(session, application, now)
            row.refusals += 1
            taught = lesson(_spent(row), row.refusals, retry_after, now)
            if taught is not None:
                # Those that were under way are answered after the one that parked, and may ask for less.
                row.parked_until = max(row.parked_until or taught.parked_until, taught.parked_until)
                row.learned_limit = taught.learned_limit or row.learned_limit
                row.refusals = 0
            session.flush()
            counted = True

        self._database.write(learn)

    def answered(self, application: str, now: datetime) -> None:
        """LinkedIn answers again, so refusals before this were passing ones."""

        def forget(session: Session) -> None:
            self._row(session, application, now).refusals = 0

        self._database.write(forget)

    def today(self, now: datetime) -> list[SpentToday]:
        """What was counted on this UTC day, those that spent most first."""
        with self._database.reading() as session:
            rows = session.exec(select(RequestDay).where(RequestDay.day == _day(now))).all()
            found = [
                SpentToday(
                    row.application,
                    _spent(row),
                    {lane: getattr(row, lane) for lane in Lane},
                    limit_today(self._configured, row.learned_limit),
                    row.parked_until if row.parked_until is not None and now < row.parked_until else None,
                )
                for row in rows
            ]
        return sorted(found, key=lambda each: (-each.spent, each.application))

    def _row(self, session: Session, application: str, now: datetime) -> RequestDay:
        row = session.get(RequestDay, (application, _day(now)), with_for_update=True)
        if row is None:
            last = session.exec(
                select(RequestDay)
                .where(RequestDay.application == application, col(RequestDay.day) < _day(now))
                .order_by(col(RequestDay.day).desc())
            ).first()
            learned = limit_next_day(self._configured, last.learned_limit) if last is not None else None
            row = RequestDay(application=application, day=_day(now), learned_limit=learned)
            session.add(row)
            session.flush()
        return row


def _spent(row: RequestDay) -> int:
    return sum(getattr(row, lane) for lane in Lane)


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()
