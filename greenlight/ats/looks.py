"""What looks gave, written together: see `Store.record_looks`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from greenlight.ats.chunk import Chunk
from greenlight.ats.rows import (
    holds_on,
    is_a_browsers_word,
    is_ahead,
    named_by_a_browser_alone,
    record_observation,
    set_condition,
    waits_for_a_first_look,
)
from greenlight.ats.states import IntegrationState
from greenlight.domain.budget import day_ends
from greenlight.domain.conditions import Condition, of_a_browsers_word
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation
from greenlight.domain.tripwires import while_held


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at one integration gave. `seen` is None where it failed; `final` if it need not be repeated."""

    id: int
    seen: Observation | None
    condition: Condition | None
    final: bool
    #: The application under which it was made.
    client_id: str | None = None


class CustomerLooks(NamedTuple):
    """One customer's looks, made for that purpose and asked for at that time: see `Store.record_looks`."""

    purpose: str
    looks: Sequence[Look]
    asked_at: datetime
    now: datetime | None = None
    unless_since: datetime | None = None


def record(session: Session, together: Sequence[CustomerLooks]) -> None:
    """Write these looks as if one customer's came after another's."""
    ids = [look.id for made in together for look in made.looks]
    chunk = Chunk(session, ids, evidence=True)
    holds = holds_on(session, ids)
    # What a browser has named is of interest where LinkedIn calls it invalid.
    invalid = {look.id for made in together for look in made.looks if _is_invalid(look.condition)}
    browsers = named_by_a_browser_alone(session, sorted(invalid))
    for made in together:
        for look in sorted(made.looks, key=lambda look: look.id):
            row = chunk.rows[look.id]
            if not chunk.is_the_customers_own(row, look.client_id):
                continue
            since, asked_at = made.unless_since, made.asked_at
            if since is not None and row.checked_at is not None and row.checked_at > since:
                continue
            if row.observed_at is None or row.observed_at <= asked_at or is_ahead(row.observed_at, made.now):
                _apply(chunk, row, look, asked_at, holds.get(look.id), look.id in browsers)
            if look.final:
                row.looked_for = made.purpose
    chunk.write()


def _apply(
    chunk: Chunk, row: IntegrationState, look: Look, asked_at: datetime, hold: Condition | None, by_a_browser: bool
) -> None:
    seen, known = look.seen, look.condition
    if seen is not None:
        imposed = record_observation(row, chunk.open_attempt(row.id), seen, asked_at, look.client_id)
        known = imposed or while_held(seen, hold) or look.condition
    if known is not None and by_a_browser and is_a_browsers_word(row):
        known = of_a_browsers_word(known)
    spent = known is not None and known.reason is Reason.SHARE_SPENT
    if spent and chunk.open_attempt(row.id) is not None:
        # What may have landed is looked at once there are requests again.
        row.look_due_at = day_ends(asked_at)
    elif spent and not waits_for_a_first_look(row):
        row.checked_at = asked_at
    elif known is not None:
        set_condition(row, known, asked_at)


def _is_invalid(known: Condition | None) -> bool:
    return known is not None and of_a_browsers_word(known) != known
