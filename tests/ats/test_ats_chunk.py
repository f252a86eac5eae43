"""What is written together leaves what it would one after another, and costs a statement for many."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import true
from sqlmodel import Session, col, select

from greenlight.ats import findings, looks
from greenlight.ats.database import Database
from greenlight.ats.findings import Ending, Finding
from greenlight.ats.ledger import Attempt, Hold, Warrant, Word
from greenlight.ats.looks import CustomerLooks, Look
from greenlight.ats.rows import integration_rows
from greenlight.ats.tables import Integration
from greenlight.ats.wanted import wanted_rows
from greenlight.domain.conditions import (
    NOT_SHOWN,
    AttemptOutcome,
    Condition,
    Settlement,
    after_failed_look,
    after_look,
    in_doubt,
)
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status
from tests.ats.asking import session_of
from tests.ats.test_ats_text_and_volume import counted
from tests.ats.world import TYPES, at, bring_in, customer, ids_of

CUSTOMERS = ("acme", "bolt", "cora")
MOMENTS = st.integers(0, 9).map(at)
MAYBE = st.none() | MOMENTS
#: Of each kind one; an invalid key may be a browser's invention.
FAILURES = st.sampled_from(
    [Reason.LINKEDIN_UNAVAILABLE, Reason.THROTTLED, Reason.SHARE_SPENT, Reason.INVALID_CONTEXT, Reason.CUSTOMER_BUSY]
)
CLIENTS = st.sampled_from([*(f"client-{name}" for name in CUSTOMERS), "client-old", None])
RUNS = st.sampled_from(["run-1", "run-2"])
CONDITIONS = st.sampled_from([after_look(Observation(status)) for status in Status]) | FAILURES.map(after_failed_look)
SEEN = st.sampled_from([Observation(status) for status in Status])


class Undone(Exception):
    """Nothing of an example stays."""


@st.composite
def integrations(draw: st.DrawFn) -> dict[str, Any]:
    """What may be on record of an integration."""
    known = draw(CONDITIONS)
    moments = ("observed_at", "observed_since", "effect_at", "vanished_at", "drifted_at", "condition_since")
    more = ("checked_at", "next_try_at", "requested_at", "acted_on_at", "look_due_at")
    return {
        **{name: draw(MAYBE) for name in (*moments, *more)},
        "observed": draw(st.sampled_from(Status)),
        "observed_client_id": draw(CLIENTS),
        "vanished_from": draw(st.sampled_from([None, Status.REQUESTED])),
        "outcome": known.outcome,
        "reason": known.reason,
        "tries": draw(st.integers(0, 7)),
        "withdrawn_at": draw(st.none() | st.none() | MOMENTS),
    }


@st.composite
def attempts(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "client_id": draw(CLIENTS.filter(bool)),
        "run_id": draw(RUNS),
        "opened_at": draw(MOMENTS),
        "settles_at": draw(MOMENTS),
        "confirmed_at": draw(MAYBE),
    }


@st.composite
def states(draw: st.DrawFn) -> list[tuple[dict[str, Any], dict[str, Any] | None, bool, bool]]:
    """For each of six integrations: its columns, its open attempt, whether it is held, whether a file named it."""
    return [
        (draw(integrations()), draw(st.none() | attempts()), draw(st.booleans()), draw(st.booleans()))
        for _ in range(2 * len(CUSTOMERS))
    ]


def of(ids: Sequence[int]) -> st.SearchStrategy[list[CustomerLooks]]:
    look = st.builds(Look, st.sampled_from(ids), st.none() | SEEN, st.none() | CONDITIONS, st.booleans(), CLIENTS)
    some = st.lists(look, min_size=1, max_size=4)
    made = st.builds(CustomerLooks, st.sampled_from(["observe:run-1", "confirm:run-1"]), some, MOMENTS, MAYBE, MAYBE)
    return st.lists(made, min_size=1, max_size=5)


def put(session: Session, ids: Sequence[int], state: Sequence[tuple[Any, ...]]) -> None:
    for row, (columns, attempt, held, by_a_file) in zip(integration_rows(session, ids), state, strict=True):
        for name, value in columns.items():
            setattr(row, name, value)
        if attempt is not None:
            session.add(Attempt(integration_id=row.id, **attempt))
        if held:
            session.add(Hold(integration_id=row.id, reason=Reason.SUDDENLY_EMPTY, saw="much", since=at(0)))
        for warrant in session.exec(select(Warrant).where(Warrant.integration_id == row.id)):
            warrant.word = Word.IMPORT if by_a_file else Word.CALLBACK
    session.flush()


def all_of(session: Session) -> list[Any]:
    session.expunge_all()
    tables = (Integration, Attempt, Hold)
    return [row.model_dump() for table in tables for row in session.exec(select(table).order_by(col(table.id)))]


def left_by(session: Session, act: Callable[[], object]) -> list[Any]:
    """What is on record after this, which is undone then."""
    session.expunge_all()
    savepoint = session.begin_nested()
    act()
    found = all_of(session)
    savepoint.rollback()
    return found


def prepared(database: Database) -> list[int]:
    return ids_of(database) or bring_in(database, *(customer(name, TYPES[:2]) for name in CUSTOMERS))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=states(), data=st.data())
def test_looks_that_are_written_together_leave_what_they_would_one_after_another(
    database: Database, state: list[Any], data: st.DataObject
) -> None:
    """Of several customers, runs and times, also two of the same integration, in any order of their asking."""
    ids = prepared(database)
    together = data.draw(of(ids))
    with suppress(Undone), database.together(), database.writing() as session:
        put(session, ids, state)

        def one_by_one() -> None:
            for made in together:
                for look in sorted(made.looks, key=lambda look: look.id):
                    looks.record(session, [made._replace(looks=[look])])

        assert left_by(session, lambda: looks.record(session, together)) == left_by(session, one_by_one)
        raise Undone


def settlements() -> st.SearchStrategy[Settlement]:
    return st.sampled_from(
        [
            Settlement(NOT_SHOWN, None, confirmed=True),
            Settlement(in_doubt("silence"), None),
            Settlement(after_failed_look(Reason.KEY_MISMATCH), AttemptOutcome.REFUSED),
            Settlement(Condition(Outcome.ENABLED, Reason.ENABLED), AttemptOutcome.CONFIRMED_BY_LOOKING),
            Settlement(after_failed_look(Reason.THROTTLED), AttemptOutcome.REFUSED, worth_repeating=True),
        ]
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=states(), data=st.data())
def test_findings_and_ends_that_are_written_together_leave_what_they_would_one_after_another(
    database: Database, state: list[Any], data: st.DataObject
) -> None:
    ids = prepared(database)
    with suppress(Undone), database.together(), database.writing() as session:
        put(session, ids, state)
        wanted = wanted_rows(session, ids, true())
        numbers = [id for id in session.exec(select(Attempt.id)) if id is not None] or [1]
        either = st.sampled_from(wanted)
        finding = st.builds(
            Finding, either, RUNS, CONDITIONS, MOMENTS, st.booleans(), st.none() | SEEN, st.booleans(), MAYBE
        )
        found = data.draw(st.lists(finding, max_size=5))
        ending = st.builds(
            Ending, st.sampled_from(numbers), either, RUNS, settlements(), MOMENTS, st.none() | SEEN, MOMENTS
        )
        ended = data.draw(st.lists(ending, max_size=5))
        for act, asked in ((findings.record, found), (findings.end, ended)):
            both = left_by(session, lambda act=act, asked=asked: act(session, asked))  # pyright: ignore[reportArgumentType]
            alone = left_by(session, lambda act=act, asked=asked: [act(session, [each]) for each in asked])  # pyright: ignore[reportArgumentType]
            assert both == alone
        raise Undone


def everybodys_looks(ids: Sequence[int], status: Status, asked_at: datetime) -> list[CustomerLooks]:
    seen = Observation(status)
    return [CustomerLooks("observe:r", [Look(id, seen, after_look(seen), final=True)], asked_at) for id in ids]


def test_the_looks_of_many_customers_take_a_few_statements(database: Database) -> None:
    """As many for a hundred as for one."""
    ids = bring_in(database, *(customer(f"c{number}") for number in range(100)))
    for some, status in ((ids[:1], Status.REQUESTED), (ids, Status.ENABLED)):
        with counted(database) as sent, database.writing() as session:
            looks.record(session, everybodys_looks(some, status, at(len(some))))
        assert len(sent) <= 8
    with database.reading() as session:
        assert {row.observed for row in integration_rows(session, ids)} == {Status.ENABLED}


def test_what_is_as_it_was_is_not_written(database: Database) -> None:
    """A look that was overtaken costs nobody a write."""
    ids = bring_in(database, *(customer(name) for name in CUSTOMERS))
    made = everybodys_looks(ids, Status.REQUESTED, at(2))
    with database.writing() as session:
        looks.record(session, made)
    with counted(database) as sent, database.writing() as session:
        looks.record(session, [each._replace(asked_at=at(1)) for each in made])
    assert not [statement for statement in sent if statement.startswith("UPDATE")]


def test_a_callbacks_word_is_one_for_a_look_in_a_chunk(database: Database) -> None:
    """Of two that LinkedIn calls invalid, the one that a browser alone has named is no trouble of ours."""
    first, second = bring_in(database, customer("acme"), customer("bolt"))
    session_of(database, "acme")
    invalid = after_failed_look(Reason.INVALID_CONTEXT)
    with database.writing() as session:
        for row in integration_rows(session, [first, second]):
            row.requested_at = at(0)
        for warrant in session.exec(select(Warrant).where(Warrant.integration_id == first)):
            warrant.word = Word.CALLBACK
    with database.writing() as session:
        made = [Look(id, None, invalid, final=True) for id in (first, second)]
        looks.record(session, [CustomerLooks("observe:r", made, at(1))])
    with database.reading() as session:
        reasons = [row.reason for row in integration_rows(session, [first, second])]
    assert reasons == [Reason.REJECTED_REQUEST, Reason.INVALID_CONTEXT]
