"""Many customers click Request at the same moment: how many a second become ENABLED, and what a click alone takes.

`python tests/benchmarks/burst.py [--customers 200] [--rounds 3]`: a Prefect server, `greenlight worker`, the portal and
the sandbox on this machine, from `POST /requests` on, beside a bare loop with the same three calls. Loopback only.
"""

import argparse
import asyncio
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import NamedTuple

from cli.quiet import quiet_prefect

quiet_prefect()

import httpx  # noqa: E402
from pydantic import SecretStr  # noqa: E402

from cli.serving import local_prefect  # noqa: E402
from greenlight.ats.database import make_database  # noqa: E402 - Prefect reads its settings on import
from greenlight.domain.keys import IntegrationKey  # noqa: E402
from greenlight.linkedin.calls import Calls  # noqa: E402
from greenlight.linkedin.integrations import Enabler  # noqa: E402
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens  # noqa: E402
from greenlight.linkedin.transport import Wire  # noqa: E402
from tests.benchmarks.request_to_enabled import BUNDLE, is_enabled  # noqa: E402
from tests.browser.stage import Customer, Stage, open_stage, until  # noqa: E402
from tests.portal.world import Page  # noqa: E402

#: Connections of the bare loop, as many as Greenlight has.
CONNECTIONS = 32

#: The portal ends a connection that waits for longer than it takes to add the other customers.
_UNSHARED = httpx.Limits(max_keepalive_connections=0)

Click = Callable[[], Awaitable[None]]


class Burst(NamedTuple):
    """Seconds from the first click on: until each POST was answered, and when each customer was ENABLED."""

    answered: float
    enabled: list[float]

    @property
    def per_second(self) -> float:
        return len(self.enabled) / self.enabled[-1]


async def page_of(there: Stage, customer: Customer, client: httpx.AsyncClient) -> Click:
    """Opens the customer's page, lets LinkedIn have the request, and returns the callback that is then to be posted."""
    ours = {"Origin": there.settings.portal_url}
    opened = await client.post(there.link(customer.id), headers=ours, follow_redirects=True)
    (key,) = there.keys(customer, BUNDLE)
    there.linkedin.request(customer.client_id, key)
    named = dict(zip(("integrationContext", "integrationType", "tenantType"), key, strict=False))
    headers = {**ours, "X-CSRF-Token": Page(opened.text).csrf}

    async def click() -> None:
        url = f"{there.settings.portal_url}/requests"
        (await client.post(url, json={"integrations": [named]}, headers=headers)).raise_for_status()

    return click


async def burst(there: Stage, customers: int) -> Burst:
    async with AsyncExitStack() as stack:
        clicking: dict[str, tuple[Customer, Click]] = {}
        for number in range(customers):
            customer = await there.add(f"customer {number}")
            client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=60, limits=_UNSHARED))
            clicking[customer.id] = (customer, await page_of(there, customer, client))
        begun = time.monotonic()
        await asyncio.gather(*(click() for _, click in clicking.values()))
        answered = time.monotonic() - begun
        waiting, enabled = [customer for customer, _ in clicking.values()], list[float]()

        def all_are() -> bool:
            now = time.monotonic() - begun
            for customer in [each for each in waiting if is_enabled(there, each)]:
                waiting.remove(customer)
                enabled.append(now)
            return not waiting

        await until(all_are, 300)
        return Burst(answered, enabled)


async def bare(there: Stage, customers: int) -> float:
    """Customers a second by LinkedIn's three calls alone: a token, verify, enable. Nothing is recorded."""
    waiting = [await there.add(f"customer {number}, bare") for number in range(customers)]
    for customer in waiting:
        there.linkedin.request(customer.client_id, there.keys(customer, BUNDLE)[0])
    wire = Wire(60)
    counts = RequestCounts()
    calls = Calls(wire, Tokens(wire, there.settings.linkedin_token_url, counts), counts)
    enabler = Enabler(calls, there.settings.linkedin_api_url)

    async def some() -> None:
        while waiting:
            customer = waiting.pop()
            (key,) = there.keys(customer, BUNDLE)
            ours = IntegrationKey(key.integration_context, key.integration_type, key.tenant_type)
            secret = there.linkedin.clients[customer.client_id].secrets[0]
            credentials = Credentials(customer.client_id, SecretStr(secret))
            await enabler.verify(credentials, [ours])
            await enabler.enable(credentials, ours, "a name")

    begun = time.monotonic()
    try:
        await asyncio.gather(*(some() for _ in range(CONNECTIONS)))
    finally:
        await wire.aclose()
    return customers / (time.monotonic() - begun)


async def measure(customers: int, rounds: int, folder: str) -> None:
    url = f"sqlite:///{folder}/ats.db"
    make_database(url).close()
    async with AsyncExitStack() as stack:
        limits = {"GREENLIGHT_PORTAL_TRUSTED_PROXIES": ""}
        there = await stack.enter_async_context(open_stage(url, os.environ.__setitem__, None, limits))
        await stack.enter_async_context(there.worker())
        # Once for every connection and cache, and to see that the worker is there.
        await burst(there, 1)
        ratios: list[float] = []
        for _ in range(rounds):
            alone = (await burst(there, 1)).enabled[0]
            together = await burst(there, customers)
            loop = await bare(there, customers)
            ratios.append(together.per_second / loop)
            sys.stdout.write(
                f"{customers} clicks: answered in {together.answered:.2f} s, {together.per_second:.1f}/s to ENABLED, "
                f"median {statistics.median(together.enabled):.2f} s, last {together.enabled[-1]:.2f} s; "
                f"bare {loop:.1f}/s; one click alone {alone:.2f} s\n"
            )
        assert there.violations() == []
    spread = f"from {min(ratios):.3f} to {max(ratios):.3f}"
    sys.stdout.write(f"burst / bare: median {statistics.median(ratios):.3f}, {spread} in {rounds} rounds\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        with local_prefect():
            asyncio.run(measure(given.customers, given.rounds, folder))


if __name__ == "__main__":
    main()
