"""Warrants: on whose word an integration may be enabled."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, Table, case, literal
from sqlmodel import Session, and_, col, or_, select, update

from greenlight.ats.bulk import insert_rows
from greenlight.ats.columns import UtcDateTime, fitting
from greenlight.ats.database import Database
from greenlight.ats.ledger import Warrant, Word
from greenlight.ats.rows import parameter_batches
from greenlight.ats.tables import Integration
from greenlight.ats.waiting import units

_WARRANTS: Table = Warrant.__dict__["__table__"]


@units
class Warrants:
    """The warrants of the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def person_names(self, customers: Sequence[str], run_id: str, now: datetime) -> None:
        """Put on record that a person named these customers for this run, and for no other."""

        def write(session: Session, some: Sequence[str]) -> None:
            query = select(Integration.id).where(col(Integration.customer_id).in_(some))
            ids = [id for id in session.exec(query.order_by(col(Integration.id))) if id is not None]
            give(session, ids, Word.PERSON, now, by=f"run {run_id}", run_id=run_id)

        self._database.write_in_parts(write, parameter_batches(customers))


def give(
    session: Session, ids: Sequence[int], word: Word, now: datetime, *, by: str | None, run_id: str | None = None
) -> None:
    """Put somebody's word on record; one of the same kind that is not used up is given anew."""
    for some in parameter_batches(list(dict.fromkeys(ids))):
        query = (
            select(Warrant.id, Warrant.integration_id)
            .join(Integration, col(Integration.id) == Warrant.integration_id)
            .where(col(Warrant.integration_id).in_(some), Warrant.word == word, is_live(run_id))
            .where(Warrant.run_id == run_id)
            .order_by(col(Warrant.integration_id))
        )
        # Of two live ones the last.
        live = {integration_id: id for id, integration_id in session.exec(query)}
        later = case((col(Warrant.given_at) < now, literal(now, UtcDateTime)), else_=col(Warrant.given_at))
        anew = update(Warrant).where(col(Warrant.id).in_(live.values())).values(given_at=later, given_by=_fit(by))
        if live:
            session.execute(anew.execution_options(synchronize_session=False))
        new = {"word": word, "given_by": _fit(by), "given_at": now, "run_id": run_id}
        insert_rows(session, _WARRANTS, [{"integration_id": id, **new} for id in some if id not in live])


def _fit(by: str | None) -> str | None:
    return fitting(_WARRANTS, "given_by", by)


def is_live(run_id: str | None) -> ColumnElement[bool]:
    """Whether a warrant of this integration is good for this run: not used up, and not bound to another run."""
    effect_at = col(Integration.effect_at)
    return and_(
        col(Warrant.integration_id) == col(Integration.id),
        or_(effect_at.is_(None), col(Warrant.given_at) > effect_at),
        or_(col(Warrant.run_id).is_(None), col(Warrant.run_id) == run_id),
    )


def newest_live(run_id: str) -> ScalarSelect[int]:
    """The id of the newest warrant that is good for this run, for each integration of the query around it."""
    newest = select(Warrant.id).where(is_live(run_id)).order_by(col(Warrant.given_at).desc(), col(Warrant.id).desc())
    return newest.limit(1).correlate(Integration).scalar_subquery()
