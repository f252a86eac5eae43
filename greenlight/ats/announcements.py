"""What enables brought about and nobody has announced yet, whichever run began them and whether or not it lives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, literal_column
from sqlmodel import and_, col, select, update

from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt
from greenlight.ats.rows import item, slices
from greenlight.ats.tables import Integration, Run
from greenlight.ats.waiting import units
from greenlight.domain.conditions import TOOK_EFFECT
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Reason
from greenlight.domain.report import Command
from greenlight.domain.status import Status


@dataclass(frozen=True, slots=True)
class Effect:
    """An enable that took effect: the attempt, the run that made it, and what is known of its integration now."""

    attempt_id: int
    run_id: str
    #: Whether that run was a flow run of Prefect's.
    of_a_flow: bool
    item: Item
    observed: Status
    reason: Reason


def owed() -> ColumnElement[bool]:
    """Whether the attempt of the query took effect and was not announced; an index of the table has the same words."""
    effective = [literal_column(f"'{outcome}'") for outcome in TOOK_EFFECT]
    return and_(col(Attempt.announced_at).is_(None), col(Attempt.outcome).in_(effective))


@units
class Announcements:
    """What is to be announced from the ledger. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next(self, most: int) -> list[Effect]:
        """The first so many that are owed, those that ended first before others."""
        query = (
            select(Attempt.id, Attempt.run_id, Run.command, Integration)
            .join(Integration, col(Integration.id) == col(Attempt.integration_id))
            .join(Run, col(Run.run_id) == col(Attempt.run_id), isouter=True)
            .where(owed())
            .order_by(col(Attempt.closed_at), col(Attempt.id))
            .limit(most)
        )
        with self._database.reading() as session:
            return [
                Effect(
                    id,
                    run_id,
                    command not in (None, Command.REQUEST),
                    item(row),
                    Status(row.observed),
                    Reason(row.reason),
                )
                for id, run_id, command, row in session.exec(query)
                if id is not None
            ]

    def made(self, attempt_ids: Sequence[int], now: datetime) -> int:
        """Mark these as announced; how many nobody had marked before."""
        marked = 0
        with self._database.writing() as session:
            for some in slices(attempt_ids):
                these = update(Attempt).where(col(Attempt.id).in_(some), owed())
                marked += session.exec(these.values(announced_at=now)).rowcount
        return marked
