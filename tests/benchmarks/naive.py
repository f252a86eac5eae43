"""The flow that an engineer writes in an afternoon: three tasks a customer, and the first loads the customer's block.

It does what `tests.benchmarks.contestants.bare` does, and Prefect sees every step. Nothing is durable between two of
them: killed after an enable it does not know whether that was sent.
"""

import asyncio
from typing import Any

from prefect import flow, task

from blocks.child_app import LinkedInChildApp, block_name
from tests.benchmarks.contestants import Loop, Order, customer_id, integration, session
from tests.benchmarks.gauge import Gauge

_loop: list[Loop] = []


@task(retries=3, retry_delay_seconds=2)
async def authorise(number: int) -> str:
    kind: Any = LinkedInChildApp
    block = await kind.aload(block_name(customer_id(number)))
    return await _loop[0].token(block.client_id, block.client_secret.get_secret_value())


@task(retries=3, retry_delay_seconds=2)
async def enable(number: int, token: str) -> None:
    await _loop[0].verify(token, integration(number), "REQUESTED")
    await _loop[0].enable(token, integration(number))


@task(retries=3, retry_delay_seconds=2)
async def confirm(number: int, token: str) -> None:
    await _loop[0].verify(token, integration(number), "ENABLED")


@flow
async def enable_all(first: int, last: int, at_once: int) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with gate:
            token = await authorise(number)
            await enable(number, token)
            await confirm(number, token)

    await asyncio.gather(*(one(number) for number in range(first, last + 1)))


async def naive(order: Order) -> dict[str, Any]:
    """As many customers at once as there are connections."""
    gauge = Gauge()
    gauge.watch()
    async with session(order.connections) as http:
        _loop.append(Loop(http, order.address))
        await enable_all(0, 0, 1)
        return {"apply": await gauge.measure(lambda: enable_all(1, order.customers, order.connections), order.prefect)}
