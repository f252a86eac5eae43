"""Many customers click Request at the same moment: how many a second become ENABLED, and what a click alone takes.

`python -m tests.benchmarks.burst [--customers 200] [--rounds 3]`: a Prefect server, `greenlight worker`, `greenlight
portal` and LinkedIn's stand-in on this machine, each a process of its own, from the first `POST /requests` on, beside a
bare loop with the same three calls. SQLite, loopback only.
"""

import argparse
import asyncio
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from cli.quiet import quiet_prefect

quiet_prefect()

import httpx  # noqa: E402 - Prefect reads its settings on import

from blocks.child_app import block_name  # noqa: E402
from blocks.portal_keys import portal_keys  # noqa: E402
from cli.serving import free_port, signed_link, worker_process  # noqa: E402
from greenlight.ats.database import make_database  # noqa: E402
from greenlight.ats.registry import Registration, register  # noqa: E402
from greenlight.settings import Settings, load_settings  # noqa: E402
from tests.benchmarks import far_end  # noqa: E402
from tests.benchmarks.contestants import Loop, customer_id, integration, session  # noqa: E402
from tests.benchmarks.gauge import cpu_of  # noqa: E402
from tests.benchmarks.setting_up import prefect_server  # noqa: E402
from tests.portal.world import Page  # noqa: E402

#: Connections of the bare loop, as many as Greenlight has.
CONNECTIONS = 32
#: How often the far end is asked how many are enabled. It knows itself when each was.
_LOOK_SECONDS, _LONGEST_SECONDS = 0.05, 120.0

#: Process ids by what they are, of everything but the far end.
Processes = dict[str, int]


class Burst(NamedTuple):
    """Seconds from the first click on: until each POST was answered, and when each customer was ENABLED.

    `cpu` is CPU seconds until then by process.
    """

    answered: float
    enabled: list[float]
    cpu: dict[str, float]

    @property
    def per_second(self) -> float:
        return len(self.enabled) / self.enabled[-1]


class Place(NamedTuple):
    """What stands: the settings, the portal's keys, where the far end is and who is running."""

    settings: Settings
    keys: list[str]
    linkedin: str
    processes: Processes


async def page_of(there: Place, number: int) -> bytes:
    """Opens the customer's page, and returns the callback that is then to be posted, as it goes over the wire."""
    url = there.settings.portal_url
    async with httpx.AsyncClient(trust_env=False, timeout=60, follow_redirects=True) as client:
        link = signed_link(there.settings, there.keys, customer_id(number))
        opened = await client.post(link, headers={"Origin": url})
        named = integration(number)
        request = client.build_request(
            "POST",
            f"{url}/requests",
            headers={"Origin": url, "X-CSRF-Token": Page(opened.text).csrf, "Connection": "close"},
            json={
                "integrations": [
                    {
                        "integrationContext": named.integration_context,
                        "integrationType": named.integration_type,
                        "tenantType": named.tenant_type,
                    }
                ]
            },
        )
    head = b"".join(name + b": " + value + b"\r\n" for name, value in request.headers.raw)
    return b"POST /requests HTTP/1.1\r\n" + head + b"\r\n" + request.content


async def click(there: Place, callback: bytes) -> None:
    """A browser's post, by as little as can be: 200 of a customer's machines are not what is measured."""
    address = httpx.URL(there.settings.portal_url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(callback)
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 202 "):
        raise RuntimeError(f"a click was answered with {answer[:200]!r}")


async def burst(there: Place, numbers: range) -> Burst:
    """These customers click at once. Raises where one of them is lost, or LinkedIn got what it should not have."""
    callbacks = [await page_of(there, number) for number in numbers]
    before = far_end.counts(there.linkedin)
    used = {name: cpu_of(pid) for name, pid in there.processes.items()}
    begun = time.time()
    await asyncio.gather(*(click(there, callback) for callback in callbacks))
    answered = time.time() - begun
    while len(seen := far_end.counts(there.linkedin)["enabled_at"]) < before["enabled"] + len(numbers):
        if time.time() - begun > _LONGEST_SECONDS:
            raise RuntimeError(f"{before['enabled'] + len(numbers) - len(seen)} of {len(numbers)} were lost")
        await asyncio.sleep(_LOOK_SECONDS)
    cpu = {name: cpu_of(pid) - used[name] for name, pid in there.processes.items()}
    after = far_end.counts(there.linkedin)
    cpu["far end"] = after["cpu"] - before["cpu"]
    sent = after["requests"]["enable"] - before["requests"].get("enable", 0)
    if after["violations"] or sent != len(numbers):
        raise RuntimeError(f"{sent} enables were sent for {len(numbers)} customers; {after['violations']}")
    return Burst(answered, [at - begun for at in seen[before["enabled"] :]], cpu)


async def bare(customers: int) -> float:
    """Customers a second by LinkedIn's three calls alone: a token, verify, enable. Nothing is recorded."""
    with far_end.far_end(0) as address:
        waiting = list(range(customers))
        async with session(CONNECTIONS) as http:
            loop = Loop(http, address)

            async def some() -> None:
                while waiting:
                    number = waiting.pop()
                    token = await loop.token(far_end.client_id(number), far_end.client_secret(number))
                    await loop.verify(token, integration(number), "REQUESTED")
                    await loop.enable(token, integration(number))

            begun = time.monotonic()
            await asyncio.gather(*(some() for _ in range(CONNECTIONS)))
            return customers / (time.monotonic() - begun)


@contextmanager
def _portal() -> Iterator[int]:
    """`greenlight portal` as a child with this process's environment; the id of its process."""
    command = [sys.executable, "-m", "cli", "portal", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            yield process.pid
        finally:
            process.terminate()


@asynccontextmanager
async def place(folder: str, customers: int, prefect: int) -> AsyncIterator[Place]:
    """Everything that runs, with so many customers who have applications and have requested nothing yet."""
    os.environ["GREENLIGHT_DATABASE_URL"] = url = f"sqlite:///{folder}/ats.db"
    os.environ["GREENLIGHT_PORTAL_URL"] = f"http://127.0.0.1:{free_port(8790)}"
    os.environ["GREENLIGHT_PORTAL_TRUSTED_PROXIES"] = ""
    database = make_database(url)
    register(database, map(_registration, range(customers)), datetime.now(UTC))
    database.close()
    with far_end.far_end(0) as linkedin:
        os.environ["GREENLIGHT_LINKEDIN_API_URL"] = linkedin
        os.environ["GREENLIGHT_LINKEDIN_TOKEN_URL"] = linkedin + far_end.TOKEN_PATH
        keys = await portal_keys()
        with worker_process() as worker, _portal() as portal:
            processes = {"portal": portal, "worker": worker.pid, "Prefect": prefect, "clicks": os.getpid()}
            yield Place(load_settings(), keys, linkedin, processes)


def _registration(number: int) -> Registration:
    name = customer_id(number)
    return Registration(name, name, (far_end.client_id(number), block_name(name)), [])


async def measure(customers: int, rounds: int, folder: str, prefect: int) -> None:
    async with place(folder, rounds * (customers + 1) + 1, prefect) as there:
        # Once for every connection and cache, and to see that the worker is there.
        await burst(there, range(1))
        rates, ratios, next_one = list[float](), list[float](), 1
        for _ in range(rounds):
            alone = (await burst(there, range(next_one, next_one + 1))).enabled[0]
            together = await burst(there, range(next_one + 1, next_one + 1 + customers))
            next_one += customers + 1
            loop = await bare(customers)
            rates.append(together.per_second)
            ratios.append(together.per_second / loop)
            sys.stdout.write(
                f"{customers} clicks: answered in {together.answered:.2f} s, {together.per_second:.1f}/s to ENABLED, "
                f"median {statistics.median(together.enabled):.2f} s, last {together.enabled[-1]:.2f} s; "
                f"bare {loop:.1f}/s; one click alone {alone:.2f} s; "
                f"CPU s: {', '.join(f'{name} {spent:.2f}' for name, spent in together.cpu.items())}\n"
            )
            sys.stdout.flush()
    told = f"{statistics.median(rates):.1f}/s, from {min(rates):.1f} to {max(rates):.1f}"
    sys.stdout.write(f"median {told} in {rounds} rounds; burst / bare: median {statistics.median(ratios):.3f}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        with prefect_server(given.rounds * (given.customers + 1) + 1) as prefect:
            asyncio.run(measure(given.customers, given.rounds, folder, prefect))


if __name__ == "__main__":
    main()
