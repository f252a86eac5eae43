"""Between rows and values: how an integration's row is read, and how its condition is written."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, exists, or_, select, update

from greenlight.ats.desired_tables import Listing
from greenlight.ats.ledger import Hold, Warrant, Word
from greenlight.ats.states import AttemptState, IntegrationState
from greenlight.ats.tables import Integration
from greenlight.domain.backoff import Backoff, backoff_after, is_backing_off
from greenlight.domain.conditions import (
    EFFECT,
    NOT_LOOKED_AT,
    Condition,
    settle_open_attempt,
    when_withdrawn,
    while_open,
)
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Action, Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import ReportItem, at_rest
from greenlight.domain.status import Observation, Status
from greenlight.domain.tripwires import SHOWS, held

_Each = TypeVar("_Each")
#: How far ahead of this clock a look may have been asked for; one further ahead is no evidence.
SKEW = timedelta(seconds=5)


def parameter_batches(parameters: Sequence[_Each], size: int = 500) -> list[Sequence[_Each]]:
    # SQLite takes a limited number of parameters in one statement.
    return [parameters[start : start + size] for start in range(0, len(parameters), size)]


def item(row: Integration) -> Item:
    return Item(row.customer_id, IntegrationKey(row.integration_context, row.integration_type, row.tenant_type))


def condition(row: Integration | IntegrationState) -> Condition:
    return Condition(Outcome(row.outcome), Reason(row.reason), row.detail)


def set_condition(row: Integration | IntegrationState, known: Condition, now: datetime) -> None:
    """Write a condition; `condition_since` moves only when outcome or reason do. What is withdrawn stays so."""
    if row.withdrawn_at is not None:
        known = when_withdrawn(Status(row.observed))
    if (row.outcome, row.reason) != (known.outcome, known.reason):
        row.condition_since = now
    row.outcome, row.reason, row.detail = known.outcome, known.reason, known.detail
    backoff = backoff_after(Backoff(row.tries, row.next_try_at), known, now)
    row.checked_at, row.tries, row.next_try_at = now, backoff.tries, backoff.next_try_at


def is_wanted() -> ColumnElement[bool]:
    """Whether the integration of the query is wanted still: nobody has withdrawn it."""
    return col(Integration.withdrawn_at).is_(None)


def want_again(row: Integration, now: datetime) -> bool:
    """Bring back what was withdrawn; whether it was. A source that does not have it has no say then."""
    if row.withdrawn_at is None:
        row.listing = None if row.listing == Listing.DROPPING else row.listing
        return False
    row.withdrawn_at = row.withdrawn_by = row.listing = None
    set_condition(row, NOT_LOOKED_AT, now)
    return True


def has_open_request(row: Integration | IntegrationState) -> bool:
    """Whether it was requested and nobody has acted on that; `open_request` asks the same of the database."""
    asked, acted = row.requested_at, row.acted_on_at
    return asked is not None and (acted is None or acted < asked)


def open_request() -> ColumnElement[bool]:
    asked, acted = col(Integration.requested_at), col(Integration.acted_on_at)
    # Never NULL, so that it can be negated; an index of the table has the same words.
    return and_(asked.is_not(None), or_(acted.is_(None), acted < asked))


def held_by_a_guard() -> ColumnElement[bool]:
    """Whether the integration of the query around it has an open hold."""
    return exists().where(col(Hold.integration_id) == col(Integration.id), col(Hold.ended_at).is_(None))


def _named_by_more_than_a_browser() -> ColumnElement[bool]:
    """Whether anything but a callback has named the integration of the query around it, for more than one run."""
    theirs = col(Warrant.integration_id) == col(Integration.id)
    return exists().where(theirs, col(Warrant.run_id).is_(None), col(Warrant.word) != Word.CALLBACK)


def rejected() -> ColumnElement[bool]:
    """Whether the integration of the query around it was named by a browser alone, and LinkedIn knows no such thing."""
    return and_(col(Integration.reason) == Reason.REJECTED_REQUEST, ~_named_by_more_than_a_browser())


def named_by_a_browser_alone(session: Session, ids: Sequence[int]) -> set[int]:
    """Those of these integrations that nothing but a callback has named, for more than one run."""
    found: set[int] = set()
    for some in parameter_batches(ids):
        theirs = select(Integration.id).where(col(Integration.id).in_(some), ~_named_by_more_than_a_browser())
        found |= {id for id in session.exec(theirs) if id is not None}
    return found


def is_a_browsers_word(row: IntegrationState) -> bool:
    """Whether one that a callback alone has named was requested, and LinkedIn never showed anything of it."""
    shown = row.observed in SHOWS or row.vanished_at is not None or row.effect_at is not None
    return row.requested_at is not None and not shown


def waits_for_a_first_look(row: IntegrationState) -> bool:
    """Whether a look that was not made is news. What only a page was open for stays as it was last seen."""
    return has_open_request(row) or row.observed_at is None


def is_resting(row: Integration, now: datetime) -> bool:
    """Whether a schedule leaves it alone now, after failures. A request that is open or newer wakes it."""
    asked = row.requested_at
    if has_open_request(row):
        return False
    if asked is not None and (row.checked_at is None or row.checked_at < asked):
        return False
    return is_backing_off(Backoff(row.tries, row.next_try_at), Reason(row.reason), now)


def report_item(row: Integration, customer_name: str, since: datetime | None, *, scheduled: bool = False) -> ReportItem:
    """As a report shows it; what was not checked since then is not looked at, whatever was known before.

    Without `since` it is what is known, and the action is what an apply would do about it. A `scheduled` run leaves
    out what rests.
    """
    stale = since is not None and (row.checked_at is None or row.checked_at < since)
    known = NOT_LOOKED_AT if stale else condition(row)
    if stale and scheduled and row.next_try_at is not None and since is not None and is_resting(row, since):
        known = at_rest(condition(row), row.next_try_at)
    action = Action(row.action)
    if since is None:
        action = Action.ENABLE if row.reason == Reason.READY_TO_ENABLE else Action.NONE
    return ReportItem(
        item=item(row),
        customer_name=customer_name,
        integration_name=row.integration_name,
        observed=Status(row.observed),
        observed_at=row.observed_at,
        action=Action.NONE if stale else action,
        condition=known,
        condition_since=row.condition_since,
        observed_since=row.observed_since,
        next_try_at=row.next_try_at,
    )


def integration_rows(session: Session, ids: Sequence[int]) -> list[Integration]:
    """The integrations with these ids, in that order."""
    found: dict[int | None, Integration] = {}
    for some in parameter_batches(ids):
        found |= {r.id: r for r in session.exec(select(Integration).where(col(Integration.id).in_(some)))}
    return [found[id] for id in ids if id in found]


def is_ahead(at: datetime, now: datetime | None) -> bool:
    """Whether that is a time to come: what a host with a fast clock has written is evidence of nothing."""
    return now is not None and at > now + SKEW


def is_between(since: datetime, at: datetime | None, now: datetime | None) -> bool:
    return at is not None and at >= since and not is_ahead(at, now)


def record_observation(
    row: IntegrationState,
    attempt: AttemptState | None,
    seen: Observation,
    asked_at: datetime,
    client_id: str | None,
    *,
    insist: bool = False,
) -> Condition | None:
    """Put down what a look under this application showed, and end the open attempt if it settles it.

    Returns the condition that an attempt imposes which stays open, None where none does. `insist` is a person's word
    that a confirmed enable which is not shown is taken for without effect.
    """
    if row.observed != seen.status or row.observed_since is None:
        row.observed_since = asked_at
    _mark_what_vanished(row, seen.status, asked_at)
    row.observed, row.observed_at, row.observed_client_id = seen.status, asked_at, client_id
    if attempt is None or attempt.opened_at > asked_at:
        # A look that was asked for before the intent says nothing of it.
        return None if attempt is None else while_open(confirmed=False, detail=attempt.detail, seen=seen)
    confirmed = attempt.confirmed_at is not None
    # Another application's look is about another application's integration.
    if attempt.client_id == client_id:
        outcome = settle_open_attempt(seen, confirmed=confirmed and not insist, settled=asked_at >= attempt.settles_at)
        if outcome is not None:
            attempt.outcome, attempt.closed_at = outcome, asked_at
            return None
    if seen.status in EFFECT:
        return None
    return while_open(confirmed=confirmed, detail=attempt.detail, seen=seen)


def _mark_what_vanished(row: IntegrationState, shown: Status, asked_at: datetime) -> None:
    """Keep that LinkedIn had shown something, whoever looks next and however often."""
    if shown is Status.ENABLED:
        row.drifted_at = None
    elif row.observed == Status.ENABLED and row.withdrawn_at is None:
        row.drifted_at = asked_at
    if shown in EFFECT:
        row.effect_at = asked_at
    if shown in SHOWS:
        row.vanished_at = row.vanished_from = None
    elif shown is Status.NOT_REQUESTED and row.observed in SHOWS:
        row.vanished_at, row.vanished_from = asked_at, row.observed
    elif shown is Status.NOT_REQUESTED and row.observed == Status.UNKNOWN and row.effect_at is not None:
        # What could not be read in between was no sign of life.
        row.vanished_at, row.vanished_from = row.vanished_at or asked_at, row.vanished_from or Status.ENABLED


def holds_on(session: Session, ids: Sequence[int]) -> dict[int, Condition]:
    """What each of these integrations is held for, by the guard that has held it for longest."""
    found: dict[int, Condition] = {}
    for some in parameter_batches(ids):
        theirs = select(Hold.integration_id, Hold.reason, Hold.saw)
        theirs = theirs.where(col(Hold.integration_id).in_(some), col(Hold.ended_at).is_(None))
        for id, reason, saw in session.exec(theirs.order_by(col(Hold.since).desc(), col(Hold.id).desc())):
            found[id] = held(Reason(reason), saw)
    return found


def make_requests_due(session: Session, customer_id: str) -> None:
    """Let open requests of this customer go on at once: what they waited for is over."""
    theirs = col(Integration.customer_id) == customer_id
    session.exec(update(Integration).where(theirs, open_request()).values(look_due_at=None))


def release(session: Session, customers: Sequence[str]) -> None:
    """Let the next run try again what rests after failures: something has changed."""
    for some in parameter_batches(customers):
        theirs = col(Integration.customer_id).in_(some)
        rests = and_(theirs, col(Integration.tries) > 0, col(Integration.next_try_at).is_not(None))
        resting = select(Integration.id).where(rests).order_by(col(Integration.id))
        these = update(Integration).where(col(Integration.id).in_(resting.with_for_update()))
        session.execute(these.values(next_try_at=None).execution_options(synchronize_session=False))
