"""What a run finds out about what it is to enable, and what its attempts came to, each written together.

See `Attempts.record` and `Attempts.end`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from greenlight.ats.chunk import Chunk
from greenlight.ats.rows import is_ahead, record_observation, set_condition
from greenlight.ats.wanted import Wanted
from greenlight.domain.conditions import Condition, Settlement
from greenlight.domain.status import Observation


class Finding(NamedTuple):
    """What is known of an integration that a run is to enable: see `Attempts.record`."""

    wanted: Wanted
    run_id: str
    condition: Condition
    now: datetime
    final: bool
    seen: Observation | None = None
    insist: bool = False
    written_at: datetime | None = None


class Ending(NamedTuple):
    """What an attempt came to: see `Attempts.end`."""

    attempt_id: int
    wanted: Wanted
    run_id: str
    settlement: Settlement
    now: datetime
    seen: Observation | None
    settles_at: datetime


def record(session: Session, findings: Sequence[Finding]) -> None:
    """Write these as if one came after another."""
    chunk = Chunk(session, (finding.wanted.id for finding in findings), evidence=True)
    for finding in findings:
        _record_one(chunk, finding)
    chunk.write()


def end(session: Session, endings: Sequence[Ending]) -> None:
    """Write these as if one came after another."""
    chunk = Chunk(session, (ending.wanted.id for ending in endings), evidence=True)
    for ending in endings:
        _end_one(chunk, ending)
    chunk.write()


def _record_one(chunk: Chunk, finding: Finding) -> None:
    row, now, client_id = chunk.rows[finding.wanted.id], finding.now, finding.wanted.client_id
    if not chunk.is_the_customers_own(row, client_id):
        return
    if row.observed_at is not None and row.observed_at > now and not is_ahead(row.observed_at, finding.written_at):
        # Whoever took over a lease that was lost has looked since, and that stands.
        row.done_in_run = finding.run_id if finding.final else row.done_in_run
        return
    imposed: Condition | None = None
    if finding.seen is not None:
        attempt = chunk.open_attempt(row.id)
        imposed = record_observation(row, attempt, finding.seen, now, client_id, insist=finding.insist)
    set_condition(row, imposed or finding.condition, now)
    if finding.final:
        row.done_in_run = finding.run_id


def _end_one(chunk: Chunk, ending: Ending) -> None:
    row, attempt, settlement = chunk.rows[ending.wanted.id], chunk.open_attempt(ending.wanted.id), ending.settlement
    if attempt is None or attempt.id != ending.attempt_id:
        # Whoever took over a lease that was lost has settled it by a look, and that stands.
        if not settlement.worth_repeating:
            row.done_in_run = ending.run_id
        return
    condition, now = settlement.condition, ending.now
    attempt.reason, attempt.detail, attempt.settles_at = condition.reason, condition.detail, ending.settles_at
    if settlement.confirmed:
        attempt.confirmed_at = now
    if settlement.attempt is not None:
        attempt.outcome, attempt.closed_at = settlement.attempt, now
    if ending.seen is not None:
        record_observation(row, chunk.open_attempt(row.id), ending.seen, now, ending.wanted.client_id)
    set_condition(row, condition, now)
    if not settlement.worth_repeating and not settlement.pending:
        row.done_in_run = ending.run_id
