"""Give a customer's application a new secret (docs/linkedin.md#secret-rotation).

LinkedIn keeps two secrets at most, and the older one goes only by a person's hand in its developer portal. The new one
is answered once: it is in its block before anything else happens. Until then the block holds the older one, which
stays good, so whoever is killed leaves a working secret behind.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from greenlight.ats.applications import Applications
from greenlight.ats.candidates import Application
from greenlight.ats.present import CustomerForgotten
from greenlight.ats.rotations import Begun, Rotations, marked
from greenlight.domain.provisioning import Provision
from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import LinkedInError, Refused
from greenlight.linkedin.oauth import Credentials
from greenlight.linkedin.provisioning import Provisioner
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.observe import Clock, WorkLeft, wait_of
from greenlight.reconcile.provision import CredentialStore, NotStored, Probe
from greenlight.reconcile.under_lease import under_lease

_DONE = WorkLeft()
#: Digits of a secret's digest that tell it from another one, and nothing more.
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class _Rotating:
    """One customer's rotation: what is on record, what its block holds, and the intent."""

    customer_id: str
    application: Application
    urn: str
    held: Credentials | None
    begun: Begun


class Rotation:
    """Rotates customers' secrets in one run."""

    def __init__(
        self,
        applications: Applications,
        rotations: Rotations,
        provisioner: Provisioner,
        store: CredentialStore,
        probe: Probe,
        clock: Clock,
        leases: CustomerLeases,
    ) -> None:
        self._applications = applications
        self._rotations = rotations
        self._provisioner = provisioner
        self._store = store
        self._probe = probe
        self._clock = clock
        self._leases = leases
        #: Customers whose new secret this run has stored: it is waited for and never replaced.
        self._stored: set[str] = set()

    async def rotate(self, run_id: str, customer_id: str) -> WorkLeft:
        """Take one customer's rotation as far as it goes now, and record where that is.

        Raises nothing for what LinkedIn answers. What is left may pass by itself and is to be called again.
        """
        return await under_lease(
            self._leases,
            self._applications,
            self._clock,
            run_id,
            customer_id,
            lambda: self._step(run_id, customer_id),
            lambda: self._forget(customer_id),
        )

    async def _step(self, run_id: str, customer_id: str) -> WorkLeft:
        application = await asyncio.to_thread(self._applications.on_record, customer_id)
        block = application.credentials_block if application is not None else ""
        held = (await self._store.get_many([block])).get(block)
        begun = await asyncio.to_thread(self._rotations.begin, customer_id, run_id, _digest(held), self._clock())
        if begun.done:
            return _DONE
        if application is None or application.urn is None:
            detail = "the application on record was not made by provisioning"
            await self._record(customer_id, Provision.FAILED, Reason.PROVISIONING_REFUSED, detail)
            return _DONE
        rotating = _Rotating(customer_id, application, application.urn, held, begun)
        try:
            if await self._is_stored(run_id, rotating):
                return await self._works(customer_id)
            return await self._replace(rotating)
        except LinkedInError as error:
            detail = marked(error.detail, begun.before)
            outcome = Provision.WAITING if customer_id in self._stored else Provision.FAILED
            reason = error.reason
            if outcome is Provision.WAITING and reason is Reason.CREDENTIALS_REFUSED:
                reason = Reason.APPLICATION_NOT_READY
            elif outcome is Provision.FAILED and isinstance(error, Refused) and not begun.earlier:
                # It had no effect, so there is nothing that a later run would have to know.
                detail = error.detail
            await self._record(customer_id, outcome, reason, detail)
            again = error.worth_repeating or outcome is Provision.WAITING
            return WorkLeft(1, wait_of(error)) if again else _DONE
        except NotStored as lost:
            detail = marked(str(lost), begun.before)
            await self._record(customer_id, Provision.FAILED, Reason.SECRET_NOT_STORED, detail)
            return _DONE
        except CustomerForgotten:
            raise
        except Exception as error:
            # Said where people look for this customer, and then by the run as a whole.
            detail = marked(type(error).__name__, begun.before)
            with suppress(Exception):
                await self._record(customer_id, Provision.FAILED, Reason.PROVISIONING_UNFINISHED, detail)
            raise

    async def _forget(self, customer_id: str) -> None:
        application = await asyncio.to_thread(self._applications.on_record, customer_id)
        if application is not None:
            await self._store.delete(application.credentials_block)

    async def _is_stored(self, run_id: str, rotating: _Rotating) -> bool:
        """Whether the block has the new secret already, from an earlier try. Raises where that cannot be told yet."""
        held = rotating.held
        if held is None or _digest(held) == rotating.begun.before or held.client_id != rotating.application.client_id:
            return False
        error = await self._probe(held)
        if error is None:
            return True
        if error.reason is not Reason.CREDENTIALS_REFUSED or rotating.customer_id in self._stored:
            raise error
        # What is there now is dead too, so the rotation begins with it.
        again = self._rotations.begin
        await asyncio.to_thread(again, rotating.customer_id, run_id, _digest(held), self._clock(), anew=True)
        return False

    async def _replace(self, rotating: _Rotating) -> WorkLeft:
        application = rotating.application
        try:
            secret = await self._provisioner.rotate(rotating.urn)
        except Refused as refused:
            if refused.reason is Reason.TOO_MANY_SECRETS:
                raise Refused(Reason.TOO_MANY_SECRETS, await self._which_to_delete(rotating)) from None
            raise
        fresh = Credentials(application.client_id, secret)
        await self._store.save_many({application.credentials_block: fresh})
        self._stored.add(rotating.customer_id)
        await asyncio.to_thread(self._applications.renewed, rotating.customer_id)
        error = await self._probe(fresh)
        if error is not None:
            raise error
        return await self._works(rotating.customer_id)

    async def _which_to_delete(self, rotating: _Rotating) -> str:
        held = rotating.held
        if held is None or await self._probe(held) is not None:
            return "the secret held here does not work: delete either, then rotate again"
        if rotating.begun.earlier:
            return "the older one is held here and works; the newer one's answer was lost: delete that, then rotate"
        return "one of them is held here and works: delete the older one, then rotate again"

    async def _works(self, customer_id: str) -> WorkLeft:
        await asyncio.to_thread(self._applications.worked, customer_id, self._clock())
        await self._record(customer_id, Provision.UPDATED, Reason.APPLICATION_WORKS)
        return _DONE

    async def _record(self, customer_id: str, outcome: Provision, reason: Reason, detail: str | None = None) -> None:
        record = partial(self._applications.record, of_rotation=True)
        await asyncio.to_thread(record, customer_id, outcome, reason, self._clock(), detail)


def _digest(held: Credentials | None) -> str:
    return held.fingerprint()[:_DIGITS] if held is not None else "none"
