"""Rotations of child applications' secrets: who can have one, and the intent, committed before the request leaves.

The intent names the secret that was held by a short digest, so that whoever comes after a killed run can tell whether
the block holds a newer one. It stands in the customer's provisioning row until the rotation is known to be over.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from greenlight.ats.database import Database
from greenlight.ats.present import present
from greenlight.ats.rows import parameter_batches
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import ChildApplication, Customer, Provisioning
from greenlight.ats.waiting import units
from greenlight.domain.provisioning import Provision
from greenlight.errors import RefusedByRule

_MARK = re.compile(r"secret before it: ([0-9a-f]{12}|none)$")
#: Characters that the column holds.
_LONGEST_DETAIL = 300


class NotRotatable(RefusedByRule):
    """Customers were named whose secrets cannot be rotated from here. The text names them and says what to do."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A rotation that is on record now.

    `before` is the digest of the secret that was held when it was first begun; `earlier` says that this was in a try
    whose end is not known. `done`: this run has completed it already.
    """

    before: str
    earlier: bool
    done: bool


@units
class Rotations:
    """Rotations in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def select(self, named: Sequence[str]) -> list[str]:
        """The customers named, or, if none is, all whose application provisioning made.

        Raises UnknownCustomer, and NotRotatable where one named has no such application.
        """
        query = select(Customer.customer_id, ChildApplication).join(
            ChildApplication, col(ChildApplication.customer_id) == Customer.customer_id, isouter=True
        )
        with self._database.reading() as session:
            if not named:
                ours = query.where(
                    col(ChildApplication.application_urn).is_not(None), col(Customer.forgotten_at).is_(None)
                )
                return [
                    id for id, _ in session.exec(ours.order_by(col(Customer.created_at), col(Customer.customer_id)))
                ]
            held = {
                id: application
                for some in parameter_batches(named)
                for id, application in session.exec(query.where(col(Customer.customer_id).in_(some)))
            }
        wanted = list(dict.fromkeys(named))
        if missing := sorted(set(wanted) - held.keys()):
            raise UnknownCustomer(f"no customer {', '.join(map(repr, missing))} in the ATS database")
        if without := [id for id in wanted if held[id] is None]:
            raise NotRotatable(f"{_listed(without)} has no child application yet: `greenlight provision` makes one")
        if imported := [id for id in wanted if held[id].application_urn is None]:
            raise NotRotatable(
                f"{_listed(imported)} has an application that was imported, whose secret only LinkedIn's developer "
                "portal can change: import the new keys"
            )
        return wanted

    def begin(self, customer_id: str, run_id: str, held: str, now: datetime, *, anew: bool = False) -> Begun:
        """Commit that this run rotates the customer's secret, whose digest is `held`.

        An earlier try's mark stays until its end is known, or until it is begun `anew`. Raises CustomerForgotten.
        """
        begun: Begun | None = None

        def act(session: Session) -> Begun:
            nonlocal begun
            present(session, customer_id)
            row = session.get(Provisioning, customer_id)
            if begun is not None and row is not None and (row.run_id, row.detail) == (run_id, _mark_of(begun)):
                # An earlier try was committed, and the answer to that lost: it is not another's that is in doubt.
                return begun
            if row is None:
                row = Provisioning(customer_id=customer_id, unique_foreign_id=customer_id, begun_at=now, run_id=run_id)
                session.add(row)
            if row.run_id == run_id and row.outcome == Provision.UPDATED:
                return Begun(held, earlier=False, done=True)
            found = _MARK.search(row.detail or "")
            before = found[1] if found is not None and not anew else held
            row.run_id, row.outcome, row.reason = run_id, None, None
            begun = Begun(before, earlier=found is not None and not anew, done=False)
            row.detail = _mark_of(begun)
            return begun

        return self._database.write(act)


def with_mark_of(before: str | None, detail: str | None) -> str | None:
    """The detail with the mark that the one before it has, of a rotation whose end is not known."""
    found = _MARK.search(before or "")
    return detail if found is None or _MARK.search(detail or "") else marked(detail, found[1])


def _mark_of(begun: Begun) -> str:
    return marked("a rotation was begun", begun.before)


def marked(detail: str | None, before: str) -> str:
    """A detail that keeps the mark of a rotation whose end is not known."""
    mark = f"secret before it: {before}"
    return f"{(detail or 'not over yet')[: _LONGEST_DETAIL - len(mark) - 2]}; {mark}"


def _listed(customers: Sequence[str]) -> str:
    more = f" and {len(customers) - 5} more" if len(customers) > 5 else ""
    return ", ".join(map(repr, customers[:5])) + more
