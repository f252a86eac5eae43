"""What a task is given it takes as it is, and Prefect has not been through it."""

from typing import Any

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.parts.arguments import as_it_is


async def test_prefect_looks_for_no_states_in_what_a_task_is_to_take_as_it_is(prefect_server: str) -> None:
    # Of a failed state among what it was given Prefect would make a task that does not begin.
    state = Failed(message="not of this flow")
    taken: list[Any] = []

    @task(persist_result=False)
    async def take(given: tuple[State[Any], int], label: str) -> None:
        taken.append((given, label))

    @flow(persist_result=False)
    async def giving() -> State[None]:
        await take(as_it_is((state, 1)), "some")
        return Completed()

    await giving()
    ((given, label),) = taken
    assert given[0] is state
    assert type(given) is tuple
    assert label == "some"
