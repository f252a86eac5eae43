"""The portal as customers meet it: on a socket of its own, before a sandbox, a Prefect server and an ATS database."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import SecretStr
from sqlmodel import SQLModel, select

from blocks.child_app import ChildAppBlocks, block_name
from cli.serving import bound, portal_server, worker_process
from greenlight.ats.database import Database, open_database
from greenlight.ats.registry import Registration, register
from greenlight.domain.keys import IntegrationKey
from greenlight.linkedin.oauth import Credentials
from greenlight.settings import Settings, load_settings
from portal.lifespan import create_portal
from portal.links import Links
from sandbox.app import create_app
from sandbox.keys import Key
from sandbox.plugin import keys_of_bundle
from sandbox.server import serving_in_thread
from sandbox.state import Sandbox
from sandbox.world import Parent, World

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

PARENT = Credentials("vendorparent", SecretStr("vendor-secret/+="))
_KEYS = ("a signing key of the tests",)


@dataclass(frozen=True)
class Customer:
    """A customer with a child application. The id is unlike any other test's, since blocks outlive a test."""

    id: str
    name: str
    client_id: str


@dataclass
class Stage:
    settings: Settings
    database: Database
    linkedin: Sandbox
    linkedin_url: str
    browser: Any
    #: What browsers reported to the portal, as its log has it.
    reports: list[str] = field(default_factory=list)

    async def add(self, name: str = "Acme GmbH & Co. KG", **application: Any) -> Customer:
        """A customer whose child application works and admits the plugin on the portal."""
        fields = {"js_sdk_domains": [self.settings.portal_url], "customer": name} | application
        client = self.linkedin.create_application(self.linkedin.parents[PARENT.client_id], fields)
        customer = Customer(f"acme-{uuid4().hex[:8]}", name, client.client_id)
        block = block_name(customer.id)
        await ChildAppBlocks().save_many({block: Credentials(client.client_id, SecretStr(client.secrets[0]))})
        self.want(customer, block=block)
        return customer

    def want(self, customer: Customer, *bundles: str, block: str | None = None) -> None:
        """Put the customer on record, with the integrations of these bundles."""
        keys = [key for bundle in bundles for key in self.keys(customer, bundle)]
        ours = [IntegrationKey(key.integration_context, key.integration_type, key.tenant_type) for key in keys]
        registration = Registration(
            customer.id,
            customer.name,
            (customer.client_id, block or block_name(customer.id)),
            [(key, f"{key.integration_type} of {customer.id}") for key in ours],
        )
        register(self.database, [registration], datetime.now(UTC))

    def keys(self, customer: Customer, bundle: str) -> list[Key]:
        """The integrations that a bundle of the plugin stands for, as LinkedIn's stand-in names them."""
        return keys_of_bundle(self.linkedin.clients[customer.client_id], bundle)

    def link(self, customer_id: str) -> str:
        """What the ATS sends an admin's browser to."""
        return f"{self.settings.portal_url}/open/{Links(_KEYS, time.time).issue(customer_id)}"

    def at_linkedin(self, client_id: str) -> dict[str, tuple[str | None, int, int]]:
        """By type: its status, and how many enables LinkedIn received and carried out."""
        integrations = self.linkedin.clients[client_id].integrations
        return {key.integration_type: (one.status, one.received, one.effective) for key, one in integrations.items()}

    def violations(self) -> list[Any]:
        """Broken rules, but for the one that a new process with an empty token cache breaks by being new."""
        return [violation for violation in self.linkedin.violations if violation.rule != "extra_token"]

    def rows(self, table: type[SQLModel]) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(select(table)))

    @asynccontextmanager
    async def visit(self, customer: Customer, **context: Any) -> "AsyncIterator[Visitor]":
        """A browser that has opened the customer's page. At the end it must have met nothing untoward."""
        async with self.visitor(**context) as visitor:
            await visitor.open(self.link(customer.id))
            yield visitor

    @asynccontextmanager
    async def visitor(self, **context: Any) -> "AsyncIterator[Visitor]":
        """A browser that has not been anywhere yet."""
        from tests.browser.visitor import Visitor

        wanted = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"} | context
        opened = await self.browser.new_context(**wanted)
        try:
            visitor = Visitor(opened, {self.settings.portal_url, self.linkedin_url})
            await visitor.begin()
            yield visitor
            await visitor.check()
        finally:
            await opened.close()

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """`greenlight worker` as operators run it.

        Not in this process: a worker that is cancelled there leaves its connection to Prefect open, which then gets
        rings that nobody hears.
        """
        with ExitStack() as stack:
            process = stack.enter_context(worker_process())
            # Leaving must not stop the portal, which runs in this loop.
            left = stack.pop_all()
        try:
            yield
            assert process.poll() is None, f"the worker has ended by itself, with {process.returncode}"
        finally:
            await asyncio.to_thread(left.close)


@asynccontextmanager
async def open_stage(
    database_url: str, setenv: Callable[[str, str], None], browser: Any, more: Mapping[str, str]
) -> AsyncIterator[Stage]:
    """Everything but a worker. `setenv` makes the settings those of this process, and `more` has the last word."""
    app = create_app(World(parents=[Parent(client_id=PARENT.client_id, client_secret="vendor-secret/+=")]))
    with serving_in_thread(app) as linkedin, bound("127.0.0.1", 0) as listener:
        portal = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = {
            "GREENLIGHT_DATABASE_URL": database_url,
            "GREENLIGHT_LINKEDIN_API_URL": linkedin,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{linkedin}/oauth/v2/accessToken",
            "GREENLIGHT_LINKEDIN_WIDGET_URL": f"{linkedin}/uas/in.js",
            "GREENLIGHT_PORTAL_URL": portal,
            "GREENLIGHT_ATS_NAME": "Talentgrid",
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.1,0.1",
        }
        for name, value in {**settings, **more}.items():
            setenv(name, value)
        database = open_database(database_url)
        try:
            stage = Stage(load_settings(), database, app.state.sandbox, linkedin, browser)
            with _reports_kept(stage.reports):
                async with _serving(stage, listener):
                    yield stage
        finally:
            database.close()


@asynccontextmanager
async def _serving(stage: Stage, listener: Any) -> AsyncIterator[None]:
    server = portal_server(create_portal(stage.settings, stage.database, _KEYS))
    # Signals stay with whoever runs the tests.
    task = asyncio.create_task(server._serve([listener]))
    await until(lambda: server.started or task.done())
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Kept(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__()
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        if "a browser reports" in record.msg:
            self._kept.append(record.getMessage())


@contextmanager
def _reports_kept(kept: list[str]) -> Iterator[None]:
    logger, handler = logging.getLogger("portal.routes"), _Kept(kept)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


async def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait for something in this process to be so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.005)
