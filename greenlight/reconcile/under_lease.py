"""A step under the parent application with one customer, which no other run is at meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

from greenlight.ats.applications import Applications
from greenlight.ats.present import CustomerForgotten
from greenlight.reconcile.customer_leases import Busy, CustomerLeases
from greenlight.reconcile.observe import Clock, WorkLeft


async def under_lease(
    leases: CustomerLeases,
    applications: Applications,
    clock: Clock,
    run_id: str,
    customer_id: str,
    step: Callable[[], Awaitable[WorkLeft]],
    forget: Callable[[], Awaitable[object]],
) -> WorkLeft:
    """Take a step with the customer to ourselves; one that another run keeps is put on record as busy, and is left.

    Of one that has left meanwhile what the step has stored is to be taken away again by `forget`.
    """
    try:
        async with leases.holding(customer_id, run_id):
            try:
                return await step()
            except CustomerForgotten:
                await forget()
                return WorkLeft()
    except Busy as busy:
        await asyncio.to_thread(applications.busy, customer_id, run_id, str(busy), clock())
        return WorkLeft(1, busy.wait)
