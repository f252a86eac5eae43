"""What a forked process does for one customer: the product's own steps, without Prefect's engine around them.

`ACTS` are by name. Retries are carried out here as Prefect would, and artifacts are left out.
"""

import asyncio
import functools
import gc
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from prefect import Task
from pydantic import SecretStr

import flows.reconcile
import tasks.enable
import tasks.observe
import tasks.parts.chunks
import tasks.parts.provisioning_resources
import tasks.plan
import tasks.realtime.requested
import tasks.sequences.look_plan_enable
from blocks.child_app import ChildAppBlocks, block_name
from blocks.parent_app import parent_credentials
from flows.request import What
from greenlight.ats import desired_changes
from greenlight.ats.database import open_database
from greenlight.desired import reading
from greenlight.desired.sources import source_of
from greenlight.desired.syncing import sync
from greenlight.domain.domains import DomainsWord
from greenlight.domain.provisioning import Provision
from greenlight.domain.rotation import COMMAND as ROTATION
from greenlight.linkedin.oauth import Credentials
from greenlight.settings import load_settings
from tasks.parts.provisioning_resources import provisioning_resources
from tests.kill.harness import Cell, client_of, secret_of


async def _provision(cell: Cell) -> dict[str, Any]:
    """What the flow `provision` does for one customer that is named."""
    customer, new = cell["customer"], cell["new"]
    word = DomainsWord(everything=True, most=1)
    async with provisioning_resources(load_settings(), {customer: customer} if new else {}, word) as session:
        run_id, applications = str(uuid4()), session.applications
        await asyncio.to_thread(applications.select, [customer], session.settings.origins)
        await asyncio.to_thread(applications.start, run_id, {}, datetime.now(UTC))
        remaining = await session.provisioning.provision(run_id, customer, look=not new)
        made = [outcome for outcome in Provision if outcome is not Provision.FAILED]
        for candidate, outcome in await asyncio.to_thread(applications.not_working_in, run_id, made):
            await session.provisioning.check(candidate, outcome, last=True)
        report = await asyncio.to_thread(applications.finish, run_id, session.sent(), datetime.now(UTC))
        items = [[item.outcome.value, item.reason.value] for item in report.items]
        return {"left": remaining.items, "items": items}


async def _rotate(cell: Cell) -> dict[str, Any]:
    """What the flow `rotate` does for one customer."""
    customer = cell["customer"]
    async with provisioning_resources(load_settings()) as session:
        run_id, applications = str(uuid4()), session.applications
        await asyncio.to_thread(session.rotations.select, [customer])
        await asyncio.to_thread(applications.start, run_id, {}, datetime.now(UTC), ROTATION)
        remaining = await session.rotation.rotate(run_id, customer)
        report = await asyncio.to_thread(applications.finish, run_id, session.sent(), datetime.now(UTC))
        items = [[item.outcome.value, item.reason.value] for item in report.items]
        return {"left": remaining.items, "items": items, "messages": [item.message for item in report.items]}


async def _act_on_requests(cell: Cell) -> dict[str, Any]:
    """What the task worker does when the portal has rung."""
    _hold_credentials_of(cell)
    await tasks.realtime.requested.act_on_requests.fn([cell["customer"]])
    return {}


async def _reconcile(cell: Cell) -> dict[str, Any]:
    """What the flow `reconcile` does. With `again` each run of the cell is the same flow run."""
    _hold_credentials_of(cell)
    flows.reconcile.flow_run = SimpleNamespace(id=cell["run_id"] if cell.get("again") else uuid4())
    state = await flows.reconcile.reconcile.fn(What.APPLY, (cell["customer"],))
    return {"state": state.name, "message": state.message}


async def _sync(cell: Cell) -> dict[str, Any]:
    """What a run does before it looks, where a source says what is wanted; in parts as small as can be."""
    reading.ROWS_AT_ONCE = desired_changes.ROWS_AT_ONCE = 4
    desired_changes.WITHDRAWN_AT_ONCE = 1
    settings = load_settings()
    source = source_of(settings)
    assert source is not None
    with closing(open_database(settings.database_url.get_secret_value())) as database:
        report = await asyncio.to_thread(sync, source, database, lambda: datetime.now(UTC), None)
    return {"outcome": report.outcome.value, "detail": report.detail, "counts": report.counts}


ACTS: dict[str, Callable[[Cell], Awaitable[dict[str, Any]]]] = {
    "provision": _provision,
    "rotate": _rotate,
    "request": _act_on_requests,
    "reconcile": _reconcile,
    "sync": _sync,
}


def prepare(cell: Cell) -> None:
    """Do what this cell is about here, so that what is imported on first use is there for every fork."""
    # Nothing here speaks TLS, and each client would read the machine's certificates anew.
    ssl.create_default_context = functools.cache(ssl.create_default_context)
    if cell["act"] == "provision":
        parent = asyncio.run(parent_credentials())

        async def read_already() -> Credentials | None:
            return parent

        # The same for all, and reading it is half of what opening a session costs.
        tasks.parts.provisioning_resources.parent_credentials = read_already

        async def writable(self: ChildAppBlocks) -> None:
            pass

        # It leaves nothing behind, and is tested by itself.
        ChildAppBlocks.must_be_writable = writable
    else:
        _leave_prefect_out()
    asyncio.run(ACTS[cell["act"]](cell))
    gc.collect()
    gc.freeze()


def _hold_credentials_of(cell: Cell) -> None:
    """Reading a block changes nothing anywhere, and costs more than all else that a run does."""
    customer = cell["customer"]
    client_id = cell.get("client", client_of(customer))
    held = {block_name(customer): Credentials(client_id, SecretStr(secret_of(customer)))}

    async def get_many(self: ChildAppBlocks, names: Sequence[str]) -> Mapping[str, Credentials]:
        return {name: held[name] for name in names if name in held}

    ChildAppBlocks.get_many = get_many


class _Plain:
    """A task as its own function, repeated as Prefect would by the options that it is given."""

    def __init__(self, task: Task[..., Any], retries: int = 0, delays: Sequence[float] = (), worth: Any = None) -> None:
        self._task, self._retries, self._delays, self._worth = task, retries, delays, worth

    def with_options(self, *, retries: int, retry_delay_seconds: Sequence[float], retry_condition_fn: Any) -> "_Plain":
        return _Plain(self._task, retries, retry_delay_seconds, retry_condition_fn)

    async def __call__(self, *arguments: Any, return_state: bool) -> Any:
        for delay in self._delays[: self._retries]:
            state = await self._task.fn(*arguments)
            if not self._worth(self._task, None, state):
                return state
            await asyncio.sleep(delay)
        return await self._task.fn(*arguments)


def _leave_prefect_out() -> None:
    async def unpublished(*_: Any, **__: Any) -> None:
        pass

    for module, name, stand_in in (
        (tasks.observe, "look", _Plain(tasks.observe.look)),
        (tasks.enable, "enable", _Plain(tasks.enable.enable)),
        (tasks.parts.chunks, "as_it_is", lambda given: given),
        (tasks.sequences.look_plan_enable, "as_it_is", lambda given: given),
        (tasks.sequences.look_plan_enable, "make_plan", tasks.plan.make_plan.fn),
        (tasks.sequences.look_plan_enable, "get_run_logger", logging.getLogger),
        (tasks.realtime.requested, "announce", unpublished),
        (flows.reconcile, "get_run_logger", logging.getLogger),
        (flows.reconcile, "announcing", lambda _: nullcontext()),
        (flows.reconcile, "publish_plan", unpublished),
        (flows.reconcile, "publish_outcome", unpublished),
        (flows.reconcile, "publish_fleet", unpublished),
    ):
        setattr(module, name, stand_in)
