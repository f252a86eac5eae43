"""The gate: the one statement that writes intents, with every guard (docs/architecture.md#the-ledger-and-its-gate).

What it lets through may be sent and nothing else may. Each guard is one entry of GUARDS; the first that says no is why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, insert, literal, or_, select, true, tuple_
from sqlmodel import Session, col

from greenlight.ats.bulk import leaving_out
from greenlight.ats.columns import UtcDateTime
from greenlight.ats.desired_tables import Listing
from greenlight.ats.ledger import Attempt
from greenlight.ats.rows import SKEW, held_by_a_guard, is_wanted
from greenlight.ats.tables import ChildApplication, Customer, Integration, Pause
from greenlight.ats.warrants import newest_live
from greenlight.domain.conditions import AttemptOutcome
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status

#: A look older than this is made again before anything is sent on its ground.
FRESH_FOR = timedelta(minutes=5)

_ATTEMPTS: Table = Attempt.__dict__["__table__"]


@dataclass(frozen=True, slots=True)
class Intents:
    """What is to be enabled: the client id to send with by integration, for which run, and by whose lease.

    Without an `owner` no lease is asked for.
    """

    client_ids: Mapping[int, str]
    run_id: str
    owner: str | None
    now: datetime
    settles_at: datetime


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition on an intent. `held` is the reason code where it holds back what only a person lets go on.

    Where it has none, what is on record was overtaken, and a new look tells more.
    """

    says: str
    allows: Callable[[Intents], ColumnElement[bool]]
    held: Reason | None = None


def _leased(intents: Intents) -> ColumnElement[bool]:
    if intents.owner is None:
        return true()
    return and_(col(Customer.locked_by) == intents.owner, col(Customer.locked_until) > intents.now)


def _of_the_customers_application(intents: Intents) -> ColumnElement[bool]:
    # As pairs, so that the statement is the same however many they are, and compiled once.
    return tuple_(col(Integration.id), col(ChildApplication.client_id)).in_([*intents.client_ids.items()])


def _seen_under_it(intents: Intents) -> ColumnElement[bool]:
    seen_under = col(Integration.observed_client_id)
    return or_(seen_under.is_(None), seen_under == col(ChildApplication.client_id))


def _none_open(intents: Intents) -> ColumnElement[bool]:
    return ~exists().where(_its_attempt(), col(Attempt.closed_at).is_(None))


def _not_answered_since(intents: Intents) -> ColumnElement[bool]:
    seen_at, ended_at = col(Integration.observed_at), col(Attempt.closed_at)
    # A confirmation at the very moment of the look is taken for the later one.
    confirmed = and_(col(Attempt.outcome) == AttemptOutcome.CONFIRMED, ended_at >= seen_at)
    return ~exists().where(_its_attempt(), or_(confirmed, ended_at > seen_at))


def _not_paused(intents: Intents) -> ColumnElement[bool]:
    return ~exists().where(col(Pause.customer_id) == col(Integration.customer_id), col(Pause.until) > intents.now)


def _not_held(intents: Intents) -> ColumnElement[bool]:
    return ~held_by_a_guard()


def _not_dropped(intents: Intents) -> ColumnElement[bool]:
    return or_(col(Integration.listing).is_(None), col(Integration.listing) != Listing.DROPPING)


def _its_attempt() -> ColumnElement[bool]:
    return col(Attempt.integration_id) == col(Integration.id)


GUARDS = (
    Guard("the lease on the customer was lost", _leased),
    Guard("it is not on record as REQUESTED", lambda _: col(Integration.observed) == Status.REQUESTED),
    Guard("no look of the last minutes shows it", lambda i: col(Integration.observed_at) >= i.now - FRESH_FOR),
    Guard("the look that shows it is from the future", lambda i: col(Integration.observed_at) <= i.now + SKEW),
    Guard("the customer has another application now", _of_the_customers_application),
    Guard("it was seen under another application", _seen_under_it),
    Guard("an attempt is open", _none_open),
    Guard("LinkedIn has answered an enable since it was looked at", _not_answered_since),
    Guard("a person has withdrawn it", lambda _: is_wanted(), Reason.WITHDRAWN),
    Guard("the source of what is wanted has dropped it", _not_dropped, Reason.WITHDRAWN),
    Guard("the customer is paused", _not_paused, Reason.PAUSED),
    Guard("a guard holds it", _not_held, Reason.NOT_DONE),
    Guard("nobody whose word counts has asked for it", lambda i: newest_live(i.run_id).is_not(None),
          Reason.WITHOUT_EVIDENCE),
)  # fmt: skip


def open_attempts(session: Session, intents: Intents) -> dict[int, int]:
    """Write the intents that every guard lets through; returns the attempts' ids by integration."""
    picked = _asked_for(
        intents,
        select(
            col(Integration.id),
            literal(intents.run_id),
            col(ChildApplication.client_id),
            newest_live(intents.run_id),
            col(Integration.observed_at),
            literal(intents.now, UtcDateTime),
            literal(intents.settles_at, UtcDateTime),
        ),
    )
    guarded = picked.where(*(guard.allows(intents) for guard in GUARDS)).with_for_update(of=Integration)
    columns = ["integration_id", "run_id", "client_id", "warrant_id", "observed_at", "opened_at", "settles_at"]
    # Of two at the same moment the index lets one in, and the other one's is left out.
    statement = leaving_out(insert(_ATTEMPTS).from_select(columns, guarded))
    written = session.connection().execute(statement.returning(_ATTEMPTS.c.integration_id, _ATTEMPTS.c.id))
    return {row[0]: row[1] for row in written}


def why_not(session: Session, intents: Intents) -> dict[int, Guard | None]:
    """The first guard that says no, by integration; None where none does any more."""
    verdicts = [guard.allows(intents) for guard in GUARDS]
    found: dict[int, Guard | None] = {}
    for id, *allowed in session.execute(_asked_for(intents, select(col(Integration.id), *verdicts))):
        found[id] = next((guard for guard, allows in zip(GUARDS, allowed, strict=True) if not allows), None)
    return found


def _asked_for(intents: Intents, query: Select[Any]) -> Select[Any]:
    return (
        query.select_from(Integration)
        .join(Customer, col(Customer.customer_id) == col(Integration.customer_id))
        .join(ChildApplication, col(ChildApplication.customer_id) == col(Integration.customer_id), isouter=True)
        .where(col(Integration.id).in_(intents.client_ids))
        .order_by(col(Integration.id))
    )
