"""What a run reads from the ATS database and writes to it, each step in a transaction of its own."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt
from greenlight.ats.rows import (
    Wanted,
    condition,
    has_open_request,
    holds_on,
    integration_rows,
    is_a_browsers_word,
    is_ahead,
    is_between,
    is_the_customers_own,
    is_wanted,
    item,
    locked,
    parameter_batches,
    record_observation,
    rejected,
    set_condition,
    wanted_row,
)
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.ats.waiting import units
from greenlight.domain.budget import day_ends
from greenlight.domain.conditions import Condition, of_a_browsers_word
from greenlight.domain.keys import DOCUMENTED_TYPES
from greenlight.domain.plan import Item, Planned
from greenlight.domain.reasons import Reason
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from greenlight.domain.tripwires import while_held
from greenlight.errors import BadInput


class UnknownCustomer(BadInput, remedy="`greenlight status` shows whom there are"):
    """A customer was named that the ATS database does not have."""


class UnknownType(BadInput, remedy="`greenlight status` shows the types that there are"):
    """An integration type was named that neither LinkedIn's documentation nor the ATS database has."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at one integration gave. `seen` is None where it failed; `final` if it need not be repeated."""

    id: int
    seen: Observation | None
    condition: Condition | None
    final: bool
    #: The application under which it was made.
    client_id: str | None = None


@units
class Store:
    """The ATS database in the terms of a run. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writer = database.writer

    def select(self, selection: Selection, *, to_ask: bool = False) -> list[int]:
        """Ids of the integrations on record, oldest first. Raises UnknownCustomer or UnknownType.

        What LinkedIn is `to_ask` about is without what was withdrawn, and without what a browser made up: one such key
        has a whole request refused.
        """
        query = select(Integration.id).where(*picked(selection)).order_by(col(Integration.id))
        if to_ask:
            query = query.where(is_wanted(), ~rejected())
        with self._database.reading() as session:
            must_be_known(session, selection)
            return [id for id in session.exec(query) if id is not None]

    def imported_since(self, day: date) -> list[str]:
        """Customers that came with an application of their own on this UTC day or later, oldest first."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        query = (
            select(Customer.customer_id)
            .join(ChildApplication, col(ChildApplication.customer_id) == Customer.customer_id)
            .where(col(ChildApplication.application_urn).is_(None), col(Customer.created_at) >= midnight)
            .order_by(col(Customer.created_at), col(Customer.customer_id))
        )
        with self._database.reading() as session:
            return list(session.exec(query))

    def names(self, customers: Sequence[str]) -> dict[str, str]:
        """What these customers are called, by id."""
        query, found = select(Customer.customer_id, Customer.customer_name), dict[str, str]()
        with self._database.reading() as session:
            for some in parameter_batches(customers):
                found |= dict(session.exec(query.where(col(Customer.customer_id).in_(some))).all())
        return found

    def wanted(self, ids: Sequence[int], *, unless_looked_for: str | None = None) -> list[Wanted]:
        """Those of the integrations with these ids that are wanted still, in that order.

        Without those already looked at for that purpose.
        """
        query = (
            select(Integration, ChildApplication)
            .join(ChildApplication, col(ChildApplication.customer_id) == Integration.customer_id, isouter=True)
            .where(is_wanted())
        )
        found: dict[int, Wanted] = {}
        with self._database.reading() as session:
            for some in parameter_batches(ids):
                for row, application in session.exec(query.where(col(Integration.id).in_(some))):
                    if unless_looked_for is None or row.looked_for != unless_looked_for:
                        wanted = wanted_row(row, application)
                        found[wanted.id] = wanted
        return [found[id] for id in ids if id in found]

    def record_looks(
        self,
        purpose: str,
        looks: Iterable[Look],
        asked_at: datetime,
        now: datetime | None = None,
        *,
        unless_since: datetime | None = None,
    ) -> None:
        """Write what looks gave that were asked for then; one that was overtaken by a newer look changes nothing.

        Where anything was written later than `unless_since`, nothing is: that a look could not be made is no news then.

        Nor does one under an application that the customer has no more. `now` is when this is written, if it is known:
        what a host with a fast clock has seen after it is no evidence, and gives way. A look also ends an open attempt
        that it settles. What is held stays so, whatever it shows.
        """
        made = sorted(looks, key=lambda look: look.id)
        with self._database.writing() as session:
            held = locked(session, (look.id for look in made))
            holds = holds_on(session, [look.id for look in made])
            for look in made:
                row = held[look.id] if look.id in held else session.get_one(Integration, look.id)
                if not is_the_customers_own(session, row, look.client_id):
                    continue
                if unless_since is not None and row.checked_at is not None and row.checked_at > unless_since:
                    continue
                if row.observed_at is None or row.observed_at <= asked_at or is_ahead(row.observed_at, now):
                    seen = look.seen
                    imposed = (
                        record_observation(session, row, seen, asked_at, look.client_id) if seen is not None else None
                    )
                    known = imposed or (while_held(seen, holds.get(look.id)) if seen else None) or look.condition
                    if known is not None and is_a_browsers_word(session, row):
                        known = of_a_browsers_word(known)
                    spent = known is not None and known.reason is Reason.SHARE_SPENT
                    if spent and _is_open(session, row):
                        # What may have landed is looked at once there are requests again.
                        row.look_due_at = day_ends(asked_at)
                    elif spent and not _waits_for_it(row):
                        row.checked_at = asked_at
                    elif known is not None:
                        set_condition(row, known, asked_at)
                if look.final:
                    row.looked_for = purpose

    def observed(
        self, ids: Sequence[int], since: datetime, insisted: Collection[str] = (), now: datetime | None = None
    ) -> dict[Item, Observation | Condition]:
        """What the looks since then gave: the planner's `observed`. What was not looked at is not in it.

        What LinkedIn confirmed and does not show is that condition, and what was seen for the customers in `insisted`.
        With `now`, what is dated after it was not seen by this run either.
        """
        observed: dict[Item, Observation | Condition] = {}
        with self._database.reading() as session:
            for row in integration_rows(session, ids):
                if row.reason == Reason.CONFIRMED_NOT_SHOWN and row.customer_id not in insisted:
                    observed[item(row)] = condition(row)
                elif is_between(since, row.observed_at, now) and row.observed != Status.UNKNOWN:
                    observed[item(row)] = Observation(Status(row.observed))
                elif is_between(since, row.checked_at, now):
                    observed[item(row)] = condition(row)
        return observed

    def record_plan(self, planned: Iterable[tuple[int, Planned]], now: datetime, read: Iterable[Wanted] = ()) -> None:
        """Write each integration's action and condition as planned.

        `read` is what the plan rests on: where another run has found out something else since, that stands.
        """
        entries = sorted(planned, key=lambda entry: entry[0])
        known = {entry.id: entry.condition for entry in read}
        with self._database.writing() as session:
            held = locked(session, (id for id, _ in entries))
            for id, entry in entries:
                row = held[id]
                if id in known and condition(row) != known[id]:
                    continue
                row.action = entry.action
                set_condition(row, entry.condition, now)


def picked(selection: Selection) -> list[ColumnElement[bool]]:
    """Whether the integration of the query is one that somebody named."""
    such = list[ColumnElement[bool]]()
    if selection.customers:
        such.append(col(Integration.customer_id).in_(selection.customers))
    if selection.excluded:
        such.append(col(Integration.customer_id).not_in(selection.excluded))
    if selection.types:
        such.append(col(Integration.integration_type).in_(selection.types))
    return such


def must_be_known(session: Session, selection: Selection) -> None:
    """Raises UnknownCustomer or UnknownType."""
    named = {*selection.customers, *selection.excluded}
    known = session.exec(select(Customer.customer_id).where(col(Customer.customer_id).in_(named)))
    if missing := sorted(named - set(known)):
        raise UnknownCustomer(f"no customer {', '.join(map(repr, missing))} in the ATS database")
    if new := set(selection.types) - set(DOCUMENTED_TYPES):
        wanted = set(session.exec(select(Integration.integration_type).distinct()))
        if missing := sorted(new - wanted):
            known = ", ".join(sorted({*DOCUMENTED_TYPES, *wanted}))
            raise UnknownType(f"no integration type {', '.join(map(repr, missing))}; known are {known}")


def _is_open(session: Session, row: Integration) -> bool:
    """Whether an enable of it is on its way."""
    query = select(Attempt.id).where(Attempt.integration_id == row.id, col(Attempt.closed_at).is_(None))
    return session.exec(query).first() is not None


def _waits_for_it(row: Integration) -> bool:
    """Whether a look that was not made is news. What only a page was open for stays as it was last seen."""
    return has_open_request(row) or row.observed_at is None
