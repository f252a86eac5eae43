"""What a run under the parent application works with, open for the length of a flow run.

Tasks find it here and not among their parameters: parameters are recorded by Prefect, and this holds secrets.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from blocks.child_app import ChildAppBlocks, block_name
from blocks.parent_app import parent_credentials
from greenlight.ats.alarms import Alarms
from greenlight.ats.applications import Applications
from greenlight.ats.domains import DomainLists
from greenlight.ats.leases import Leases
from greenlight.ats.rotations import Rotations
from greenlight.domain.domains import DomainsWord, is_loopback_origin
from greenlight.domain.provisioning import ProvisionRequests
from greenlight.domain.reasons import Reason
from greenlight.linkedin.calls import Calls
from greenlight.linkedin.errors import LinkedInError
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens
from greenlight.linkedin.provisioning import Provisioner
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.provision import CannotProvision, NotStored, Provisioning
from greenlight.reconcile.rotate import Rotation
from greenlight.settings import Settings
from tasks.parts.beside import beside
from tasks.parts.resources import ground, now

#: Customers that a stage is at side by side, all of them under the one parent application.
CUSTOMERS_AT_ONCE = 8


@dataclass(frozen=True)
class ProvisioningResources:
    """The means of one run under the parent application."""

    settings: Settings
    applications: Applications
    provisioning: Provisioning
    rotations: Rotations
    rotation: Rotation
    lists: DomainLists
    alarms: Alarms
    counts: RequestCounts
    #: Whoever asks LinkedIn about a customer has a place in it: runs of one process may share it.
    at_once: asyncio.Semaphore
    #: The types of the errors that ended chunks of this run.
    crashes: list[str] = field(default_factory=list)

    def sent(self) -> ProvisionRequests:
        return ProvisionRequests(self.counts.token, self.counts.provision)


_CURRENT: ContextVar[ProvisioningResources] = ContextVar("provisioning_resources")


def current_provisioning() -> ProvisioningResources:
    """The resources of the flow run that this task belongs to."""
    return _CURRENT.get()


@asynccontextmanager
async def provisioning_resources(
    settings: Settings,
    new: Mapping[str, str] | None = None,
    word: DomainsWord | None = None,
    at_once: asyncio.Semaphore | None = None,
) -> AsyncIterator[ProvisioningResources]:
    """The means to provision with. Customers that are `new`, name by id, are on record before the first request; `word`
    says whose lists of domains may be changed.

    Raises NameDiffers, and CannotProvision where the parent's credentials do not work or no secret could be stored.
    """
    async with ground(settings) as (database, clock, wire):
        applications = Applications(database, settings.installation)
        await asyncio.to_thread(applications.add_customers, new or {}, now())
        parent = await parent_credentials()
        if parent is None:
            raise CannotProvision("no credentials of the parent application are held: `greenlight parent` stores them")
        counts = RequestCounts()
        tokens, store = Tokens(wire, settings.linkedin_token_url, counts), ChildAppBlocks()
        await _must_work(tokens, parent)
        await _must_be_storable(store)

        accepted = set[tuple[str, str]]()

        async def probe(credentials: Credentials) -> LinkedInError | None:
            # Tokens remembers a refusal for good, and a new application's is one that passes.
            try:
                await Tokens(wire, settings.linkedin_token_url, counts).get(credentials)
            except LinkedInError as error:
                return error
            accepted.add((credentials.client_id, credentials.fingerprint()))
            return None

        leases = CustomerLeases(Leases(database), now, sync=clock.sync)
        rotations, lists = Rotations(database), DomainLists(database)
        provisioner = Provisioner(Calls(wire, tokens, counts), settings.linkedin_api_url, parent)
        provisioning = Provisioning(
            applications,
            provisioner,
            store,
            block_name,
            probe,
            now,
            leases,
            ats_name=settings.ats_name,
            origins=settings.origins,
            lists=lists,
            word=word or DomainsWord(),
        )
        rotation = Rotation(applications, rotations, provisioner, store, probe, now, leases)
        resources = ProvisioningResources(
            settings,
            applications,
            provisioning,
            rotations,
            rotation,
            lists,
            Alarms(database),
            counts,
            at_once or asyncio.Semaphore(CUSTOMERS_AT_ONCE),
        )
        mark = _CURRENT.set(resources)
        try:
            async with beside(leases.renew()):
                yield resources
                await store.settle(lambda held, _: (held.client_id, held.fingerprint()) in accepted)
        finally:
            _CURRENT.reset(mark)


def must_have_real_origins(settings: Settings, lists: DomainLists) -> None:
    """Raise CannotProvision where the plugin would work on nobody's page: the setting can only be a mistake."""
    elsewhere = not is_loopback_origin(settings.linkedin_api_url)
    if elsewhere and all(map(is_loopback_origin, settings.origins)):
        raise CannotProvision(
            f"at LinkedIn no customer's plugin works on {', '.join(settings.origins)}, which is whatever machine "
            "its browser runs on: set GREENLIGHT_PORTAL_URL or GREENLIGHT_JS_SDK_DOMAINS first; nothing was made"
        )
    if all(map(is_loopback_origin, settings.origins)) and (real := lists.with_real_ones()):
        raise CannotProvision(
            f"{', '.join(settings.origins)} is nobody's page but this machine's own, and {real} applications have "
            "real domains, which were left as they are: set GREENLIGHT_PORTAL_URL or GREENLIGHT_JS_SDK_DOMAINS"
        )


async def _must_work(tokens: Tokens, parent: Credentials) -> None:
    try:
        await tokens.get(parent)
    except LinkedInError as error:
        if error.reason is Reason.CREDENTIALS_REFUSED:
            raise CannotProvision(
                f"LinkedIn refuses the parent application's credentials ({error.detail}): "
                "`greenlight parent` stores the right ones"
            ) from None
        # Anything else may pass by itself, and every customer's own try says so.


async def _must_be_storable(store: ChildAppBlocks) -> None:
    """Before LinkedIn shows a secret that it will not show again."""
    try:
        await store.must_be_writable()
    except NotStored as why:
        raise CannotProvision(
            f"nothing was made or replaced at LinkedIn, since no secret could be kept: {why}"
        ) from None
