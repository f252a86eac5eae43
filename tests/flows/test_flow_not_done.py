"""What a run planned and did not do is never called done: a database that refuses intents, a step that crashes."""

from typing import Any

import pytest
from sqlalchemy import text

from flows.reconcile import reconcile
from flows.request import What
from greenlight.ats.attempts import Attempts
from tests.flows.fault_world import Case, import_file, world

ENABLED = ("enabled", "ENABLED", "ENABLED")
THREE = tuple(Case(name, "an ordinary customer", ENABLED) for name in ("ada", "bob", "cyd"))


def outcomes(report: Any) -> dict[str, tuple[str, str]]:
    return {i.item.customer_id: (i.condition.outcome.value, i.condition.reason.value) for i in report.items}


def no_room(there: Any, where: str = "") -> None:
    """A disk that has no room for another intent."""
    if there.database.engine.dialect.name != "sqlite":
        pytest.skip("the trigger is SQLite's")
    with there.database.engine.begin() as connection:
        connection.execute(
            text(
                f"CREATE TRIGGER no_room BEFORE INSERT ON attempt {where} "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        )


async def test_a_run_whose_intents_cannot_be_written_has_not_converged(town: Any) -> None:
    async with town(world(THREE)) as there:
        await there.bring_in(import_file(THREE))
        no_room(there)
        state: Any = await reconcile(What.APPLY, return_state=True)
        assert "enable" not in there.operations()
        report = there.report(state)
        assert outcomes(report) == dict.fromkeys(("ada", "bob", "cyd"), ("failed", "NOT_DONE"))
        assert (report.verdict.value, report.exit_code) == ("failed", 3)
        assert state.is_failed()
        assert "NOT_DONE" in state.message


async def test_a_chunk_that_crashes_is_the_runs_failure_and_stops_no_other(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away for one intent: the run ends the others, and says that it did not end well."""
    async with town(world(THREE)) as there:
        await there.bring_in(import_file(THREE))
        honest = Attempts.begin_all

        def broken(self: Attempts, intents: Any) -> Any:
            if any(intent.wanted.item.customer_id == "bob" for intent in intents):
                raise ZeroDivisionError
            return honest(self, intents)

        monkeypatch.setattr(Attempts, "begin_all", broken)
        state: Any = await reconcile(What.APPLY, return_state=True)
        assert (state.type.value, state.name) == ("FAILED", "Crashed")
        assert state.message.startswith("1 chunk of the work ended in an error, the first ZeroDivisionError. ")
        assert "bob (NOT_DONE)" in state.message
        assert {customer: sent["effective"] for customer, sent in there.enables().items()} == {
            "ada": 1,
            "bob": 0,
            "cyd": 1,
        }
