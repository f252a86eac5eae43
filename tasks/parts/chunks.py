"""How work is cut into task runs, so that a run stays under about a thousand of them however many customers there are.

Prefect's server records about 40 task runs a second and drops records in larger bursts (docs/prefect.md#records).
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from prefect import Task

from greenlight.ats.wanted import Wanted, by_customer
from greenlight.domain.report import first_ten
from greenlight.reconcile.observe import WorkLeft
from greenlight.settings import Settings
from tasks.parts.arguments import as_it_is
from tasks.parts.progress import report
from tasks.parts.retries import SLOT, crash_of, retrying

#: Customers that one look takes at least, and at most while there are few tasks; a look is a request per customer.
CUSTOMERS_PER_LOOK, MANY_CUSTOMERS_PER_LOOK = 50, 100
MAX_LOOK_TASKS = 200
#: Chunks that are looked at, or enabled, side by side; of enables more, where they are small.
LOOK_CHUNKS_AT_ONCE, ENABLE_CHUNKS_AT_ONCE = 8, 8
#: Items that are under way for each connection: part of an item's time is the database's.
ITEMS_PER_CONNECTION = 3
#: Up to this many enables each have a task of their own.
MAX_ENABLE_TASKS = 50
#: Tasks of more enables than that: enough to see how far they are, and each costs Prefect more than an enable does.
MANY_ENABLE_TASKS = 20
#: Tasks of the enables of customers who have just clicked: each takes Prefect longer than LinkedIn takes to enable.
ENABLE_TASKS_OF_A_TURN = 4
#: Up to this many customers each have a task of their own, where a customer is provisioned or gets a new secret.
MAX_CUSTOMER_TASKS = 300


@dataclass(frozen=True, slots=True)
class Chunk:
    """Integrations or customers that one task run takes care of, by their ids, and what to call it."""

    ids: tuple[int | str, ...]
    label: str


def items_at_once(connections: int) -> int:
    """Items of all chunks together that are under way at once, so that all connections are used."""
    return ITEMS_PER_CONNECTION * connections


def enabled_at_once(connections: int, chunks: Sequence[Chunk]) -> int:
    """How many of these chunks are enabled side by side: more where each is too small for its share of connections."""
    largest = max((len(chunk.ids) for chunk in chunks), default=1)
    return max(ENABLE_CHUNKS_AT_ONCE, math.ceil(items_at_once(connections) / largest))


def look_chunks(wanted: Sequence[Wanted], at_least: int = 0) -> list[Chunk]:
    """Whole customers, since one request covers all of a customer's integrations; `at_least` so many, if there are."""
    theirs = by_customer(wanted)
    customers = list(theirs)
    # Larger ones once there are as many as are looked at side by side: none of them keeps all connections busy.
    larger = min(MANY_CUSTOMERS_PER_LOOK, len(customers) // LOOK_CHUNKS_AT_ONCE)
    size = max(CUSTOMERS_PER_LOOK, at_least, larger, math.ceil(len(customers) / MAX_LOOK_TASKS))
    chunks: list[Chunk] = []
    for start in range(0, len(customers), size):
        some = customers[start : start + size]
        ids = tuple(entry.id for customer in some for entry in theirs[customer])
        chunks.append(Chunk(ids, customers_label(some)))
    return chunks


def enable_chunks(wanted: Sequence[Wanted], most: int = MAX_ENABLE_TASKS) -> list[Chunk]:
    """One integration each while there are a few, runs of them beyond that, of whole customers."""
    size = 1 if len(wanted) <= most else math.ceil(len(wanted) / min(most, MANY_ENABLE_TASKS))
    chunks: list[Chunk] = []
    for some in _runs_of(wanted, size):
        first = f"{some[0].item.key.integration_type} for {some[0].item.customer_id}"
        more = f"{len(some)} integrations of {customers_label(list(dict.fromkeys(w.item.customer_id for w in some)))}"
        label = first if len(some) == 1 else more
        chunks.append(Chunk(tuple(entry.id for entry in some), label))
    return chunks


def _runs_of(wanted: Sequence[Wanted], size: int) -> Iterator[list[Wanted]]:
    """At least so many each but the last, of one and of several whole customers; with 1, each alone."""
    if size == 1:
        yield from ([entry] for entry in wanted)
        return
    some: list[Wanted] = []
    for entries in by_customer(wanted).values():
        some += entries
        if len(some) >= size:
            yield some
            some = []
    if some:
        yield some


def customers_label(ids: Sequence[str]) -> str:
    """Whom a task is about. Sorted, whatever their turn is, so that a name is found among many tasks."""
    names = first_ten(sorted(ids), 3)
    return names if len(ids) == 1 else f"{len(ids)} customers: {names}"


def customer_chunks(customers: Sequence[str]) -> list[Chunk]:
    """One customer each while there are some hundreds, runs of them beyond that."""
    size = math.ceil(len(customers) / MAX_CUSTOMER_TASKS) or 1
    parts = [customers[start : start + size] for start in range(0, len(customers), size)]
    return [Chunk(tuple(part), customers_label(part)) for part in parts]


async def one_after_another(ids: Sequence[str], step: Callable[[str], Awaitable[WorkLeft]]) -> WorkLeft:
    """Take each customer's step; an error at one ends the try of that one alone, and is raised after the last."""
    remaining, errors = WorkLeft(), list[Exception]()
    for customer_id in ids:
        try:
            remaining |= await step(customer_id)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return remaining


async def run_chunks(
    task: Task[..., Any],
    arguments: Sequence[Any],
    chunks: Sequence[Chunk],
    stage: str,
    width: int,
    settings: Settings,
    ended: Callable[[Chunk], None] = lambda _: None,
) -> list[str]:
    """Run `task(*arguments, ids, label)` for each chunk, `width` side by side, each with its retries.

    Whoever wants to is told of each chunk that has `ended`, however it did.

    What waits for its next try leaves its place to another.

    A chunk that fails does not stop another: what did not come through is on record, item by item. Returns, once all
    have ended, the error's type for each chunk that an exception ended: of those the record may not tell.
    """
    # Prefect types return_state on an async task as if it were not awaited.
    patient = cast(Any, task.with_options(**retrying(settings)))
    gate = asyncio.Semaphore(width)
    total = sum(len(chunk.ids) for chunk in chunks)
    report(stage, 0, total)

    crashes: list[str] = []

    async def one(chunk: Chunk) -> None:
        async with gate:
            # Set in a task of this group alone, whose context is its own.
            SLOT.set(gate)
            try:
                state = await patient(*arguments, as_it_is(chunk.ids), chunk.label, return_state=True)
                crash = await crash_of(state)
            except Exception as error:
                # Prefect itself gave up on it: as much a crash as one of the task's own.
                crash = type(error).__name__
        if crash is not None:
            crashes.append(crash)
        report(stage, len(chunk.ids), total)
        ended(chunk)

    async with asyncio.TaskGroup() as group:
        for chunk in chunks:
            group.create_task(one(chunk))
    return crashes
