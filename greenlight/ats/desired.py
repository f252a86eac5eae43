"""Syncs with a source of what is wanted: its rows are kept, then judged, before anything follows from them.

What is read is put beside the tables that runs work with, so that a source which ends half-way changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Select, Table, delete, literal, tuple_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, exists, func, or_, select

from greenlight.ats.bulk import add_rows
from greenlight.ats.columns import TooLong, fitting
from greenlight.ats.database import Database
from greenlight.ats.desired_tables import DesiredRow, DesiredSync, Listing
from greenlight.ats.plans import PLAN_LIFETIME
from greenlight.ats.rows import is_wanted, parameter_batches
from greenlight.ats.tables import ChildApplication, Integration, Run
from greenlight.ats.waiting import units
from greenlight.domain.budget import Lane
from greenlight.domain.desired import SyncOutcome, SyncReport, takes_too_much

_ROWS: Table = DesiredRow.__dict__["__table__"]
_COLUMNS = [column.name for column in _ROWS.columns if not column.primary_key]
#: Rows that are deleted in one transaction.
_AT_ONCE = 2_000
#: How long the rows of a sync that was cut short stay: no sync lasts so long.
_CUT_SHORT = timedelta(days=1)
#: How long a person's word on a sync that was held is good: as long as an approval.
LET_FOR = PLAN_LIFETIME
_KEY = ("customer_id", "integration_context", "integration_type", "tenant_type")


@dataclass(frozen=True, slots=True)
class Judged:
    """What would follow from a sync: integrations that the source has no more, and whether it is too much at once."""

    gone: Sequence[int]
    #: Those of them that are wanted still, and how many customers they are of.
    lost: Sequence[int]
    losing: int
    too_much: bool


@dataclass(frozen=True, slots=True)
class HeldSync:
    """A sync that waits for a person's word."""

    sync_id: str
    source: str
    detail: str
    since: datetime


@units
class Syncs:
    """The syncs of the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, source: str, run_id: str | None, now: datetime) -> str:
        """Put a sync on record, and return its id."""
        sync_id = str(uuid4())

        def write(session: Session) -> None:
            session.add(DesiredSync(sync_id=sync_id, run_id=run_id, source=source, began_at=now))

        self._delete_rows(
            col(DesiredRow.sync_id).in_(
                select_columns(col(DesiredSync.sync_id)).where(col(DesiredSync.began_at) < now - _CUT_SHORT)
            )
        )
        self._database.write(write)
        return sync_id

    def stage(self, sync_id: str, first: int, rows: Sequence[dict[str, Any]]) -> None:
        """Keep rows and faults of a source, of which so many were kept before."""
        kept = [_fitted(sync_id, number, row) for number, row in enumerate(rows, first)]

        def write(session: Session, some: Sequence[dict[str, Any]]) -> None:
            add_rows(session, _ROWS, some)

        self._database.write_in_parts(write, [kept])

    def judge(self, sync_id: str, now: datetime) -> Judged:
        """Compare what a source has with what it had."""
        with self._database.reading() as session:
            gone = select_columns(col(Integration.id)).where(*_is_gone(sync_id)).order_by(col(Integration.id))
            # What is dropped already, and waits for an enable alone, was judged when it was dropped.
            had = col(Integration.listing) == Listing.LISTED, is_wanted()
            listed = select_columns(func.count(func.distinct(col(Integration.customer_id)))).where(*had)
            rows = select_columns(func.count()).where(col(DesiredRow.sync_id) == sync_id)
            counted = (
                session.execute(listed.where(*_is_gone(sync_id))).scalar_one(),
                session.execute(listed).scalar_one(),
                session.execute(rows).scalar_one(),
            )
            ids = [id for (id,) in session.execute(gone)]
            lost = [id for (id,) in session.execute(gone.where(*had))]
            too_much = takes_too_much(*counted) and not _is_let(session, lost, now)
        return Judged(ids, lost, counted[0], too_much)

    def end(self, sync_id: str, report: SyncReport, judged: Judged, now: datetime) -> SyncReport:
        """Put the end of a sync on record, and return the report with how many rows it is of."""

        def write(session: Session) -> None:
            sync = session.get_one(DesiredSync, sync_id)
            sync.ended_at, sync.outcome, sync.detail = now, report.outcome, report.detail
            sync.rows, sync.customers, sync.losing, sync.changes = report.rows, report.customers, judged.losing, stored
            sync.lost = list(judged.lost) if report.outcome is SyncOutcome.HELD else None

        report.losing = judged.losing
        with self._database.reading() as session:
            good = [col(DesiredRow.sync_id) == sync_id, col(DesiredRow.field).is_(None)]
            counted = select_columns(func.count(), func.count(func.distinct(col(DesiredRow.customer_id)))).where(*good)
            report.rows, report.customers = session.execute(counted).one()
            report.known = report.was_so(_before(session, sync_id))
        stored = report.stored() | {"known": report.known}
        self._database.write(write)
        self._delete_rows(col(DesiredRow.sync_id) == sync_id)
        return report

    def faults(self, sync_id: str) -> list[dict[str, Any]]:
        """What is wrong with the rows, in their order."""
        query = select(DesiredRow).where(col(DesiredRow.sync_id) == sync_id, col(DesiredRow.field).is_not(None))
        with self._database.reading() as session:
            return [
                {"customer_id": row.customer_id, "line": row.line, "field": row.field, "why": row.why}
                for row in session.exec(query.order_by(col(DesiredRow.line), col(DesiredRow.number)))
            ]

    def held(self) -> HeldSync | None:
        """The last sync, if it waits for a person's word."""
        with self._database.reading() as session:
            sync = _last(session)
            if sync is None or sync.outcome != SyncOutcome.HELD or sync.let_at is not None:
                return None
            return HeldSync(sync.sync_id, sync.source, sync.detail or "", sync.ended_at or sync.began_at)

    def let(self, by: str, now: datetime) -> HeldSync | None:
        """Let the source take away what the last sync would have, on a person's word; None where nothing was held."""

        def write(session: Session, sync_id: str) -> None:
            sync = session.get_one(DesiredSync, sync_id)
            sync.let_by, sync.let_at = by, now

        if (held := self.held()) is not None:
            self._database.write(lambda session: write(session, held.sync_id))
        return held

    def contradictions(self, sync_id: str) -> list[dict[str, Any]]:
        """Faults of customers whose rows contradict each other, or the application on record."""
        row, good = DesiredRow, [col(DesiredRow.sync_id) == sync_id, col(DesiredRow.field).is_(None)]
        key, line = [getattr(row, name) for name in _KEY], func.max(col(row.line))
        twice = select_columns(col(row.customer_id), line).where(*good).group_by(*key).having(func.count() > 1)
        names = col(row.customer_name)
        named = select_columns(col(row.customer_id), line).where(*good).group_by(col(row.customer_id))
        others = (
            select_columns(col(row.customer_id), line)
            .join(ChildApplication, col(ChildApplication.customer_id) == col(row.customer_id))
            .where(*good, col(row.client_id) != col(ChildApplication.client_id))
            .group_by(col(row.customer_id))
        )
        found = (
            ("row", "repeats another one: the same customer_id, context, type and tenant", twice),
            (
                "customer_name",
                "differs among the rows of the same customer",
                named.having(func.min(names) != func.max(names)),
            ),
            ("client_id", "is not that of the application on record; bring that in with `greenlight import`", others),
        )
        with self._database.reading() as session:
            return [
                {"customer_id": customer_id, "line": line, "field": field, "why": why}
                for field, why, query in found
                for customer_id, line in session.execute(query)
            ]

    def _delete_rows(self, such: ColumnElement[bool]) -> None:
        def some(session: Session) -> int:
            key = select_columns(col(DesiredRow.sync_id), col(DesiredRow.number))
            these = [tuple(row) for row in session.execute(key.where(such).limit(_AT_ONCE))]
            for each in parameter_batches(these, 250):
                session.execute(delete(DesiredRow).where(tuple_(*key.selected_columns).in_(each)))
            return len(these)

        while self._database.write(some):
            pass


def sync_of(session: Session, run_id: str) -> SyncReport | None:
    """What a run's sync gave; None where it made none, or did not come to its end."""
    ended = _ended().where(col(DesiredSync.run_id) == run_id).order_by(col(DesiredSync.began_at).desc())
    return _report(session.execute(ended.limit(1)).scalars().first())


def is_at_fault(sync_id: str, customer_id: Any) -> ColumnElement[bool]:
    """Whether a row of this customer is bad, so that nothing of it is changed."""
    bad = aliased(DesiredRow)
    return exists().where(col(bad.sync_id) == sync_id, col(bad.customer_id) == customer_id, col(bad.field).is_not(None))


def is_overtaken(session: Session, sync_id: str) -> bool:
    """Whether a sync began after this one: what this one has read is older then."""
    this, other = aliased(DesiredSync), aliased(DesiredSync)
    later = select_columns(literal(1)).where(col(this.sync_id) == sync_id, col(other.began_at) > col(this.began_at))
    return session.execute(later.limit(1)).first() is not None


def same_key(row: Any) -> ColumnElement[bool]:
    """Whether a row is about the integration of the query."""
    return and_(*(getattr(row, name) == getattr(Integration, name) for name in _KEY))


def _is_gone(sync_id: str) -> list[ColumnElement[bool]]:
    """Whether the source had the integration of the query, and has it no more."""
    row, nobodys = aliased(DesiredRow), aliased(DesiredRow)
    # A bad row that does not say whose it is may be anybody's.
    unclear = exists().where(
        col(nobodys.sync_id) == sync_id, col(nobodys.field).is_not(None), col(nobodys.customer_id).is_(None)
    )
    return [
        col(Integration.listing).in_((Listing.LISTED, Listing.DROPPING)),
        ~exists().where(col(row.sync_id) == sync_id, col(row.field).is_(None), same_key(row)),
        ~is_at_fault(sync_id, col(Integration.customer_id)),
        ~unclear,
    ]


def _ended() -> Select[Any]:
    return select(DesiredSync).where(col(DesiredSync.outcome).is_not(None))


def _last(session: Session) -> DesiredSync | None:
    """The last sync that said how much would be gone; one that could not be read, or was cut short, said nothing."""
    said = or_(col(DesiredSync.outcome) == SyncOutcome.APPLIED, col(DesiredSync.outcome) == SyncOutcome.HELD)
    newest = _ended().where(said).order_by(col(DesiredSync.began_at).desc(), col(DesiredSync.sync_id))
    return session.execute(newest.limit(1)).scalars().first()


def _is_let(session: Session, lost: Sequence[int], now: datetime) -> bool:
    """Whether a person let these very ones go since a sync was last carried out whole, and not long ago."""
    sync = _last(session)
    if sync is None or sync.let_at is None or sync.let_at + LET_FOR <= now:
        return False
    return set(lost) <= set(sync.lost or ())


def _before(session: Session, sync_id: str) -> SyncReport | None:
    """The last one of which a scheduled run has told: what a person looked at in between was no alarm."""
    told = select(Run.run_id).where(col(Run.lane) == Lane.NIGHTLY, col(Run.finished_at).is_not(None))
    before = _ended().where(col(DesiredSync.sync_id) != sync_id, col(DesiredSync.run_id).in_(told))
    before = before.order_by(col(DesiredSync.began_at).desc())
    return _report(session.execute(before.limit(1)).scalars().first())


def _report(sync: DesiredSync | None) -> SyncReport | None:
    if sync is None or sync.outcome is None:
        return None
    return SyncReport(
        sync.source,
        SyncOutcome(sync.outcome),
        sync.detail,
        sync.rows,
        sync.customers,
        losing=sync.losing,
        **dict(sync.changes),
    )


def _fitted(sync_id: str, number: int, row: dict[str, Any]) -> dict[str, Any]:
    """A row as its table holds it; what is too long for that is a fault of its customer's."""
    kept = {"sync_id": sync_id, "number": number}
    try:
        return kept | {name: fitting(_ROWS, name, row.get(name)) for name in _COLUMNS}
    except TooLong as error:
        named = {"customer_id": row["customer_id"], "line": row["line"], "field": "row", "why": str(error)}
        return kept | {name: fitting(_ROWS, name, named.get(name)) for name in _COLUMNS}
