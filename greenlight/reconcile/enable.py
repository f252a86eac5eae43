"""Enable one integration, safely (docs/life-of-an-integration.md#4-enabled).

Seen REQUESTED in this run, intent committed, POST, answer committed. Only LinkedIn's own refusal of the key proves that
nothing will land. What it confirmed is never sent again, and what its answer left in doubt only after a look that was
asked for when all that may still land had landed.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from greenlight.ats.attempts import AttemptHeld, AttemptRefused, Attempts, Intent, OpenAttempt
from greenlight.ats.findings import Ending, Finding
from greenlight.ats.gate import FRESH_FOR
from greenlight.ats.rows import SKEW
from greenlight.ats.wanted import Wanted
from greenlight.ats.writer import Part
from greenlight.domain.conditions import (
    Answer,
    Condition,
    Exit,
    after_failed_look,
    after_look,
    settle_by_look,
    settle_without_look,
)
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import NOT_REQUESTED, Observation, Status
from greenlight.linkedin.calls import Counted
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.customer_leases import Busy, CustomerLease, CustomerLeases
from greenlight.reconcile.metering import Budget
from greenlight.reconcile.observe import (
    WIDTH,
    Clock,
    CredentialSource,
    WorkLeft,
    credentials_for,
    credentials_of,
    wait_of,
)

_DONE = WorkLeft()


class Enabling:
    """Enables integrations that a run's plan has marked for it.

    `patience_seconds` is the time limit of one request, `settle_seconds` how long one whose answer proves nothing may
    still land after that answer, or after nothing came. As many as `at_once` are on their way from intent to answer: an
    intent ages while its request waits for a connection. `width` integrations are taken side by side, in the order in
    which they come. `insisted` are the customers whom a person named for this run:
    a confirmed enable of theirs that is still not shown then is sent once more. With the `budget` that the enabler's
    calls count in, an enable is counted where its intent is written.
    """

    def __init__(
        self,
        attempts: Attempts,
        enabler: Enabler,
        credentials: CredentialSource,
        clock: Clock,
        leases: CustomerLeases,
        patience_seconds: float,
        settle_seconds: float,
        at_once: int = 32,
        width: int = WIDTH,
        budget: Budget | None = None,
    ) -> None:
        self._attempts = attempts
        self._enabler = enabler
        self._source = credentials
        self._clock = clock
        self._leases = leases
        self._patience = timedelta(seconds=patience_seconds)
        self._gate = asyncio.Semaphore(width)
        self._settles_in = timedelta(seconds=settle_seconds)
        self._sending = asyncio.Semaphore(at_once)
        self._budget = budget
        self.insisted: frozenset[str] = frozenset()
        #: What another run has taken further since it was looked at.
        self._overtaken: set[int] = set()

    async def enable(self, run_id: str, wanted: Wanted) -> WorkLeft:
        """Take one integration as far as it goes now; what is left may succeed in a moment and is to be called again.

        Everything that happens is recorded. Raises nothing for what LinkedIn answers.
        """
        try:
            # Its customer's turn comes first: whoever waits for that in this run keeps nobody else waiting.
            async with self._leases.leasing(wanted.item.customer_id, run_id) as lease, self._gate:
                return await self._enable(lease, run_id, wanted)
        except Busy as busy:
            condition = Condition(Outcome.HELD, Reason.CUSTOMER_BUSY, str(busy))
            await self._attempts.writer.do(self._attempts.busy, wanted.id, condition, self._clock())
            return WorkLeft(1, busy.wait)

    async def _enable(self, lease: CustomerLease, run_id: str, wanted: Wanted) -> WorkLeft:
        held = await credentials_for([wanted], self._source)
        try:
            credentials = credentials_of(wanted, held)
        except Refused as refused:
            await lease.begin()
            condition = after_failed_look(refused.reason, refused.detail)
            return await self._record(run_id, wanted, condition, self._clock())
        if self._is_fresh(wanted):
            # Most often nothing is in its way, and the gate says so in the transaction that takes the customer.
            sent = await self._send_at_once(lease, run_id, wanted, credentials)
            if sent is not None:
                return sent
        await lease.begin()
        open_attempt = await self._attempts.writer.join(self._attempts.open_of_all, wanted.id)
        if open_attempt is not None or not self._is_fresh(wanted):
            left = await self._look_first(run_id, wanted, credentials, open_attempt)
            if left is not None:
                return left
        sent = await self._send(lease, run_id, wanted, credentials)
        # Another run is at it and records what comes of that; the next try looks.
        return WorkLeft(1) if sent is None else sent

    async def _send_at_once(
        self, lease: CustomerLease, run_id: str, wanted: Wanted, credentials: Credentials
    ) -> WorkLeft | None:
        try:
            return await self._send(lease, run_id, wanted, credentials)
        except Busy:
            # Not waited for here, where others wait to send.
            return None

    def _is_fresh(self, wanted: Wanted) -> bool:
        # A condition other than ready to enable means that this run has tried already.
        seen_at = wanted.observed_at
        if wanted.id in self._overtaken:
            return False
        return (
            wanted.observed is Status.REQUESTED
            and wanted.condition.reason is Reason.READY_TO_ENABLE
            and seen_at is not None
            and -SKEW <= self._clock() - seen_at <= FRESH_FOR
        )

    async def _look_first(
        self, run_id: str, wanted: Wanted, credentials: Credentials, open_attempt: OpenAttempt | None
    ) -> WorkLeft | None:
        """Look before sending; None if it may be sent now."""
        asked_at = self._clock()
        self._overtaken.discard(wanted.id)
        seen = (await self._enabler.verify(credentials, [wanted.item.key]))[wanted.item.key]
        if not isinstance(seen, Observation):
            condition = after_failed_look(seen.reason, seen.detail)
            if open_attempt is not None:
                condition = Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, seen.detail)
            elif seen.reason is Reason.THROTTLED:
                condition = Condition(Outcome.HELD, Reason.THROTTLED, seen.detail)
            return await self._record(run_id, wanted, condition, asked_at, error=seen)
        if seen.status is not Status.REQUESTED:
            ours = open_attempt is not None and open_attempt.run_id == run_id and seen.status is Status.ENABLED
            condition = Condition(Outcome.ENABLED, Reason.ENABLED) if ours else after_look(seen)
            return await self._record(run_id, wanted, condition, asked_at, seen=seen)
        settled = open_attempt is None or asked_at >= open_attempt.settles_at
        insist = wanted.item.customer_id in self.insisted and settled
        await self._record(run_id, wanted, after_look(seen), asked_at, seen=seen, again=WorkLeft(1), insist=insist)
        if open_attempt is None or (settled and (insist or not open_attempt.confirmed)):
            return None
        # Not waited for here: the run settles all that is in doubt together, at its end.
        return _DONE

    async def _send(
        self, lease: CustomerLease, run_id: str, wanted: Wanted, credentials: Credentials
    ) -> WorkLeft | None:
        """Send, and look where the answer proves nothing; None where the gate asks for a look before. Raises Busy."""
        async with self._sending:
            now = self._clock()
            settles_at = now + self._patience + self._settles_in
            intent = Intent(wanted, run_id, credentials.client_id, now, settles_at, self._leases.owner)
            count = self._budget.count(credentials.client_id, "enable") if self._budget is not None else None
            parts = (Part(self._attempts.begin_all, intent, _is_begun), *((count.part,) if count is not None else ()))
            begun, *no = await lease.begin(*parts, patient=False)
            if isinstance(begun, AttemptHeld):
                return await self._record(run_id, wanted, begun.condition, now)
            if isinstance(begun, AttemptRefused):
                self._overtaken.add(wanted.id)
                return None
            # Past this it could land when the attempt is taken for settled.
            leaves_by = now + self._patience
            counted = partial(count.said, no[0]) if count is not None else _uncounted
            answer, wait = await self._post(credentials, wanted, counted, lambda: self._clock() <= leaves_by)
        now = self._clock()
        settles_at = now + self._settles_in
        seen: Observation | None = None
        if answer.needs_a_look:
            shown = (await self._enabler.verify(credentials, [wanted.item.key]))[wanted.item.key]
            seen = shown if isinstance(shown, Observation) else None
            settlement = settle_by_look(answer, seen)
            wait = max(wait, wait_of(shown))
        else:
            settlement = settle_without_look(answer)
            if settlement.condition.reason is Reason.NOT_REQUESTED:
                seen = NOT_REQUESTED
        ending = Ending(begun, wanted, run_id, settlement, now, seen, settles_at)
        lease.end_with(Part(self._attempts.end_all, ending))
        return WorkLeft(1, wait) if settlement.worth_repeating else _DONE

    async def _post(
        self,
        credentials: Credentials,
        wanted: Wanted,
        counted: Callable[[], Counted | None],
        still: Callable[[], bool],
    ) -> tuple[Answer, float]:
        """Send, if it is counted; returns the answer and the seconds LinkedIn asked to wait."""
        key, name = wanted.item.key, wanted.integration_name
        try:
            await self._enabler.enable(credentials, key, name, still, counted=counted())
        except LinkedInError as error:
            exit = Exit.UNCLEAR if isinstance(error, Unclear) else Exit.REFUSED
            answer = Answer(exit, error.reason, error.detail, error.worth_repeating)
            return answer, wait_of(error)
        return Answer(Exit.CONFIRMED), 0.0

    async def _record(
        self,
        run_id: str,
        wanted: Wanted,
        condition: Condition,
        now: datetime,
        *,
        seen: Observation | None = None,
        error: LinkedInError | None = None,
        again: WorkLeft = _DONE,
        insist: bool = False,
    ) -> WorkLeft:
        if error is not None and error.worth_repeating:
            again = WorkLeft(1, wait_of(error))
        finding = Finding(wanted, run_id, condition, now, not again.items, seen, insist, self._clock())
        await self._attempts.writer.join(self._attempts.record_all, finding, stays=True)
        return again


def _is_begun(begun: int | Exception) -> bool:
    return isinstance(begun, int)


def _uncounted() -> None:
    return None
