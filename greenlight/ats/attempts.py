"""The ledger of enables: an intent is committed before each request leaves, and its end after.

See docs/architecture.md#the-ledger-and-its-gate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, cast

from sqlmodel import Session, and_, col, or_, select

from greenlight.ats.database import Database
from greenlight.ats.gate import Guard, Intents, open_attempts, why_not
from greenlight.ats.ledger import Attempt
from greenlight.ats.pauses import pauses_in_force
from greenlight.ats.rows import (
    Wanted,
    holds_on,
    integration_rows,
    is_ahead,
    is_the_customers_own,
    parameter_batches,
    record_observation,
    set_condition,
)
from greenlight.ats.tables import Integration
from greenlight.ats.waiting import units
from greenlight.domain.conditions import Condition, Settlement
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation
from greenlight.domain.tripwires import held


class AttemptRefused(Exception):
    """No intent may be written on what is on record: a guard of the gate says why, and a look tells more."""


class AttemptHeld(Exception):
    """No intent may be written until a person says so: the condition says why."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition.reason)
        self.condition = condition


class Intent(NamedTuple):
    """An integration that is to be enabled now with that client id: see `Attempts.begin`."""

    wanted: Wanted
    run_id: str
    client_id: str
    now: datetime
    settles_at: datetime
    owner: str | None


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    id: int
    run_id: str
    settles_at: datetime
    confirmed: bool


@units
class Attempts:
    """Attempts in the ATS database. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writer = database.writer

    def open_of(self, integration_id: int) -> OpenAttempt | None:
        return self.open_of_all([integration_id])[0]

    def open_of_all(self, ids: Sequence[int]) -> list[OpenAttempt | None]:
        """The open attempt of each of these integrations, if there is one."""
        found: dict[int, OpenAttempt] = {}
        with self._database.reading() as session:
            for some in parameter_batches(ids):
                query = select(Attempt).where(col(Attempt.integration_id).in_(some), col(Attempt.closed_at).is_(None))
                for row in session.exec(query):
                    confirmed = row.confirmed_at is not None
                    found[row.integration_id] = OpenAttempt(cast(int, row.id), row.run_id, row.settles_at, confirmed)
        return [found.get(id) for id in ids]

    def begin(
        self,
        wanted: Wanted,
        run_id: str,
        client_id: str,
        now: datetime,
        *,
        settles_at: datetime,
        owner: str | None = None,
    ) -> int:
        """Commit the intent to enable, before the request leaves, and return the attempt's id.

        Raises AttemptHeld where it is paused, held or asked for by nobody, and AttemptRefused where what is on record
        was overtaken or another attempt is open: two runs cannot both get here (`greenlight.ats.gate`). Without
        `owner` no lease is asked for.
        """
        begun = self.begin_all([Intent(wanted, run_id, client_id, now, settles_at, owner)])[0]
        if isinstance(begun, int):
            return begun
        raise begun

    def begin_all(self, intents: Sequence[Intent]) -> list[int | Exception]:
        """Commit these intents, all that the gate lets through in one statement, as `begin` does each."""
        answers: list[int | Exception] = [AttemptRefused("it is asked for twice") for _ in intents]
        with self._database.writing() as session:
            for (run_id, owner), places in _by_run(intents).items():
                some = [intents[place] for place in places.values()]
                now = max(intent.now for intent in some)
                together = Intents(
                    {intent.wanted.id: intent.client_id for intent in some},
                    run_id,
                    owner,
                    now,
                    max(intent.settles_at for intent in some),
                )
                opened = open_attempts(session, together)
                left = {intent.wanted.id: intent for intent in some if intent.wanted.id not in opened}
                refused: dict[int, int | Exception] = {}
                if left:
                    asked = replace(together, client_ids={id: intent.client_id for id, intent in left.items()})
                    guards = why_not(session, asked)
                    for id, intent in left.items():
                        refused[id] = _refusal(session, intent.wanted, guards.get(id), now)
                for id, place in places.items():
                    answers[place] = opened.get(id) or refused[id]
        return answers

    def record(
        self,
        wanted: Wanted,
        run_id: str,
        condition: Condition,
        now: datetime,
        *,
        final: bool,
        seen: Observation | None = None,
        insist: bool = False,
        written_at: datetime | None = None,
    ) -> None:
        """Write what is known of an integration that this run is to enable, with the look that showed it, if any.

        An attempt that stays open imposes its own condition; `insist` see `rows.record_observation`. `written_at` is
        the time now, where `now` is when the look was asked for: see `Store.record_looks`.
        """
        with self._database.writing() as session:
            row = session.get_one(Integration, wanted.id, with_for_update=True)
            if not is_the_customers_own(session, row, wanted.client_id):
                return
            if row.observed_at is not None and row.observed_at > now and not is_ahead(row.observed_at, written_at):
                # Whoever took over a lease that was lost has looked since, and that stands.
                row.done_in_run = run_id if final else row.done_in_run
                return
            imposed = (
                record_observation(session, row, seen, now, wanted.client_id, insist=insist)
                if seen is not None
                else None
            )
            set_condition(row, imposed or condition, now)
            if final:
                row.done_in_run = run_id

    def busy(self, integration_id: int, condition: Condition, now: datetime) -> None:
        """Put on record that another run has the customer, unless that one has taken it further meanwhile."""
        with self._database.writing() as session:
            row = session.get_one(Integration, integration_id, with_for_update=True)
            if row.reason in (Reason.READY_TO_ENABLE, Reason.CUSTOMER_BUSY):
                set_condition(row, condition, now)

    def end(
        self,
        attempt_id: int,
        wanted: Wanted,
        run_id: str,
        settlement: Settlement,
        now: datetime,
        *,
        seen: Observation | None,
        settles_at: datetime,
    ) -> None:
        """Write what an attempt came to: its end, unless it has to stay open, and the condition that follows.

        `seen` is what a look showed that was asked for after the answer, at `now`.
        """
        with self._database.writing() as session:
            # The integration first, as everybody takes them.
            row = session.get_one(Integration, wanted.id, with_for_update=True)
            attempt = session.get_one(Attempt, attempt_id, with_for_update=True)
            if attempt.closed_at is not None:
                # Whoever took over a lease that was lost has settled it by a look, and that stands.
                if not settlement.worth_repeating:
                    row.done_in_run = run_id
                return
            condition = settlement.condition
            attempt.reason, attempt.detail, attempt.settles_at = condition.reason, condition.detail, settles_at
            if settlement.confirmed:
                attempt.confirmed_at = now
            if settlement.attempt is not None:
                attempt.outcome, attempt.closed_at = settlement.attempt, now
            session.flush()
            if seen is not None:
                record_observation(session, row, seen, now, wanted.client_id)
            set_condition(row, condition, now)
            if not settlement.worth_repeating and not settlement.pending:
                row.done_in_run = run_id

    def still_to_enable(self, ids: Sequence[int], run_id: str) -> list[int]:
        """Those of `ids` that this run planned to enable and is not done with."""
        with self._database.reading() as session:
            return [
                row.id for row in integration_rows(session, ids) if row.id is not None and row.done_in_run != run_id
            ]

    def not_shown(self, ids: Sequence[int], run_id: str, confirmed_after: datetime) -> list[int]:
        """Those of `ids` that no look shows yet and LinkedIn confirmed: to this run, or to another after that."""
        found: list[int] = []
        with self._database.reading() as session:
            for some in parameter_batches(ids):
                query = select(Attempt.integration_id).where(
                    col(Attempt.integration_id).in_(some),
                    or_(
                        col(Attempt.confirmed_at) > confirmed_after,
                        and_(col(Attempt.confirmed_at).is_not(None), Attempt.run_id == run_id),
                    ),
                    col(Attempt.closed_at).is_(None),
                )
                found += session.exec(query.order_by(col(Attempt.integration_id)))
        return found

    def in_doubt(self, ids: Sequence[int]) -> dict[int, datetime]:
        """Those of `ids` with an open attempt that LinkedIn has not confirmed, and when each has settled."""
        found: dict[int, datetime] = {}
        with self._database.reading() as session:
            for some in parameter_batches(ids):
                query = select(Attempt.integration_id, Attempt.settles_at).where(
                    col(Attempt.integration_id).in_(some),
                    col(Attempt.closed_at).is_(None),
                    col(Attempt.confirmed_at).is_(None),
                )
                found |= dict(session.exec(query).all())
        return found


def _by_run(intents: Sequence[Intent]) -> dict[tuple[str, str | None], dict[int, int]]:
    """For each run and owner the places of its intents, by integration; of two for the same one the first."""
    found: dict[tuple[str, str | None], dict[int, int]] = {}
    for place, intent in enumerate(intents):
        found.setdefault((intent.run_id, intent.owner), {}).setdefault(intent.wanted.id, place)
    return found


def _refusal(session: Session, wanted: Wanted, guard: Guard | None, now: datetime) -> AttemptRefused | AttemptHeld:
    if guard is None or guard.held is None:
        return AttemptRefused(guard.says if guard is not None else "another run is enabling it")
    return AttemptHeld(_held_for(session, wanted, guard.held, now))


def _held_for(session: Session, wanted: Wanted, reason: Reason, now: datetime) -> Condition:
    customer = wanted.item.customer_id
    if reason is Reason.PAUSED and (pause := pauses_in_force(session, [customer], now).get(customer)):
        return held(reason, pause.words())
    return holds_on(session, [wanted.id]).get(wanted.id) or held(reason)
