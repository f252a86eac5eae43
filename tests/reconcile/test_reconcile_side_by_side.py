"""What is taken side by side: one chunk ends after the other, and one customer's many keep nobody else waiting."""

import asyncio
from collections.abc import Mapping, Sequence

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database
from greenlight.ats.leases import Leases
from greenlight.ats.store import Store
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.status import Status
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.enable import Enabling
from greenlight.reconcile.observe import Observer, Purpose
from tests.ats.world import NOON, TYPES, attempts_at, bring_in, customer, shows, wanted
from tests.reconcile.stand_ins import Everybodys, Shows


class InOrder(Shows):
    """Keeps who was looked at, one after the other."""

    def __init__(self) -> None:
        self.looked, self.begun = list[str](), asyncio.Event()

    async def verify(
        self, credentials: Credentials, keys: Sequence[IntegrationKey], **named: object
    ) -> Mapping[IntegrationKey, Seen]:
        self.looked.append(credentials.client_id)
        self.begun.set()
        await asyncio.sleep(0)
        return await super().verify(credentials, keys, **named)


async def test_of_two_chunks_the_first_is_looked_at_first(database: Database) -> None:
    """If both went on side by side, both would end at once, and nobody would be under way while the next ones begin."""
    ids = bring_in(database, *(customer(f"c{number}") for number in range(8)))
    seen = InOrder()
    leases = CustomerLeases(Leases(database), lambda: NOON)
    observer = Observer(Store(database), seen, Everybodys(), lambda: NOON, leases, width=1)  # pyright: ignore[reportArgumentType]
    first = asyncio.create_task(observer.look("run-1", Purpose.OBSERVE, ids[:4]))
    await seen.begun.wait()
    await asyncio.gather(first, observer.look("run-1", Purpose.OBSERVE, ids[4:]))
    assert seen.looked == [f"client-c{number}" for number in range(8)]


class Waiting(Shows):
    """LinkedIn answers one customer's enables when another one's has come."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    async def enable(self, credentials: Credentials, *_: object, **__: object) -> None:
        if credentials.client_id == "client-bolt":
            self.came.set()
        await self.came.wait()


async def test_many_integrations_of_one_customer_keep_no_other_customer_waiting(database: Database) -> None:
    """They go one after another, and those that wait for their turn take nobody's place."""
    ids = bring_in(database, customer("acme", TYPES), customer("bolt"))
    for id in ids:
        shows(database, id, Status.REQUESTED, NOON)
    leases = CustomerLeases(Leases(database), lambda: NOON)
    enabling = Enabling(Attempts(database), Waiting(), Everybodys(), lambda: NOON, leases, 15, 60, width=2)  # pyright: ignore[reportArgumentType]
    async with asyncio.timeout(20):
        await asyncio.gather(*(enabling.enable("run-1", wanted(database, id)) for id in ids))
    assert [len(attempts_at(database, id)) for id in ids] == [1] * len(ids)
