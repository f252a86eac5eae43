"""Warrants: on whose word an integration may be enabled."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, Table, bindparam, case
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


class Given(NamedTuple):
    """That somebody gave their word for an integration, and when."""

    integration_id: int
    at: datetime
    by: str | None


def give(
    session: Session, ids: Sequence[int], word: Word, now: datetime, *, by: str | None, run_id: str | None = None
) -> None:
    """Put somebody's word on record; one of the same kind that is not used up is given anew."""
    give_each(session, [Given(id, now, by) for id in ids], word, run_id=run_id)


def give_each(session: Session, given: Sequence[Given], word: Word, *, run_id: str | None = None) -> None:
    """As `give`, each at a time and by somebody of its own; of two for the same integration the later counts."""
    newest = {each.integration_id: each for each in sorted(given, key=lambda each: each.at)}
    for some in parameter_batches(list(newest.values())):
        query = (
            select(Warrant.id, Warrant.integration_id)
            .join(Integration, col(Integration.id) == Warrant.integration_id)
            .where(col(Warrant.integration_id).in_([each.integration_id for each in some]))
            .where(Warrant.word == word, is_live(run_id), Warrant.run_id == run_id)
            .order_by(col(Warrant.integration_id))
        )
        # Of two live ones the last.
        live = {integration_id: id for id, integration_id in session.exec(query)}
        given_at, at = _WARRANTS.c.given_at, bindparam("at", type_=UtcDateTime())
        later = case((given_at < at, at), else_=given_at)
        anew = update(_WARRANTS).where(_WARRANTS.c.id == bindparam("live"))
        again = [
            {"live": live[each.integration_id], "at": each.at, "by": _fit(each.by)}
            for each in some
            if each.integration_id in live
        ]
        if again:
            session.connection().execute(anew.values(given_at=later, given_by=bindparam("by")), again)
        new = [
            {"integration_id": each.integration_id, "given_by": _fit(each.by), "given_at": each.at}
            for each in some
            if each.integration_id not in live
        ]
        insert_rows(session, _WARRANTS, [{**row, "word": word, "run_id": run_id} for row in new])


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
