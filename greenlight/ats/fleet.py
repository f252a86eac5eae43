"""All integrations at once, over time: how many LinkedIn shows in each status, and how old the oldest request is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column
from sqlmodel import Field, col, func, select

from greenlight.ats.columns import UtcDateTime
from greenlight.ats.database import Database
from greenlight.ats.tables import Integration, Table
from greenlight.ats.waiting import units
from greenlight.domain.status import Status


class FleetSnapshot(Table, table=True):
    """How many integrations LinkedIn showed in each status at one time."""

    __tablename__: ClassVar[Any] = "fleet_snapshot"

    taken_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    counts: dict[str, int] = Field(sa_column=Column(JSON, nullable=False))
    oldest_request_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The fleet at one time. `oldest_request_at` is None where nothing is REQUESTED."""

    taken_at: datetime
    counts: dict[Status, int]
    oldest_request_at: datetime | None


@units
class Fleet:
    """Snapshots in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, now: datetime) -> None:
        """Put on record how everything stands now."""
        with self._database.writing() as session:
            counted = session.exec(
                select(Integration.observed, func.count(col(Integration.id))).group_by(Integration.observed)
            )
            counts = Counter(dict(counted.all()))
            since = func.coalesce(Integration.requested_at, Integration.created_at)
            oldest = session.exec(select(func.min(since)).where(Integration.observed == Status.REQUESTED)).one()
            if session.get(FleetSnapshot, now) is None:
                session.add(FleetSnapshot(taken_at=now, counts=dict(counts), oldest_request_at=oldest))

    def history(self, most: int) -> Sequence[Snapshot]:
        """The newest snapshots, oldest first."""
        query = select(FleetSnapshot).order_by(col(FleetSnapshot.taken_at).desc()).limit(most)
        with self._database.reading() as session:
            return [
                Snapshot(row.taken_at, {s: row.counts.get(s, 0) for s in Status}, row.oldest_request_at)
                for row in reversed(session.exec(query).all())
            ]
