"""A chunk of integrations, read in one statement for each table and written in one for each kind of change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Table, and_, select
from sqlalchemy.exc import NoResultFound
from sqlmodel import Session

from greenlight.ats.bulk import update_rows
from greenlight.ats.columns import fitting
from greenlight.ats.ledger import Attempt
from greenlight.ats.rows import parameter_batches
from greenlight.ats.states import AttemptState, IntegrationState
from greenlight.ats.tables import ChildApplication, Integration

_State = TypeVar("_State", IntegrationState, AttemptState)
_INTEGRATIONS: Table = Integration.__dict__["__table__"]
_ATTEMPTS: Table = Attempt.__dict__["__table__"]
_APPLICATIONS: Table = ChildApplication.__dict__["__table__"]


class Chunk:
    """These integrations, kept from others until the transaction ends; what is changed about them `write` writes.

    They are taken in the order of their ids, as everybody takes them: two who want the same ones cannot deadlock.
    With `evidence` it has their open attempts and the customers' applications as well. Raises NoResultFound where one
    does not exist.
    """

    def __init__(self, session: Session, ids: Iterable[int], *, evidence: bool) -> None:
        self._session = session
        self._rows = _Kept(_INTEGRATIONS, IntegrationState)
        self._attempts = _Kept(_ATTEMPTS, AttemptState)
        self._client_ids: dict[str, str] = {}
        self._open: dict[int, AttemptState] = {}
        wanted = sorted(set(ids))
        for some in parameter_batches(wanted):
            self._rows.read(session, _INTEGRATIONS.c.id.in_(some))
        self.rows = {row.id: row for row in self._rows.states()}
        if missing := set(wanted) - self.rows.keys():
            raise NoResultFound(f"no integration {min(missing)} in the ATS database")
        if evidence:
            # In statements of their own: whoever was waited for may have changed them.
            self._read_evidence(wanted)

    def _read_evidence(self, ids: Sequence[int]) -> None:
        for some in parameter_batches(ids):
            is_open = _ATTEMPTS.c.closed_at.is_(None)
            self._attempts.read(self._session, and_(_ATTEMPTS.c.integration_id.in_(some), is_open))
        self._open = {attempt.integration_id: attempt for attempt in self._attempts.states()}
        for some in parameter_batches(sorted({row.customer_id for row in self.rows.values()})):
            theirs = select(_APPLICATIONS.c.customer_id, _APPLICATIONS.c.client_id)
            theirs = theirs.where(_APPLICATIONS.c.customer_id.in_(some))
            self._client_ids |= dict(self._session.execute(theirs).tuples().all())

    def open_attempt(self, id: int) -> AttemptState | None:
        """The attempt of this integration that is open still."""
        attempt = self._open.get(id)
        return attempt if attempt is not None and attempt.closed_at is None else None

    def is_the_customers_own(self, row: IntegrationState, client_id: str | None) -> bool:
        """Whether what was seen under this application is evidence: one that was replaced meanwhile is another's."""
        own = self._client_ids.get(row.customer_id)
        return client_id is None or own is None or own == client_id

    def write(self) -> None:
        """Write what differs from what was read."""
        self._rows.write(self._session)
        self._attempts.write(self._session)


class _Kept(Generic[_State]):
    """Rows of one table as they were read, and as they are to be."""

    def __init__(self, table: Table, state: type[_State]) -> None:
        self._table, self._state = table, state
        self._names = [field.name for field in fields(state)]
        self._values = attrgetter(*self._names)
        self._read: list[tuple[Sequence[Any], _State]] = []

    def read(self, session: Session, such: ColumnElement[bool]) -> None:
        columns = [self._table.c[name] for name in self._names]
        query = select(*columns).where(such).order_by(self._table.c.id).with_for_update()
        self._read += [(tuple(row), self._state(*row)) for row in session.execute(query)]

    def states(self) -> Iterator[_State]:
        return (state for _, state in self._read)

    def write(self, session: Session) -> None:
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for before, state in self._read:
            changed = {
                name: fitting(self._table, name, new)
                for name, old, new in zip(self._names, before, self._values(state), strict=True)
                if old != new
            }
            if changed:
                alike.setdefault(tuple(changed), []).append({"id": state.id, **changed})
        # Only what changes is set: every index of a column that is set is written.
        for rows in alike.values():
            update_rows(session, self._table, "id", rows)
