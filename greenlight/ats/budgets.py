"""The day's requests, counted before they are sent, by application and lane (docs/safety.md#the-days-requests)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import Table, bindparam, func, select, tuple_, update
from sqlmodel import Session

from greenlight.ats.bulk import insert_rows
from greenlight.ats.database import Database
from greenlight.ats.rows import parameter_batches
from greenlight.ats.tables import RequestDay
from greenlight.ats.waiting import Turn, in_turn, reads, units
from greenlight.domain.budget import (
    AFTER_A_LOOK,
    PARENT,
    Lane,
    Scope,
    SpentToday,
    ceiling,
    lesson,
    limit_next_day,
    limit_today,
    share,
)
from greenlight.domain.reasons import Reason

#: An application and one of its days.
_Name = tuple[str, date]
_AnyDay = TypeVar("_AnyDay", "_Day", "_Day | None")
_DAYS: Table = RequestDay.__dict__["__table__"]


@dataclass(slots=True)
class _Day:
    """What a day's row says of one application; its fields are columns."""

    application: str
    day: date
    realtime: int = 0
    operator: int = 0
    nightly: int = 0
    backfill: int = 0
    learned_limit: int | None = None
    parked_until: datetime | None = None


class No(NamedTuple):
    """Why a request may not be sent, and in words until when."""

    reason: Reason
    says: str


class Share(NamedTuple):
    """Whose share of a limit that is for all a request is of, and how much of it is to be left after that."""

    client_id: str
    leave: int = 0


class Ask(NamedTuple):
    """One request that is to be sent at that time: see `Budgets.take`."""

    application: str
    lane: Lane
    now: datetime
    leave: int = 0
    of: Share | None = None


@dataclass(slots=True, eq=False)
class Unsent:
    """A request that was counted and never left. Given back at most once: too few counted is too many sent."""

    ask: Ask
    given_back: bool = False


@units
class Budgets:
    """Request budgets of `configured` a day. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database, configured: int) -> None:
        self._database = database
        self.writer = database.writer
        self._configured = configured

    def take(
        self, application: str, lane: Lane, now: datetime, *, leave: int = 0, of: Share | None = None
    ) -> No | None:
        """Count one request before it is sent; None if it may be, else why not.

        With `leave` it may only be sent if that many more could be afterwards, and with a share `of` the limit only
        within that, where it is counted as well. Where the answer to the commit is lost it may count one too many.
        """
        return self.take_all([Ask(application, lane, now, leave, of)])[0]

    @in_turn(Turn.COUNT)
    def take_all(self, asked: Sequence[Ask]) -> list[No | None]:
        """Count these requests one after the other, each as `take` does."""

        def count(session: Session) -> list[No | None]:
            # The limits' rows are locked until the commit, so that nobody counts in a share of one meanwhile.
            rows = self._rows(session, _named(asked))
            answers: list[No | None] = []
            counts: dict[Lane, Counter[_Name]] = {}
            for ask in asked:
                row, own = rows[ask.application, _day(ask.now)], _own(rows, ask)
                no = self._no(row, ask.lane, ask.now, ask.leave) or self._no_share(row, own, ask.of)
                if no is None:
                    for counted in filter(None, (row, own)):
                        setattr(counted, ask.lane, getattr(counted, ask.lane) + 1)
                        counts.setdefault(ask.lane, Counter())[counted.application, counted.day] += 1
                answers.append(no)
            for lane, each in counts.items():
                _count(session, lane, each)
            return answers

        return self._database.write(count)

    @in_turn(Turn.COUNT)
    def give_back_all(self, unsent: Sequence[Unsent]) -> list[None]:
        """Count these no more."""
        left, counts = [each for each in unsent if not each.given_back], dict[Lane, Counter[_Name]]()
        for ask in (each.ask for each in left):
            for name in (ask.application, *((ask.of.client_id,) if ask.of is not None else ())):
                counts.setdefault(ask.lane, Counter())[name, _day(ask.now)] -= 1
        with self._database.writing() as session:
            _on_record(session, _named([each.ask for each in left]), lock=True)
            for lane, each in counts.items():
                _count(session, lane, each)
            for each in left:
                each.given_back = True  # the commit may come through without its answer
        return [None] * len(unsent)

    @reads
    def refusals(self, asked: Sequence[Ask]) -> list[No | None]:
        """What `take` would answer to each of these now, counting nothing."""
        with self._database.reading() as session:
            named = _named(asked)
            rows: dict[_Name, _Day | None] = {**dict.fromkeys(named), **_on_record(session, named, lock=False)}
            answers: list[No | None] = []
            for ask in asked:
                row, own = rows[ask.application, _day(ask.now)], _own(rows, ask)
                no = self._no(row, ask.lane, ask.now, ask.leave) if row is not None else None
                answers.append(no or (self._no_share(row, own, ask.of) if row is not None else None))
            return answers

    def _no(self, row: _Day, lane: Lane, now: datetime, leave: int) -> No | None:
        if row.parked_until is not None and now < row.parked_until:
            until = f"{row.parked_until:%Y-%m-%d %H:%M:%SZ}"
            return No(Reason.THROTTLED, f"LinkedIn refused it with 429; nothing is sent until {until}")
        limit = limit_today(self._configured, row.learned_limit)
        if _spent(row) + 1 + leave > ceiling(limit, lane):
            spent = f"{_spent(row)} of the day's {limit} requests are spent, and the rest is kept for others"
            return No(Reason.THROTTLED, spent)
        return None

    def _no_share(self, row: _Day, own: _Day | None, of: Share | None) -> No | None:
        limit = limit_today(self._configured, row.learned_limit)
        if own is None or of is None or own.realtime + 1 + of.leave <= share(limit):
            return None
        return No(Reason.SHARE_SPENT, f"{own.realtime} requests of {share(limit)}, which is its part of {limit}")

    def left(self, application: str, lane: Lane, now: datetime) -> int:
        """Requests that this lane may still send today."""

        name = application, _day(now)
        with self._database.reading() as session:
            row = _on_record(session, [name], lock=False).get(name) or self._beginning(session, [name])[0]
            if row.parked_until is not None and now < row.parked_until:
                return 0
            return max(0, ceiling(limit_today(self._configured, row.learned_limit), lane) - _spent(row))

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

    @in_turn(Turn.COUNT)
    def answered(self, application: str, now: datetime) -> None:
        """LinkedIn answers again, so refusals before this were passing ones."""

        def forget(session: Session) -> None:
            self._row(session, application, now).refusals = 0

        self._database.write(forget)

    def today(self, now: datetime) -> list[SpentToday]:
        """What was counted on this UTC day, those that spent most first."""
        with self._database.reading() as session:
            rows = session.scalars(select(RequestDay).where(_DAYS.c.day == _day(now))).all()
            found = [
                SpentToday(
                    row.application,
                    _spent(row),
                    {lane: getattr(row, lane) for lane in Lane},
                    limit_today(self._configured, row.learned_limit),
                    row.parked_until if row.parked_until is not None and now < row.parked_until else None,
                )
                for row in rows
                # What was given back was never sent.
                if _spent(row) or row.parked_until is not None
            ]
        return sorted(found, key=lambda each: (-each.spent, each.application))

    def at_their_share(self, now: datetime, scope: Scope) -> list[str]:
        """Applications whose customers' clicks are left for the night, by name."""
        today = {each.application: each for each in self.today(now)}
        if scope is Scope.CHILD or PARENT not in today:
            return []
        part = share(today.pop(PARENT).limit)
        return sorted(name for name, each in today.items() if each.by_lane[Lane.REALTIME] + 1 + AFTER_A_LOOK > part)

    def _row(self, session: Session, application: str, now: datetime) -> RequestDay:
        name = application, _day(now)
        self._rows(session, [name])
        return session.get_one(RequestDay, name)

    def _rows(self, session: Session, named: Sequence[_Name]) -> dict[_Name, _Day]:
        """These rows, kept from others; one that is not there yet begins with what the last one learned."""
        rows = _on_record(session, named, lock=True)
        if missing := [name for name in named if name not in rows]:
            begun = self._beginning(session, missing)
            insert_rows(session, _DAYS, [{**asdict(day), "refusals": 0} for day in begun])
            rows |= {(day.application, day.day): day for day in begun}
        return rows

    def _beginning(self, session: Session, missing: Sequence[_Name]) -> list[_Day]:
        last: dict[str, int | None] = {}
        of, day = _DAYS.c.application, _DAYS.c.day
        for some in parameter_batches([application for application, _ in missing]):
            earlier = day < max(day for _, day in missing)
            newest = select(of, func.max(day)).where(of.in_(some), earlier).group_by(of)
            learned = select(of, _DAYS.c.learned_limit).where(tuple_(of, day).in_(newest))
            last |= dict(session.execute(learned).tuples().all())
        return [
            _Day(application, day, learned_limit=limit_next_day(self._configured, last[application]))
            if application in last
            else _Day(application, day)
            for application, day in missing
        ]


def _on_record(session: Session, named: Sequence[_Name], *, lock: bool) -> dict[_Name, _Day]:
    found: dict[_Name, _Day] = {}
    columns = [_DAYS.c[field.name] for field in fields(_Day)]
    for day in sorted({day for _, day in named}):
        for some in parameter_batches([application for application, of in named if of == day]):
            query = select(*columns).where(_DAYS.c.application.in_(some), _DAYS.c.day == day)
            query = query.order_by(_DAYS.c.application)
            for row in session.execute(query.with_for_update() if lock else query):
                found[row.application, day] = _Day(*row)
    return found


def _count(session: Session, lane: Lane, counts: Mapping[_Name, int]) -> None:
    these = update(_DAYS).where(_DAYS.c.application == bindparam("of"), _DAYS.c.day == bindparam("on"))
    more = these.values({lane: _DAYS.c[lane] + bindparam("more")})
    session.connection().execute(more, [{"of": of, "on": on, "more": n} for (of, on), n in counts.items()])


def _named(asked: Sequence[Ask]) -> list[_Name]:
    """The rows in which these are counted, in the order in which everybody takes them."""
    names = {(ask.application, _day(ask.now)) for ask in asked}
    return sorted(names | {(ask.of.client_id, _day(ask.now)) for ask in asked if ask.of is not None})


def _own(rows: Mapping[_Name, _AnyDay], ask: Ask) -> _AnyDay | None:
    return rows[ask.of.client_id, _day(ask.now)] if ask.of is not None else None


def _spent(row: RequestDay | _Day) -> int:
    return sum(getattr(row, lane) for lane in Lane)


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()
