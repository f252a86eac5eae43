"""Those that are measured, each in a process of its own: `python -m tests.benchmarks.contestants WHO` on an `Order`.

The order comes as JSON on stdin, what it cost goes as JSON to stdout. Everybody takes one customer beforehand, so that
connections and caches are there; customer 0 is that one.
"""

import asyncio
import dataclasses
import json
import math
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from greenlight.domain.keys import IntegrationKey, as_query
from tests.benchmarks import far_end
from tests.benchmarks.gauge import Gauge
from tests.benchmarks.profiled import profiled

#: Customers that the bare loop takes at least.
_LEAST = 1000


@dataclasses.dataclass(frozen=True)
class Order:
    """How many customers, at which far end, over how many connections; the id of the Prefect server's process.

    `profile` has Greenlight say on stderr where its time goes, by this clock.
    """

    customers: int
    address: str
    connections: int
    prefect: int | None
    profile: str = ""


def integration(number: int) -> IntegrationKey:
    """The one that each customer has."""
    return IntegrationKey(far_end.context(far_end.client_id(number)), far_end.INTEGRATION_TYPE, far_end.TENANT_TYPE)


def customer_id(number: int) -> str:
    return f"customer-{number:06}"


class Loop:
    """What an engineer would send by hand: nothing is recorded, and nobody else's work is minded."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session, self._address = session, address

    async def token(self, client_id: str, client_secret: str) -> str:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        async with self._session.post(self._address + far_end.TOKEN_PATH, data=form) as answer:
            return (await answer.json())["access_token"]

    async def verify(self, token: str, key: IntegrationKey, expected: str) -> None:
        async with self._session.get(self._url(key), headers={"Authorization": f"Bearer {token}"}) as answer:
            (shown,) = (await answer.json())["results"].values()
            assert shown["onboardingStatus"] == expected

    async def enable(self, token: str, key: IntegrationKey) -> None:
        entity = {"patch": {"$set": {"integrationName": "a name"}}}
        headers = {"Authorization": f"Bearer {token}", "X-RestLi-Method": "batch_partial_update"}
        async with self._session.post(
            self._url(key), headers=headers, json={"entities": {key.as_body_key(): entity}}
        ) as answer:
            (result,) = (await answer.json())["results"].values()
            assert result["status"] == 204

    def _url(self, key: IntegrationKey) -> Any:
        from yarl import URL

        return URL(f"{self._address}{far_end.API_PATH}?{as_query([key])}", encoded=True)


def session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections), trust_env=False)


async def bare(order: Order) -> dict[str, Any]:
    """The four requests of each customer, one customer after another on each connection.

    Some hundreds take a blink, which says little: so many more are taken, and what they cost is for those ordered.
    """
    laps = math.ceil(_LEAST / order.customers)
    async with session(order.connections) as http:
        loop = Loop(http, order.address)

        async def one(number: int) -> None:
            key = integration(number)
            token = await loop.token(far_end.client_id(number), far_end.client_secret(number))
            await loop.verify(token, key, "REQUESTED")
            await loop.enable(token, key)
            await loop.verify(token, key, "ENABLED")

        async def everybody() -> None:
            left = iter(range(1, laps * order.customers + 1))

            async def work() -> None:
                for number in left:
                    await one(number)

            await asyncio.gather(*(work() for _ in range(order.connections)))

        await one(0)
        cost = await Gauge().measure(everybody, None)
        return {"apply": {**cost, "seconds": cost["seconds"] / laps, "cpu": cost["cpu"] / laps, "laps": laps}}


async def greenlight(order: Order) -> dict[str, Any]:
    """The flow that `greenlight apply --yes` runs, and once more when there is nothing left to do."""
    gauge = Gauge()
    gauge.watch()
    from flows.reconcile import reconcile
    from flows.request import What
    from tasks.plan import make_plan
    from tasks.sequences.shards import in_shards

    gauge.stage(in_shards, lambda stage, *_: {"look": "observe", "enable": "enable, confirm"}[stage])
    gauge.stage(make_plan, lambda *_, **__: "plan")

    async def run(**who: Any) -> None:
        state = await reconcile(What.APPLY, max_changes=order.customers, return_state=True, **who)
        if state.name != "Converged":
            raise RuntimeError(f"{state.name}: {state.message}")

    async def everybody() -> None:
        await run(except_customers=(customer_id(0),))

    await run(customers=(customer_id(0),))
    work = (lambda: profiled(gauge, everybody, order.profile)) if order.profile else everybody
    first = await gauge.measure(work, order.prefect)
    sent = far_end.counts(order.address)["requests"]
    again = await gauge.measure(everybody, order.prefect)
    again["requests"] = sum(far_end.counts(order.address)["requests"].values()) - sum(sent.values())
    return {"apply": first, "again": again}


async def _naive(order: Order) -> dict[str, Any]:
    from tests.benchmarks.naive import naive

    return await naive(order)


CONTESTANTS: dict[str, Callable[[Order], Coroutine[Any, Any, dict[str, Any]]]] = {
    "bare": bare,
    "greenlight": greenlight,
    "naive": _naive,
}


def main() -> None:
    order = Order(**json.load(sys.stdin))
    if sys.argv[1] != "bare":
        from cli.quiet import quiet_prefect

        quiet_prefect()
    json.dump(asyncio.run(CONTESTANTS[sys.argv[1]](order)), sys.stdout)


if __name__ == "__main__":
    main()
