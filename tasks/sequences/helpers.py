"""Helpers: flow runs of a deployment that take shards of a run, on whatever machine a Prefect worker starts them.

A run that gets none does all of its work itself; what Prefect says of them decides nothing.
"""

from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.deployments import arun_deployment
from prefect.states import Cancelled

from tasks.telling.best_effort import best_effort

#: Takes one parameter, the id of the run that it helps.
DEPLOYMENT = "shards/of-a-run"
#: Helpers of one run at once.
MOST_HELPERS = 16


class Helpers:
    """Those that one run has asked for. `asker` names this execution of it, which Prefect may repeat."""

    def __init__(self, run_id: str, asker: str) -> None:
        self._run_id = run_id
        self._asker = asker
        self._asked: list[UUID] = []

    async def ask(self, wanted: int) -> None:
        """Have so many helpers at work or waiting for a worker; those that have ended are replaced."""
        async with best_effort("the request for helpers"), get_client() as client:
            at_work = sum(state is None or not state.is_final() for state in (await self._states(client)).values())
            for _ in range(min(wanted, MOST_HELPERS) - at_work):
                helper = await arun_deployment(
                    DEPLOYMENT,
                    client,
                    parameters={"run_id": self._run_id},
                    timeout=0,
                    idempotency_key=f"{self._run_id} {self._asker} {len(self._asked)}",
                )
                self._asked.append(helper.id)

    async def dismiss(self) -> None:
        """Those that no worker has started are not needed any more; the others end by themselves."""
        async with best_effort("the end of helpers"), get_client() as client:
            for id, state in (await self._states(client)).items():
                if state is not None and state.is_scheduled():
                    await client.set_flow_run_state(id, Cancelled(message="The run that it was to help is over."))

    async def _states(self, client: PrefectClient) -> dict[UUID, State[Any] | None]:
        if not self._asked:
            return {}
        ours = FlowRunFilter(id=FlowRunFilterId(any_=self._asked))
        return {run.id: run.state for run in await client.read_flow_runs(flow_run_filter=ours)}
