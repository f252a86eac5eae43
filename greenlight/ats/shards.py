"""Shards of a run on record: what is to be done, who is at it, and whether the run that cut them still lasts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import JSON, Column, ColumnElement, Table, delete, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import Field, and_, col, or_, select, update

from greenlight.ats import tables
from greenlight.ats.bulk import insert_rows
from greenlight.ats.columns import UtcDateTime
from greenlight.ats.database import Database
from greenlight.ats.leases import LEASE
from greenlight.ats.tables import Run
from greenlight.ats.waiting import units
from greenlight.domain.budget import Lane
from greenlight.domain.plan import RequestTotals
from greenlight.domain.report import Command
from greenlight.domain.shards import Stage

#: How long a run counts as lasting that does not say so again.
LASTS = 2 * LEASE


class Shard(tables.Table, table=True):
    """One shard of the stage that a run is in; whoever takes it keeps it as long as it says so again and again."""

    __table_args__: ClassVar[Any] = (tables.one_of("stage", Stage),)

    run_id: str = Field(primary_key=True, max_length=36, foreign_key="run.run_id")
    number: int = Field(primary_key=True)
    stage: str = Field(max_length=10)
    integrations: list[int] = Field(sa_column=Column(JSON, nullable=False))
    #: Customers whom a person insists on, for whom what LinkedIn confirmed and does not show is sent once more.
    insisted: list[str] = Field(sa_column=Column(JSON, nullable=False))
    #: The process that has it or has done it.
    taken_by: str | None = Field(default=None, max_length=36)
    taken_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: What helpers sent for it; the run counts its own requests itself.
    token_requests: int = 0
    verify_requests: int = 0
    enable_requests: int = 0
    #: Types of the errors that ended chunks of it in helpers.
    crashes: list[str] = Field(sa_column=Column(JSON, nullable=False))


class Taken(NamedTuple):
    """A shard that somebody has taken, and what others had sent for it before."""

    run_id: str
    number: int
    stage: Stage
    integrations: tuple[int, ...]
    insisted: frozenset[str]
    sent_before: RequestTotals


class Helped(NamedTuple):
    """What others than the run itself did of a stage, and what they sent."""

    shards: int
    sent: RequestTotals
    crashes: list[str]


_SHARDS: Table = Shard.__dict__["__table__"]


@units
class Shards:
    """The shards of the ATS database, for one process. Times are passed in. Not for the event loop."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self.owner = owner

    def cut(
        self, run_id: str, stage: Stage, parts: Sequence[Sequence[int]], insisted: frozenset[str], now: datetime
    ) -> None:
        """Put the shards of a stage on record, in the place of those of the stage before; the run lasts."""
        rows = [
            {
                "run_id": run_id,
                "number": number,
                "stage": stage,
                "integrations": list(part),
                "insisted": sorted(insisted),
                "crashes": [],
            }
            for number, part in enumerate(parts)
        ]
        with self._database.writing() as session:
            # A run that was killed leaves its own behind.
            dead = select(Run.run_id).where(col(Run.shards_until) < now - timedelta(days=1))
            session.execute(delete(_SHARDS).where(or_(_SHARDS.c.run_id == run_id, _SHARDS.c.run_id.in_(dead))))
            insert_rows(session, _SHARDS, rows)
            session.execute(_lasting(run_id, now + LASTS))

    def lasts(self, run_id: str, now: datetime) -> None:
        """Say that the run lasts, for whoever helps it."""
        with self._database.writing() as session:
            session.execute(_lasting(run_id, now + LASTS))

    def over(self, run_id: str) -> None:
        """Nobody is to help this run any more."""
        with self._database.writing() as session:
            session.execute(_lasting(run_id, None))
            session.execute(delete(_SHARDS).where(_SHARDS.c.run_id == run_id))

    def helps(self, run_id: str, now: datetime) -> tuple[Command, Lane] | None:
        """What this run does, and in which lane, if it may be helped now."""
        with self._database.reading() as session:
            run = session.get(Run, run_id)
            if run is None or run.shards_until is None or run.shards_until <= now or run.lane is None:
                return None
            return Command(run.command), Lane(run.lane)

    def take(self, run_id: str, now: datetime) -> Taken | None:
        """Take a shard that nobody is at; None if there is none, or the run does not last."""
        each = aliased(Shard)
        free = or_(col(each.taken_until).is_(None), col(each.taken_until) <= now)
        lasts = exists().where(col(Run.run_id) == run_id, _is_lasting(now))
        one = select(each.number).where(col(each.run_id) == run_id, col(each.done_at).is_(None), free, lasts)
        first = one.order_by(col(each.number)).limit(1).with_for_update(skip_locked=True, of=each).scalar_subquery()
        taken = (
            update(Shard)
            .where(col(Shard.run_id) == run_id, col(Shard.number) == first)
            .values(taken_by=self.owner, taken_until=now + LEASE)
            .returning(Shard)
            .execution_options(synchronize_session=False)
        )
        with self._database.writing() as session:
            row = session.execute(taken).scalar_one_or_none()
            return None if row is None else _taken(row)

    def keep(self, shard: Taken, now: datetime, sent: RequestTotals | None) -> bool:
        """Keep a shard for longer; whether its run lasts. `sent` is what a helper has sent for it so far."""
        with self._database.writing() as session:
            session.execute(self._ours(shard).values(taken_until=now + LEASE, **_counts(shard, sent)))
            return session.scalar(select(Run.run_id).where(Run.run_id == shard.run_id, _is_lasting(now))) is not None

    def done(self, shard: Taken, now: datetime, sent: RequestTotals | None, crashes: Sequence[str]) -> None:
        """Put on record that a shard is done; one that was lost meanwhile stays with whoever has it."""
        with self._database.writing() as session:
            end = {"done_at": now, "crashes": list(crashes), **_counts(shard, sent)}
            session.execute(self._ours(shard).values(**end))

    def give_back(self, shard: Taken) -> None:
        """Let somebody else take a shard that is not done."""
        with self._database.writing() as session:
            session.execute(self._ours(shard).values(taken_until=None))

    def left(self, run_id: str) -> int:
        """How many shards of this run are not done."""
        with self._database.reading() as session:
            query = select(func.count(col(Shard.number))).where(Shard.run_id == run_id, col(Shard.done_at).is_(None))
            return session.exec(query).one()

    def helped(self, run_id: str) -> Helped:
        """What others did of the stage."""
        others, sent, crashes = 0, RequestTotals(), list[str]()
        with self._database.reading() as session:
            for row in session.exec(select(Shard).where(Shard.run_id == run_id)):
                others += row.done_at is not None and row.taken_by != self.owner
                sent = _plus(sent, _sent(row))
                crashes += row.crashes
        return Helped(others, sent, crashes)

    def _ours(self, shard: Taken) -> Any:
        such = and_(_SHARDS.c.run_id == shard.run_id, _SHARDS.c.number == shard.number)
        return update(_SHARDS).where(such, _SHARDS.c.taken_by == self.owner, _SHARDS.c.done_at.is_(None))


def _lasting(run_id: str, until: datetime | None) -> Any:
    run = update(Run).where(col(Run.run_id) == run_id)
    return run.values(shards_until=until).execution_options(synchronize_session=False)


def _is_lasting(now: datetime) -> ColumnElement[bool]:
    return col(Run.shards_until) > now


def _taken(row: Shard) -> Taken:
    ids, insisted = tuple(row.integrations), frozenset(row.insisted)
    return Taken(row.run_id, row.number, Stage(row.stage), ids, insisted, _sent(row))


def _sent(row: Shard) -> RequestTotals:
    return RequestTotals(row.token_requests, row.verify_requests, row.enable_requests)


def _counts(shard: Taken, sent: RequestTotals | None) -> dict[str, int]:
    """Set and not added to, since a unit may be done twice."""
    if sent is None:
        return {}
    total = _plus(shard.sent_before, sent)
    return {"token_requests": total.token, "verify_requests": total.verify, "enable_requests": total.enable}


def _plus(one: RequestTotals, other: RequestTotals) -> RequestTotals:
    return RequestTotals(one.token + other.token, one.verify + other.verify, one.enable + other.enable)
