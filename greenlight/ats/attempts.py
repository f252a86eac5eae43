"""The ledger of enables: an intent is committed before each request leaves, and its end after.

See docs/architecture.md#the-ledger-and-its-gate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, cast

from sqlmodel import Session, and_, col, or_, select

from greenlight.ats.database import Database
from greenlight.ats.findings import Ending, Finding, end, record
from greenlight.ats.gate import Guard, Intents, open_attempts, why_not
from greenlight.ats.ledger import Attempt
from greenlight.ats.pauses import pauses_in_force
from greenlight.ats.rows import holds_on, is_wanted, parameter_batches, set_condition
from greenlight.ats.tables import Integration
from greenlight.ats.waiting import Turn, in_turn, reads, units
from greenlight.ats.wanted import Wanted, wanted_rows
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

    @reads
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

    @in_turn(Turn.INTEND)
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
        self.record_all([Finding(wanted, run_id, condition, now, final, seen, insist, written_at)])

    def record_all(self, findings: Sequence[Finding]) -> list[None]:
        """Write all of these, each as `record` does."""
        with self._database.writing() as session:
            record(session, findings)
        return [None] * len(findings)

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
        self.end_all([Ending(attempt_id, wanted, run_id, settlement, now, seen, settles_at)])

    def end_all(self, endings: Sequence[Ending]) -> list[None]:
        """Write all of these, each as `end` does."""
        with self._database.writing() as session:
            end(session, endings)
        return [None] * len(endings)

    def still_to_enable(self, ids: Sequence[int], run_id: str) -> list[Wanted]:
        """Those of `ids` that are wanted still and that this run is not done with."""
        with self._database.reading() as session:
            return wanted_rows(session, ids, and_(is_wanted(), col(Integration.done_in_run).is_distinct_from(run_id)))

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
