"""Get a customer its one child application (docs/life-of-an-integration.md#0-the-customers-child-application).

LinkedIn keeps it at one per `uniqueForeignId`, which is ours and never changes. The secret is answered once: it is in
its block before anything else happens, and where that answer was lost it is replaced by rotation, never by a second
application.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from contextlib import suppress
from functools import partial
from typing import Protocol

from greenlight.ats.applications import Applications
from greenlight.ats.candidates import Application, Candidate
from greenlight.ats.domains import DomainLists
from greenlight.ats.present import CustomerForgotten
from greenlight.ats.registry import ClientIdTaken
from greenlight.domain.applications import application_name
from greenlight.domain.domains import DomainChange, DomainsWord, domain_change
from greenlight.domain.provisioning import Provision
from greenlight.domain.reasons import Reason
from greenlight.errors import PrefectTrouble, RefusedByRule
from greenlight.linkedin.errors import LinkedInError, Refused
from greenlight.linkedin.oauth import Credentials
from greenlight.linkedin.provisioning import Found, NewApplication, Provisioner, is_unsettled, says_taken
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.observe import Clock, CredentialSource, WorkLeft, wait_of
from greenlight.reconcile.under_lease import under_lease

_DONE = WorkLeft()

#: Asks LinkedIn for a token: None if it gives one.
Probe = Callable[[Credentials], Awaitable[LinkedInError | None]]


class CannotProvision(RefusedByRule):
    """Nothing can be provisioned at all. The text says why and what to do."""


class NotStored(PrefectTrouble):
    """A store did not take credentials for as long as they were offered. The text says what came last, what to do."""


class CredentialStore(CredentialSource, Protocol):
    """Where child-application credentials are kept, by name. They are durable when `save_many` returns.

    It tries for minutes before it raises NotStored, since what it is given may be nowhere else.
    """

    async def save_many(self, wanted: Mapping[str, Credentials]) -> Set[str]: ...

    async def delete(self, name: str) -> bool: ...


class Provisioning:
    """Provisions customers. `origins` are what each application's `validJsSdkDomains` should have of ours.

    `word` says which lists that are there already may be changed.
    """

    def __init__(
        self,
        applications: Applications,
        provisioner: Provisioner,
        store: CredentialStore,
        block_name: Callable[[str], str],
        probe: Probe,
        clock: Clock,
        leases: CustomerLeases,
        *,
        ats_name: str,
        origins: Sequence[str],
        lists: DomainLists,
        word: DomainsWord,
    ) -> None:
        self._applications = applications
        self._provisioner = provisioner
        self._store = store
        self._block_name = block_name
        self._probe = probe
        self._clock = clock
        self._leases = leases
        self._ats_name = ats_name
        self._origins = origins
        self._lists = lists
        self._word = word
        #: For a run that compares: nothing at LinkedIn is changed.
        self.only_looks = False

    async def provision(self, run_id: str, customer_id: str, *, look: bool = False) -> WorkLeft:
        """Take one customer as far as it goes now, and record where that is; `look` compares with LinkedIn as well.

        Raises nothing for what LinkedIn answers. What is left may pass by itself and is to be called again.
        """
        return await under_lease(
            self._leases,
            self._applications,
            self._clock,
            run_id,
            customer_id,
            lambda: self._step(run_id, customer_id, look),
            lambda: self._store.delete(self._block_name(customer_id)),
        )

    async def _step(self, run_id: str, customer_id: str, look: bool) -> WorkLeft:
        candidate = await asyncio.to_thread(self._applications.begin, customer_id, run_id, self._clock())
        try:
            outcome = await self._converge(run_id, candidate, look=look)
        except LinkedInError as error:
            await self._record(customer_id, Provision.FAILED, error.reason, error.detail)
            return WorkLeft(1, wait_of(error)) if error.worth_repeating else _DONE
        except ClientIdTaken as taken:
            await self._record(customer_id, Provision.FAILED, Reason.APPLICATION_OF_ANOTHER, str(taken))
            return _DONE
        except NotStored as lost:
            await self._record(customer_id, Provision.FAILED, Reason.SECRET_NOT_STORED, str(lost))
            return _DONE
        except CustomerForgotten:
            raise
        except Exception as error:
            # Said where people look for this customer, and then by the run as a whole.
            with suppress(Exception):
                await self._record(customer_id, Provision.FAILED, Reason.PROVISIONING_UNFINISHED, type(error).__name__)
            raise
        application = await asyncio.to_thread(self._applications.on_record, customer_id)
        works = application is not None and application.works
        await self._record(customer_id, outcome, Reason.APPLICATION_WORKS if works else Reason.APPLICATION_NOT_READY)
        return _DONE

    async def check(self, candidate: Candidate, outcome: Provision, *, last: bool) -> bool:
        """Whether LinkedIn accepts the application's credentials; with `last`, a no is put on record.

        A new application may take minutes to work (docs/linkedin.md#after-create).
        """
        application = candidate.application
        held = await self._held(candidate)
        if application is None or held is None:
            return False
        error = await self._probe(held)
        if error is None:
            # For one that was forgotten nobody waits any more.
            with suppress(CustomerForgotten):
                await asyncio.to_thread(self._applications.worked, candidate.customer_id, self._clock(), outcome)
            return True
        if last and application.urn is not None:
            refused = error.reason is Reason.CREDENTIALS_REFUSED
            reason = Reason.APPLICATION_NOT_READY if refused else error.reason
            await self._record(candidate.customer_id, Provision.WAITING, reason, error.detail)
        elif last:
            await self._record(candidate.customer_id, Provision.FAILED, error.reason, error.detail)
        return False

    async def _converge(self, run_id: str, candidate: Candidate, *, look: bool) -> Provision:
        application = candidate.application
        if application is None:
            return await self._obtain(run_id, candidate)
        held = await self._held(candidate)
        if application.urn is None:
            if held is None:
                raise Refused(Reason.CREDENTIALS_MISSING)
            found = await self._provisioner.find(candidate.unique_foreign_id) if look else None
            if found is not None and found.client_id == application.client_id:
                # Ours all the same: its keys were given up for others, and are back.
                return await self._adopt(run_id, candidate, found, held)
            return Provision.UNCHANGED
        change = domain_change(application.js_sdk_domains or (), application.own_domains, self._origins)
        if look or change.changes:
            # Also before a list is replaced: what somebody has added meanwhile would be lost.
            found = await self._provisioner.find(candidate.unique_foreign_id)
            if found is None or found.client_id != application.client_id:
                instead = "nothing" if found is None else found.client_id
                raise Refused(
                    Reason.APPLICATION_GONE,
                    f"under {candidate.unique_foreign_id} it has {instead}, not {application.client_id}",
                )
            change = await self._compared(run_id, candidate, application, found)
        renewed = held is None or held.client_id != application.client_id
        if renewed and self.only_looks:
            raise Refused(Reason.CREDENTIALS_MISSING)
        if renewed:
            await self._save_rotated(candidate, application.urn, application.client_id)
            await asyncio.to_thread(self._applications.renewed, candidate.customer_id)
        if change.changes:
            if held_for := self._word.holds(candidate.customer_id, change):
                raise Refused(Reason.DOMAINS_HELD, held_for)
            await self._set_domains(run_id, candidate, application.urn, change)
        if change.changes or change.after != application.js_sdk_domains or change.own != application.own_domains:
            await self._put(candidate, application.client_id, application.urn, None, change)
        return Provision.UPDATED if renewed or change.changes else Provision.UNCHANGED

    async def _compared(
        self, run_id: str, candidate: Candidate, application: Application, found: Found
    ) -> DomainChange:
        """What the list that LinkedIn shows is to become; one that is not the list on record is put there."""
        known = application.js_sdk_domains or ()
        change = domain_change(found.js_sdk_domains, application.own_domains, self._origins)
        if set(found.js_sdk_domains) != set(known):
            drift = DomainChange(known, found.js_sdk_domains, change.own, change.foreign)
            record = partial(self._lists.record, found=True)
            await asyncio.to_thread(record, candidate.customer_id, drift, run_id, self._clock())
            # As it is, with what was ours before: whether it is changed is another question.
            seen = DomainChange(found.js_sdk_domains, found.js_sdk_domains, application.own_domains, change.foreign)
            await self._put(candidate, application.client_id, found.urn, None, seen)
        return change

    async def _set_domains(self, run_id: str, candidate: Candidate, urn: str, change: DomainChange) -> None:
        await asyncio.to_thread(self._lists.record, candidate.customer_id, change, run_id, self._clock())
        await self._provisioner.set_js_sdk_domains(urn, change.after)

    async def _obtain(self, run_id: str, candidate: Candidate) -> Provision:
        """From no application on record to one, whatever an earlier try has left behind."""
        held = await self._held(candidate)
        found: Found | None = None
        if candidate.tried_before or held is not None:
            found = await self._provisioner.find(candidate.unique_foreign_id)
            if found is None and held is not None:
                # An import that was cut short put the customer's own keys there: it has its application.
                await self._put(candidate, held.client_id, None, None, None)
                return Provision.ADOPTED
        if found is None:
            name = application_name(self._ats_name, candidate.customer_name)
            wanted = NewApplication(candidate.unique_foreign_id, name, name, self._origins)
            try:
                created = await self._provisioner.create(wanted)
            except LinkedInError as error:
                if not is_unsettled(error):
                    raise
                found = await self._provisioner.find(candidate.unique_foreign_id)
                if found is None and says_taken(error):
                    detail = f"{candidate.unique_foreign_id}: {error.detail}"
                    raise Refused(Reason.FOREIGN_ID_TAKEN, detail) from None
                if found is None:
                    raise error from None
            else:
                await self._save(candidate, created.credentials)
                change = domain_change((), (), self._origins)
                await self._put(candidate, created.credentials.client_id, created.urn, name, change)
                return Provision.CREATED
        return await self._adopt(run_id, candidate, found, held)

    async def _adopt(self, run_id: str, candidate: Candidate, found: Found, held: Credentials | None) -> Provision:
        # Before anything of it is changed: a rotation of somebody else's application would be felt by them.
        await asyncio.to_thread(self._applications.must_be_free, candidate.customer_id, found.client_id)
        if held is None or held.client_id != found.client_id:
            if found.client_secret is not None:
                await self._save(candidate, Credentials(found.client_id, found.client_secret))
            else:
                await self._save_rotated(candidate, found.urn, found.client_id)
        elif await self._probe(held) is not None:
            # Dead, or too new to work: another secret helps with the first and does no harm with the second.
            try:
                await self._save_rotated(candidate, found.urn, found.client_id)
            except Refused as refused:
                if refused.reason is not Reason.TOO_MANY_SECRETS:
                    raise
        # Nothing in it is ours yet, so nothing is taken out.
        change = domain_change(found.js_sdk_domains, (), self._origins)
        if change.changes:
            await self._set_domains(run_id, candidate, found.urn, change)
        await self._put(candidate, found.client_id, found.urn, found.name, change)
        return Provision.ADOPTED

    async def _held(self, candidate: Candidate) -> Credentials | None:
        name = self._block_name(candidate.customer_id)
        return (await self._store.get_many([name])).get(name)

    async def _save_rotated(self, candidate: Candidate, urn: str, client_id: str) -> None:
        await self._save(candidate, Credentials(client_id, await self._provisioner.rotate(urn)))

    async def _save(self, candidate: Candidate, credentials: Credentials) -> None:
        await self._store.save_many({self._block_name(candidate.customer_id): credentials})

    async def _put(
        self, candidate: Candidate, client_id: str, urn: str | None, name: str | None, domains: DomainChange | None
    ) -> None:
        await asyncio.to_thread(
            self._applications.put,
            candidate.customer_id,
            client_id,
            self._block_name(candidate.customer_id),
            self._clock(),
            urn=urn,
            name=name,
            js_sdk_domains=domains.after if domains is not None else None,
            own_domains=domains.own if domains is not None else None,
        )

    async def _record(self, customer_id: str, outcome: Provision, reason: Reason, detail: str | None = None) -> None:
        await asyncio.to_thread(self._applications.record, customer_id, outcome, reason, self._clock(), detail)
