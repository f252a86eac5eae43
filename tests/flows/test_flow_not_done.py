"""What a run planned and did not do is never called done: a database that refuses intents, a step that crashes."""

from typing import Any

import pytest
from sqlalchemy import text

from flows.reconcile import reconcile
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
        state: Any = await reconcile(return_state=True)
        assert "enable" not in there.operations()
        report = there.report(state)
        assert outcomes(report) == dict.fromkeys(("ada", "bob", "cyd"), ("failed", "NOT_DONE"))
        assert (report.verdict.value, report.exit_code) == ("failed", 3)
        assert state.is_failed()
        assert "NOT_DONE" in state.message
