"""The world that processes provision in and are killed in."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from sqlmodel import select

from blocks.child_app import ChildAppBlocks, block_name
from greenlight.ats.applications import Applications
from greenlight.ats.database import open_database
from greenlight.ats.tables import ChildApplication
from greenlight.linkedin.oauth import Credentials
from sandbox.world import Application, Fault, Parent, World
from tests.kill.harness import Cell, Driver, client_of, engine_of, why
from tests.kill.harness import customers as some
from tests.kill.steps import PARENT

ORIGINS = ["https://jobs.example.com", "https://eu.example.com:8443"]
OLD_ORIGINS = ["https://old.example.com"]
SECRET = "vendor-secret/+="
#: Seconds after which a dead process's lease is over (`greenlight.ats.leases`).
LEASE = 20
#: More than there are steps on any path; the driver stops by itself where they end.
ENOUGH = 64
#: Between a rotation's answer and the block: the secret that LinkedIn has shown is lost for good.
WINDOW = ["rotate: after", "block save: before", "document: before"]


def customers(count: int = ENOUGH) -> list[str]:
    return some(count)


def vendor(*faults: Fault, applications: Sequence[Application] = ()) -> World:
    parent = Parent(client_id=PARENT, client_secret=SECRET, faults=list(faults))
    return World(parents=[parent], applications=list(applications), secret_in_finder=False)


def there_already(customer: str, secret: str = "known-to-nobody", origins: Sequence[str] = ORIGINS) -> Application:
    """The customer's application at LinkedIn."""
    return Application(
        client_id=client_of(customer),
        client_secret=secret,
        unique_foreign_id=customer,
        name=f"ATS - {customer}",
        js_sdk_domains=list(origins),
        parent=PARENT,
    )


class Town:
    """LinkedIn's stand-in, the ATS database and Prefect's blocks, as they are seen from outside of any run."""

    def __init__(self, driver: Driver, linkedin: Any, address: str, database_url: str) -> None:
        self.linkedin = linkedin
        self._driver = driver
        self._of = f"provisioning, {engine_of(database_url)}"
        self._database_url = database_url
        self._env = {
            "GREENLIGHT_DATABASE_URL": database_url,
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_HTTP_TIMEOUT_SECONDS": "20",
            "GREENLIGHT_SETTLE_SECONDS": "1",
            "GREENLIGHT_JS_SDK_DOMAINS": ",".join(ORIGINS),
        }

    def work(self, cells: Sequence[Cell]) -> list[dict[str, Any]]:
        return self._driver.work(self._job(cells), self._of)

    def matrix(self, names: Sequence[str], *, new: bool = True, act: str = "provision") -> list[dict[str, Any]]:
        """See `Driver.matrix`; the n-th cell is about the n-th of these customers."""
        return self._driver.matrix(self._job([{"customer": name, "new": new, "act": act} for name in names]), self._of)

    def _job(self, cells: Sequence[Cell]) -> Cell:
        warm_up = {"act": "provision", "customer": f"warm up {uuid4().hex}", "new": True}
        return {
            "env": self._env,
            "warm_up": warm_up,
            "cells": [{"act": "provision", "ahead": LEASE, **cell} for cell in cells],
        }

    def add(self, names: Sequence[str]) -> None:
        """Put customers on record that have nothing yet."""
        with closing(open_database(self._database_url)) as database:
            Applications(database).add_customers({name: name for name in names}, datetime.now(UTC))

    def on_record(self, names: Sequence[str], origins: Sequence[str]) -> None:
        """Put customers and their working applications on record, as an earlier run has done."""
        at = datetime.now(UTC)
        with closing(open_database(self._database_url)) as database:
            applications = Applications(database)
            applications.add_customers({name: name for name in names}, at)
            for name in names:
                urn = self.linkedin.clients[client_of(name)].urn
                applications.put(
                    name, client_of(name), block_name(name), at, urn=urn, name=name, js_sdk_domains=origins
                )
                applications.worked(name, at)

    @staticmethod
    async def hold(names: Sequence[str], secret: str) -> None:
        """Put the secret into the customers' blocks."""
        held = {block_name(name): Credentials(client_of(name), SecretStr(secret)) for name in names}
        await ChildAppBlocks().save_many(held)

    async def check(self, cells: Sequence[Mapping[str, Any]], *, person: Sequence[str] = ()) -> None:
        """What is claimed of each cell's customer, after its last run; `person` names those that need one.

        One application at LinkedIn, its working secret in the block, and the application on record by its client id.
        """
        for cell in cells:
            result = cell["runs"][-1].get("result")
            assert result is not None, why(cell)
            assert result["left"] == 0, why(cell)
            reason = "TOO_MANY_SECRETS" if cell["customer"] in person else "APPLICATION_WORKS"
            assert [said for _, said in result["items"]] == [reason], why(cell)
        await self.check_state(cells, person=person)

    async def check_state(
        self, cells: Sequence[Mapping[str, Any]], *, person: Sequence[str] = (), allowed: Sequence[str] = ()
    ) -> None:
        """The same without what the runs said of it. `allowed` are rules of LinkedIn's that they may have broken."""
        names = [cell["customer"] for cell in cells]
        held = await ChildAppBlocks().get_many([block_name(name) for name in names])
        with closing(open_database(self._database_url)) as database, database.reading() as session:
            rows = {row.customer_id: row for row in session.exec(select(ChildApplication))}
        at_linkedin: dict[str, list[dict[str, Any]]] = {}
        for application in self.linkedin.state()["applications"]:
            at_linkedin.setdefault(application["unique_foreign_id"], []).append(application)
        for cell in cells:
            name = cell["customer"]
            assert len(at_linkedin.get(name, [])) == 1, why(cell)
            (ours,) = at_linkedin[name]
            credentials = held.get(block_name(name))
            if name in person:
                assert len(ours["secret_sha256"]) == 2, why(cell)
                assert credentials is None, why(cell)
                continue
            assert credentials is not None, why(cell)
            assert credentials.client_id == ours["client_id"], why(cell)
            assert _digest(credentials) in ours["secret_sha256"], why(cell)
            row = rows[name]
            assert (row.client_id, row.application_urn) == (ours["client_id"], ours["urn"]), why(cell)
            assert row.works_since is not None, why(cell)
            assert set(row.js_sdk_domains or ()) == set(ours["js_sdk_domains"]) >= set(ORIGINS), why(cell)
            assert set(row.own_domains or ()) == set(ORIGINS), why(cell)
        broken = [one for one in self.linkedin.violations if one.rule not in ("extra_token", *allowed)]
        assert broken == [], "each process is new and holds no token, and breaks no other rule"

    async def after_a_person(self, cells: Sequence[Mapping[str, Any]], *, new: bool = True) -> None:
        """A person deletes one secret of each of these, and the next run completes them."""
        wanted: list[dict[str, Any]] = []
        for number, cell in enumerate(cells):
            (client,) = [c for c in self.linkedin.clients.values() if c.unique_foreign_id == cell["customer"]]
            # None of the two is held, so it does not matter which one goes.
            self.linkedin.delete_secret(client.client_id, ("oldest", "newest")[number % 2])
            wanted.append({"customer": cell["customer"], "new": new, "kills": []})
        await self.check(self.work(wanted))


def _digest(credentials: Credentials) -> str:
    return hashlib.sha256(credentials.client_secret.get_secret_value().encode()).hexdigest()


def lost_a_secret(cell: Mapping[str, Any]) -> bool:
    """Whether a run was killed in the window: what it rotated is neither with us nor ever shown again."""
    return any(run["killed"] and _in_the_window(run["steps"]) for run in cell["runs"])


def _in_the_window(steps: Sequence[str]) -> bool:
    """A document that is written after the secret's own keeps the one before it."""
    if steps[-1] not in WINDOW or "rotate: after" not in steps:
        return False
    return "document: after" not in steps[steps.index("rotate: after") :]
