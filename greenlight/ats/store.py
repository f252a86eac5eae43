"""What a run reads from the ATS database and writes to it, each step in a transaction of its own."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, select

from greenlight.ats.chunk import Chunk
from greenlight.ats.database import Database
from greenlight.ats.looks import CustomerLooks, Look, record
from greenlight.ats.rows import condition, is_between, is_wanted, item, parameter_batches, rejected, set_condition
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.ats.waiting import units
from greenlight.ats.wanted import Wanted, read_integrations, wanted_rows
from greenlight.domain.conditions import Condition
from greenlight.domain.keys import DOCUMENTED_TYPES
from greenlight.domain.plan import Item, Planned
from greenlight.domain.reasons import Reason
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from greenlight.errors import BadInput


class UnknownCustomer(BadInput, remedy="`greenlight status` shows whom there are"):
    """A customer was named that the ATS database does not have."""


class UnknownType(BadInput, remedy="`greenlight status` shows the types that there are"):
    """An integration type was named that neither LinkedIn's documentation nor the ATS database has."""


#: Integrations whose part of a plan is written in one transaction.
ROWS_AT_ONCE = 500


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
        such = is_wanted()
        if unless_looked_for is not None:
            such = and_(such, col(Integration.looked_for).is_distinct_from(unless_looked_for))
        with self._database.reading() as session:
            return wanted_rows(session, ids, such)

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
        self.record_all_looks([CustomerLooks(purpose, list(looks), asked_at, now, unless_since)])

    def record_all_looks(self, together: Sequence[CustomerLooks]) -> list[None]:
        """Write the looks of several customers, each as `record_looks` does."""
        with self._database.writing() as session:
            record(session, together)
        return [None] * len(together)

    def observed(
        self, ids: Sequence[int], since: datetime, insisted: Collection[str] = (), now: datetime | None = None
    ) -> dict[Item, Observation | Condition]:
        """What the looks since then gave: the planner's `observed`. What was not looked at is not in it.

        What LinkedIn confirmed and does not show is that condition, and what was seen for the customers in `insisted`.
        With `now`, what is dated after it was not seen by this run either.
        """
        observed: dict[Item, Observation | Condition] = {}
        with self._database.reading() as session:
            for row in read_integrations(session, ids):
                if row.reason == Reason.CONFIRMED_NOT_SHOWN and row.customer_id not in insisted:
                    observed[item(row)] = condition(row)
                elif is_between(since, row.observed_at, now) and row.observed != Status.UNKNOWN:
                    observed[item(row)] = Observation(Status(row.observed))
                elif is_between(since, row.checked_at, now):
                    observed[item(row)] = condition(row)
        return observed

    def record_plan(
        self,
        planned: Iterable[tuple[int, Planned]],
        now: datetime,
        read: Iterable[Wanted] = (),
        *,
        since: datetime | None = None,
    ) -> None:
        """Write each integration's action and condition as planned, so many at once.

        `read` is what the plan rests on: where another run has found out something else since, that stands. What was
        looked at `since` then, and is on record as planned, is left as it is.
        """
        entries = sorted(planned, key=lambda entry: entry[0])
        known = {entry.id: entry.condition for entry in read}

        def write(session: Session, some: Sequence[tuple[int, Planned]]) -> None:
            chunk = Chunk(session, (id for id, _ in some), evidence=False)
            for id, entry in some:
                row = chunk.rows[id]
                if id in known and condition(row) != known[id]:
                    continue
                looked_at = since is not None and is_between(since, row.checked_at, now)
                if looked_at and row.action == entry.action and condition(row) == entry.condition:
                    continue
                row.action = entry.action
                set_condition(row, entry.condition, now)
            chunk.write()

        self._database.write_in_parts(write, parameter_batches(entries, ROWS_AT_ONCE))


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
