"""The outbox: what nobody has been told of yet, whichever run found or brought it about and whether or not it lives.

What a guard has begun to hold, what is ENABLED no more, and what enables brought about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import ColumnElement, literal_column
from sqlmodel import and_, col, select, update

from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt, Hold
from greenlight.ats.rows import item, parameter_batches
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


@dataclass(frozen=True, slots=True)
class NewHold:
    """That a guard has begun to hold some of a customer's integrations, which nobody was told of; the first is said."""

    ids: tuple[int, ...]
    customer_id: str
    reason: Reason
    saw: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Drift:
    """That a look has shown an integration to be ENABLED no more, and why nothing is done about it.

    Or, by its reason, that the source has dropped it and LinkedIn has it ENABLED.
    """

    integration_id: int
    item: Item
    reason: Reason
    since: datetime


class Owed(NamedTuple):
    """Whether anything is owed, of each kind."""

    holds: bool
    drift: bool
    effects: bool


def owed() -> ColumnElement[bool]:
    """Whether the attempt of the query took effect and was not announced; an index of the table has the same words."""
    effective = [literal_column(f"'{outcome}'") for outcome in TOOK_EFFECT]
    return and_(col(Attempt.announced_at).is_(None), col(Attempt.outcome).in_(effective))


def _untold() -> ColumnElement[bool]:
    # An index of the table has the same words.
    return and_(col(Hold.announced_at).is_(None), col(Hold.ended_at).is_(None))


@units
class Announcements:
    """What is to be announced from the ledger. Not for the event loop: call it in a thread.

    Of each kind there is what asks for the first so many that are owed, and what marks them as told.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def kinds(self) -> Owed:
        """Of which kinds anything is owed: of none as a rule."""
        drifted = col(Integration.drifted_at).is_not(None)
        holds, drift, effects = (
            select(table.id).where(such)
            for table, such in ((Hold, _untold()), (Integration, drifted), (Attempt, owed()))
        )
        with self._database.reading() as session:
            return Owed(*session.exec(select(holds.exists(), drift.exists(), effects.exists())).one())

    def effects(self, most: int) -> list[Effect]:
        """Those that ended first before others."""
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

    def effects_told(self, effects: Sequence[Effect], now: datetime) -> int:
        """How many of them nobody had marked before."""
        return self._mark(Attempt, [effect.attempt_id for effect in effects], owed(), now)

    def holds(self, most: int) -> list[NewHold]:
        """Of the first so many, one for each customer and guard: what it sees is often the same for all of theirs."""
        query = (
            select(Hold, Integration.customer_id).join(Integration).where(_untold()).order_by(col(Hold.id)).limit(most)
        )
        with self._database.reading() as session:
            found = session.exec(query).all()
        together: dict[tuple[str, str], list[Hold]] = {}
        for hold, customer in found:
            together.setdefault((customer, hold.reason), []).append(hold)
        return [
            NewHold(tuple(cast(int, hold.id) for hold in holds), customer, Reason(reason), holds[0].saw, holds[0].since)
            for (customer, reason), holds in together.items()
        ]

    def holds_told(self, holds: Sequence[NewHold], now: datetime) -> int:
        """How many of them nobody had marked before; what was held in between is still owed."""
        return self._mark(Hold, sorted(id for hold in holds for id in hold.ids), _untold(), now)

    def _mark(
        self, table: type[Attempt] | type[Hold], ids: Sequence[int], still: ColumnElement[bool], now: datetime
    ) -> int:
        marked = 0
        with self._database.writing() as session:
            for some in parameter_batches(ids):
                these = update(table).where(col(table.id).in_(some), still)
                marked += session.exec(these.values(announced_at=now)).rowcount
        return marked

    def drift(self, most: int) -> list[Drift]:
        """What is ENABLED no more."""
        query = select(Integration).where(col(Integration.drifted_at).is_not(None))
        with self._database.reading() as session:
            return [
                Drift(row.id, item(row), Reason(row.reason), row.drifted_at)
                for row in session.exec(query.order_by(col(Integration.id)).limit(most))
                if row.id is not None and row.drifted_at is not None
            ]

    def drift_told(self, drift: Sequence[Drift], now: datetime) -> int:
        """How many of them nobody had marked before; what has drifted once more in between is owed anew."""
        marked = 0
        with self._database.writing() as session:
            for each in sorted(drift, key=lambda each: each.integration_id):
                this = update(Integration).where(
                    col(Integration.id) == each.integration_id, col(Integration.drifted_at) == each.since
                )
                marked += session.exec(this.values(drifted_at=None)).rowcount
        return marked
