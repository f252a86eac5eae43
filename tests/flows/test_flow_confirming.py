"""What is enabled is looked at again while others are still being enabled, once there are many."""

from typing import Any

import pytest

from flows.reconcile import reconcile
from flows.request import What
from greenlight.reconcile.metering import Budget
from tasks.parts.chunks import enable_chunks
from tests.flows.fault_world import Case, import_file, world

CASES = tuple(Case(f"c{number:02}", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")) for number in range(12))
EACH = 3


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few as these count as many: chunks of three, and a look for each of them."""
    monkeypatch.setattr("tasks.sequences.stages.MANY_CUSTOMERS_PER_LOOK", EACH)
    monkeypatch.setattr("tasks.enable.enable_chunks", lambda wanted, _: enable_chunks(wanted, len(CASES) // EACH))


@pytest.mark.parametrize(
    ("left", "meanwhile"),
    [(None, True), (5000, False)],
    ids=["each application has a limit of its own", "what all share goes to enables first"],
)
async def test_a_chunk_is_confirmed_while_others_are_enabled(
    town: Any, monkeypatch: pytest.MonkeyPatch, left: int | None, meanwhile: bool
) -> None:
    async def all_the_same(_: Budget) -> int | None:
        return left

    monkeypatch.setattr(Budget, "left", all_the_same)
    async with town(world(CASES), GREENLIGHT_CONNECTIONS="1") as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.APPLY, return_state=True)
        assert state.name == "Converged"
        assert {entry.condition.outcome.value for entry in there.report(state).items} == {"enabled"}
        sent = there.operations()
        assert (sent.count("verify"), sent.count("enable")) == (2 * len(CASES), len(CASES))
        first, last = sent.index("enable"), len(sent) - 1 - sent[::-1].index("enable")
        assert ("verify" in sent[first:last]) is meanwhile
        assert there.violations() == []


async def test_an_accident_of_such_a_look_is_the_runs(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All the same everything is enabled, and nothing of it goes on afterwards."""
    from tasks.sequences import stages

    look_at_all, looks = stages.look_at_all, 0

    async def once_not(*given: Any, **named: Any) -> None:
        nonlocal looks
        looks += 1
        # The first is that of the plan.
        if looks == 2:
            raise ZeroDivisionError
        await look_at_all(*given, **named)

    monkeypatch.setattr(stages, "look_at_all", once_not)
    async with town(world(CASES), GREENLIGHT_CONNECTIONS="1") as there:
        await there.bring_in(import_file(CASES))
        state: Any = await reconcile(What.APPLY, return_state=True)
        assert state.is_failed()
        assert there.operations().count("enable") == len(CASES)
