"""Whatever happens in whatever order, the ledger of attempts stays true: a state machine on SQLite."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import delete

from greenlight.ats.attempts import AttemptHeld, AttemptRefused, Attempts
from greenlight.ats.changes import IntegrationChange
from greenlight.ats.database import Database, open_database
from greenlight.ats.gate import FRESH_FOR
from greenlight.ats.ledger import Attempt, Warrant, Word
from greenlight.ats.looks import Look
from greenlight.ats.store import Store
from greenlight.ats.tables import ChildApplication, Customer, Integration
from greenlight.ats.wanted import Wanted
from greenlight.ats.warrants import give
from greenlight.domain.conditions import (
    EFFECT,
    Answer,
    Exit,
    after_failed_look,
    after_look,
    settle_by_look,
    settle_open_attempt,
    settle_without_look,
)
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from tests.ats.world import NOON, attempts_at, bring_in, customer, integration, wanted

ANSWERS = st.sampled_from(
    [
        Answer(Exit.CONFIRMED),
        Answer(Exit.REFUSED, Reason.TOKEN_REJECTED),
        Answer(Exit.REFUSED, Reason.THROTTLED, may_pass=True),
        Answer(Exit.REFUSED, Reason.ALREADY_ENABLED),
        Answer(Exit.UNCLEAR, Reason.LINKEDIN_UNAVAILABLE, may_pass=True),
    ]
)
#: REQUESTED more often, or hardly anything would ever begin.
SEEN = st.sampled_from([None, Status.REQUESTED, Status.REQUESTED, *Status])
PLACES = st.integers(0, 1)


class Ledger(RuleBasedStateMachine):
    """Two integrations, runs that come and go, and a model that knows which attempt may be open."""

    database: Database

    @initialize()
    def empty(self) -> None:
        with self.database.writing() as session:
            for table in (IntegrationChange, Attempt, Warrant, Integration, ChildApplication, Customer):
                session.exec(delete(table))
        self.ids = bring_in(self.database, customer("acme"), customer("bolt"))
        self.store, self.attempts = Store(self.database), Attempts(self.database)
        self.runs, self.now = 1, NOON
        self.open: dict[int, int] = {}
        self.shown: dict[int, Status] = dict.fromkeys(self.ids, Status.UNKNOWN)
        #: Attempts whose sender still waits for an answer, open or not, with what it had read before.
        self.on_the_way: list[tuple[int, int, str, Wanted]] = []
        self.stale: list[tuple[int, Wanted]] = []
        self.confirmed: set[int] = set()
        self.observed_at: dict[int, datetime] = {}
        self.ended_at: dict[int, datetime] = {}
        self.ended: dict[int, dict[str, Any]] = {}
        #: When it was asked for last, and when an effect was shown last.
        self.asked_at = dict.fromkeys(self.ids, NOON)
        self.effect_at: dict[int, datetime] = {}

    @property
    def run_id(self) -> str:
        return f"run-{self.runs}"

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def seen_at(self, id: int, status: Status | None) -> Observation | None:
        """The model's side of a look."""
        if status is None:
            return None
        self.shown[id], self.observed_at[id] = status, self.now
        if status in EFFECT:
            self.effect_at[id] = self.now
        known = self.open.get(id)
        # All that was sent has settled at once in this machine.
        if known is not None and settle_open_attempt(
            Observation(status), confirmed=known in self.confirmed, settled=True
        ):
            del self.open[id]
            self.ended_at[id] = self.now
        return Observation(status)

    @rule(place=PLACES)
    def ask(self, place: int) -> None:
        id, now = self.ids[place], self.tick()
        with self.database.writing() as session:
            give(session, [id], Word.CALLBACK, now, by=None)
        self.asked_at[id] = now

    @rule()
    def another_run(self) -> None:
        self.runs += 1

    @rule(place=PLACES, status=SEEN, final=st.booleans())
    def look(self, place: int, status: Status | None, final: bool) -> None:
        id, now = self.ids[place], self.tick()
        client_id, seen = wanted(self.database, id).client_id, self.seen_at(id, status)
        condition = after_look(seen) if seen is not None else after_failed_look(Reason.LINKEDIN_UNAVAILABLE)
        self.store.record_looks(f"observe:{self.run_id}", [Look(id, seen, condition, final, client_id)], now)

    @rule(place=PLACES, status=SEEN, final=st.booleans())
    def record(self, place: int, status: Status | None, final: bool) -> None:
        id, now = self.ids[place], self.tick()
        entry, seen = wanted(self.database, id), self.seen_at(id, status)
        condition = after_look(seen) if seen is not None else after_failed_look(Reason.TOKEN_REJECTED)
        self.attempts.record(entry, self.run_id, condition, now, final=final, seen=seen)

    @rule(place=PLACES)
    def read(self, place: int) -> None:
        id = self.ids[place]
        self.stale.append((id, wanted(self.database, id)))

    def begin(self, id: int, entry: Wanted) -> None:
        now, run_id = self.tick(), self.run_id
        seen_at = self.observed_at.get(id)
        fresh = seen_at is not None and now - seen_at <= FRESH_FOR and self.ended_at.get(id, seen_at) <= seen_at
        asked = id not in self.effect_at or self.asked_at[id] > self.effect_at[id]
        may = self.shown[id] is Status.REQUESTED and fresh and id not in self.open and asked
        try:
            begun = self.attempts.begin(entry, run_id, entry.client_id or "none", now, settles_at=now)
        except AttemptHeld:
            assert not asked
            return
        except AttemptRefused:
            assert not may, "it was requested a moment ago and nothing stood in its way"
            return
        assert may, "it was not seen requested, or another attempt was open"
        self.open[id] = begun
        self.on_the_way.append((begun, id, run_id, entry))

    @rule(place=PLACES)
    def begin_now(self, place: int) -> None:
        id = self.ids[place]
        self.begin(id, wanted(self.database, id))

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def begin_on_what_was_read_earlier(self, data: st.DataObject) -> None:
        self.begin(*self.stale.pop(data.draw(st.integers(0, len(self.stale) - 1))))

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data(), answer=ANSWERS, status=SEEN)
    def end(self, data: st.DataObject, answer: Answer, status: Status | None) -> None:
        attempt_id, id, run_id, entry = self.on_the_way.pop(data.draw(st.integers(0, len(self.on_the_way) - 1)))
        now, seen = self.tick(), None
        settlement = settle_without_look(answer)
        if answer.needs_a_look:
            seen = Observation(status) if status is not None else None
            settlement = settle_by_look(answer, seen)
        self.attempts.end(attempt_id, entry, run_id, settlement, now, seen=seen, settles_at=now)
        if self.open.get(id) != attempt_id:
            # A look has settled it meanwhile, and that stands.
            return
        if settlement.confirmed:
            self.confirmed.add(attempt_id)
        if settlement.attempt is not None:
            del self.open[id]
            self.ended_at[id] = now
        self.seen_at(id, status if answer.needs_a_look else None)

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """The run dies before it can write the end; the intent stays."""
        self.on_the_way.pop(data.draw(st.integers(0, len(self.on_the_way) - 1)))

    @invariant()
    def the_ledger_is_true(self) -> None:
        there: set[int] = set()
        for id in self.ids:
            rows = attempts_at(self.database, id)
            there |= {row.id for row in rows if row.id is not None}
            known = self.open.get(id)
            assert [row.id for row in rows if row.closed_at is None] == ([known] if known is not None else [])
            for row in rows:
                assert (row.outcome is None) == (row.closed_at is None)
                assert row.closed_at is None or row.opened_at < row.closed_at <= self.now
                if row.id is not None and row.closed_at is not None:
                    told = {"outcome": row.outcome, "closed_at": row.closed_at}
                    assert self.ended.setdefault(row.id, told) == told, "an end was rewritten without a new answer"
            open_attempt = self.attempts.open_of(id)
            assert (open_attempt.id if open_attempt is not None else None) == known
            assert integration(self.database, id).observed == self.shown[id]
        assert set(self.ended) <= there, "an attempt has disappeared"


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_ledger_stays_true_in_any_order(database_url: str, tmp_path: Path) -> None:
    """Looks, beginnings, ends that come late, kills and new runs in any order: one open attempt at most, none of
    them lost without an outcome, and nothing begun that is not on record as requested."""
    database = open_database(database_url)
    machine = type("Machine", (Ledger,), {"database": database})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=40,
                stateful_step_count=25,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        database.close()
