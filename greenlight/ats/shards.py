"""Shards of a run on record: what is to be done, who is at it, and whether the run that cut them still lasts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple
from uuid import uuid4

from sqlalchemy import JSON, Column, ColumnElement, Table, delete, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, and_, col, or_, select, update

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
from greenlight.errors import RefusedByRule

#: How long a run counts as lasting that does not say so again.
LASTS = 2 * LEASE


class Shard(tables.Table, table=True):
    """One shard of the stage that a run is in; whoever takes it keeps it as long as it says so again and again."""

    __table_args__: ClassVar[Any] = (tables.one_of("stage", Stage),)

    run_id: str = Field(primary_key=True, max_length=36, foreign_key="run.run_id")
    number: int = Field(primary_key=True)
    #: The process that has cut it: Prefect may execute a run twice.
    cut_by: str = Field(max_length=36)
    stage: str = Field(max_length=10)
    integrations: list[int] = Field(sa_column=Column(JSON, nullable=False))
    #: Customers whom a person insists on, for whom what LinkedIn confirmed and does not show is sent once more.
    insisted: list[str] = Field(sa_column=Column(JSON, nullable=False))
    #: The process that has it or has done it.
    taken_by: str | None = Field(default=None, max_length=36)
    #: When it was taken last, by an id: a process may lose a shard and have another by the same number.
    take: str | None = Field(default=None, max_length=36)
    taken_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: Types of the errors that ended chunks of it in helpers.
    crashes: list[str] = Field(sa_column=Column(JSON, nullable=False))


class ShardTake(tables.Table, table=True):
    """What a helper sent for a shard that it took, whoever has it now; the run counts its own requests itself."""

    __tablename__: ClassVar[Any] = "shard_take"

    take: str = Field(primary_key=True, max_length=36)
    run_id: str = Field(max_length=36, foreign_key="run.run_id", index=True)
    cut_by: str = Field(max_length=36)
    token_requests: int = 0
    verify_requests: int = 0
    enable_requests: int = 0


class ShardsReplaced(RefusedByRule, remedy="leave it to that one"):
    """Prefect has executed a run twice, and the other execution has cut its shards anew."""

    def __init__(self) -> None:
        super().__init__("another execution of this run is at its shards")


class Taken(NamedTuple):
    """A shard that somebody has taken. `take` is this taking of it, and no other."""

    run_id: str
    number: int
    stage: Stage
    integrations: tuple[int, ...]
    insisted: frozenset[str]
    take: str


class Lasting(NamedTuple):
    """A run that may be helped: what it does, in which lane, and since when."""

    command: Command
    lane: Lane
    since: datetime


class Helped(NamedTuple):
    """What others than the run itself did of its stage, and what they sent since its first."""

    shards: int
    sent: RequestTotals
    crashes: list[str]


_SHARDS: Table = Shard.__dict__["__table__"]
_TAKES: Table = ShardTake.__dict__["__table__"]


@units
class Shards:
    """The shards of the ATS database, for one process. Times are passed in. Not for the event loop."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self.owner = owner

    def cut(
        self,
        run_id: str,
        stage: Stage,
        parts: Sequence[Sequence[int]],
        insisted: frozenset[str],
        now: datetime,
        *,
        first: bool = True,
    ) -> None:
        """Put the shards of a stage on record, in the place of those of the stage before; the run lasts.

        The `first` ones take the place of another execution's. Raises ShardsReplaced where that happened to ours.
        """
        rows = [
            {
                "run_id": run_id,
                "number": number,
                "cut_by": self.owner,
                "stage": stage,
                "integrations": list(part),
                "insisted": sorted(insisted),
                "crashes": [],
            }
            for number, part in enumerate(parts)
        ]
        with self._database.writing() as session:
            _alone(session, run_id)
            if not first and not session.scalar(select(self._has_some(run_id))):
                raise ShardsReplaced
            # A run that was killed leaves its own behind.
            dead = select(Run.run_id).where(col(Run.shards_until) < now - timedelta(days=1))
            session.execute(delete(_SHARDS).where(or_(_SHARDS.c.run_id == run_id, _SHARDS.c.run_id.in_(dead))))
            others = and_(_TAKES.c.run_id == run_id, _TAKES.c.cut_by != self.owner)
            session.execute(delete(_TAKES).where(or_(others, _TAKES.c.run_id.in_(dead))))
            insert_rows(session, _SHARDS, rows)
            session.execute(_lasting(run_id, now + LASTS))

    def lasts(self, run_id: str, now: datetime) -> None:
        """Say that the run lasts, for whoever helps it, unless its shards are another execution's."""
        with self._database.writing() as session:
            session.execute(_lasting(run_id, now + LASTS).where(self._has_some(run_id)))

    def over(self, run_id: str) -> None:
        """Nobody is to help this run any more, unless its shards are another execution's."""
        with self._database.writing() as session:
            _alone(session, run_id)
            session.execute(_lasting(run_id, None).where(self._has_some(run_id)))
            for table in (_SHARDS, _TAKES):
                session.execute(delete(table).where(table.c.run_id == run_id, table.c.cut_by == self.owner))

    def helps(self, run_id: str, now: datetime) -> Lasting | None:
        """What this run does, if it may be helped now."""
        with self._database.reading() as session:
            run = session.get(Run, run_id)
            if run is None or run.shards_until is None or run.shards_until <= now or run.lane is None:
                return None
            return Lasting(Command(run.command), Lane(run.lane), run.started_at)

    def take(self, run_id: str, now: datetime, *, cut_by: str | None = None) -> Taken | None:
        """Take a shard that nobody is at; None if there is none, or the run does not last."""
        each = aliased(Shard)
        free = or_(col(each.taken_until).is_(None), col(each.taken_until) <= now)
        lasts = exists().where(col(Run.run_id) == run_id, _is_lasting(now))
        one = select(each.number).where(col(each.run_id) == run_id, col(each.done_at).is_(None), free, lasts)
        if cut_by is not None:
            one = one.where(col(each.cut_by) == cut_by)
        with self._database.reading() as session:
            # Whoever has nothing to do asks again and again.
            if session.exec(one.limit(1)).first() is None:
                return None
        first = one.order_by(col(each.number)).limit(1).with_for_update(skip_locked=True, of=each).scalar_subquery()
        taken = (
            update(Shard)
            .where(col(Shard.run_id) == run_id, col(Shard.number) == first)
            .values(taken_by=self.owner, taken_until=now + LEASE, take=str(uuid4()))
            .returning(Shard)
            .execution_options(synchronize_session=False)
        )
        with self._database.writing() as session:
            row = session.execute(taken).scalar_one_or_none()
            if row is None or row.take is None:
                return None
            session.add(ShardTake(take=row.take, run_id=run_id, cut_by=row.cut_by))
            stage, ids, insisted = Stage(row.stage), tuple(row.integrations), frozenset(row.insisted)
            return Taken(run_id, row.number, stage, ids, insisted, row.take)

    def keep(self, shard: Taken, now: datetime, sent: RequestTotals | None) -> bool:
        """Keep a shard for longer; False where it is lost, or its run does not last.

        `sent` is what a helper has sent for it so far. With None it is the run's own, which knows whether it lasts.
        """
        with self._database.writing() as session:
            _count(session, shard, sent)
            kept: Any = session.execute(_ours(shard).values(taken_until=now + LEASE))
            lasts = select(Run.run_id).where(Run.run_id == shard.run_id, _is_lasting(now))
            return kept.rowcount > 0 and (sent is None or session.scalar(lasts) is not None)

    def done(self, shard: Taken, now: datetime, sent: RequestTotals | None, crashes: Sequence[str]) -> bool:
        """Put on record that a shard is done; False where it was lost: it stays with whoever has it."""
        with self._database.writing() as session:
            _count(session, shard, sent)
            done: Any = session.execute(_ours(shard).values(done_at=now, crashes=list(crashes)))
            return done.rowcount > 0

    def give_back(self, shard: Taken, sent: RequestTotals | None) -> None:
        """Let somebody else take a shard that is not done."""
        with self._database.writing() as session:
            _count(session, shard, sent)
            session.execute(_ours(shard).values(taken_until=None, take=None))

    def left(self, run_id: str, cut: int) -> int:
        """How many of so many shards that we cut are not done. Raises ShardsReplaced where they are not there."""
        with self._database.reading() as session:
            query = select(func.count(col(Shard.number)), func.count(col(Shard.done_at)))
            there, done = session.exec(query.where(Shard.run_id == run_id, Shard.cut_by == self.owner)).one()
        # One that somebody has deleted is not done.
        if there != cut:
            raise ShardsReplaced
        return cut - done

    def helped(self, run_id: str) -> Helped:
        """What others did of the stage, and sent since the first."""
        others, crashes = 0, list[str]()
        sums = [func.coalesce(func.sum(_TAKES.c[f"{kind}_requests"]), 0) for kind in ("token", "verify", "enable")]
        with self._database.reading() as session:
            for row in session.exec(select(Shard).where(Shard.run_id == run_id, Shard.cut_by == self.owner)):
                others += row.done_at is not None and row.taken_by != self.owner
                crashes += row.crashes
            ours = and_(_TAKES.c.run_id == run_id, _TAKES.c.cut_by == self.owner)
            token, verify, enable = map(int, session.execute(select(*sums).where(ours)).one())
        return Helped(others, RequestTotals(token, verify, enable), crashes)

    def _has_some(self, run_id: str) -> ColumnElement[bool]:
        return exists().where(_SHARDS.c.run_id == run_id, _SHARDS.c.cut_by == self.owner)


def _alone(session: Session, run_id: str) -> None:
    """Two executions of a run take turns."""
    session.execute(select(Run.run_id).where(Run.run_id == run_id).with_for_update(key_share=True))


def _ours(shard: Taken) -> Any:
    return update(_SHARDS).where(
        _SHARDS.c.run_id == shard.run_id, _SHARDS.c.number == shard.number, _SHARDS.c.take == shard.take
    )


def _count(session: Session, shard: Taken, sent: RequestTotals | None) -> None:
    """Set and not added to, since a unit may be done twice."""
    if sent is not None:
        total = {"token_requests": sent.token, "verify_requests": sent.verify, "enable_requests": sent.enable}
        session.execute(update(_TAKES).where(_TAKES.c.take == shard.take).values(**total))


def _lasting(run_id: str, until: datetime | None) -> Any:
    run = update(Run).where(col(Run.run_id) == run_id)
    return run.values(shards_until=until).execution_options(synchronize_session=False)


def _is_lasting(now: datetime) -> ColumnElement[bool]:
    return col(Run.shards_until) > now
