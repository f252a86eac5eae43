"""Enable one integration, safely (design, the life of one integration, step 5).

Seen REQUESTED in this run, intent committed, POST, end committed. A doubtful end is settled by looking; nothing is
sent again before a look has shown REQUESTED once more, long enough after the doubt for a slow request to have landed.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from greenlight.ats.attempts import AttemptRefused, Attempts, CustomerPaused, OpenAttempt
from greenlight.ats.rows import Wanted
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
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered, Unclear
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.locking import Busy, CustomerLocks
from greenlight.reconcile.observe import Clock, CredentialSource, Remaining, credentials_for, credentials_of, wait_of

#: An observation older than this is made again before anything is sent.
FRESH_FOR = timedelta(minutes=5)

_DONE = Remaining()


class Enabling:
    """Enables integrations that a run's plan has marked for it.

    `patience_seconds` is how long a request whose answer did not arrive may still be on its way.
    """

    def __init__(
        self,
        attempts: Attempts,
        enabler: Enabler,
        credentials: CredentialSource,
        clock: Clock,
        locks: CustomerLocks,
        patience_seconds: float,
    ) -> None:
        self._attempts = attempts
        self._enabler = enabler
        self._source = credentials
        self._clock = clock
        self._locks = locks
        self._patience = timedelta(seconds=patience_seconds)
        #: What another run has taken further since it was looked at.
        self._overtaken: set[int] = set()

    async def enable(self, run_id: str, wanted: Wanted) -> Remaining:
        """Take one integration as far as it goes now; what is left may succeed in a moment and is to be called again.

        Everything that happens is recorded. Raises nothing for what LinkedIn answers.
        """
        try:
            async with self._locks.holding(wanted.item.customer_id, run_id):
                return await self._enable(run_id, wanted)
        except Busy as busy:
            condition = Condition(Outcome.HELD, Reason.CUSTOMER_BUSY, str(busy))
            return await self._record(run_id, wanted, condition, self._clock(), again=Remaining(1, busy.wait))

    async def _enable(self, run_id: str, wanted: Wanted) -> Remaining:
        held = await credentials_for([wanted], self._source)
        try:
            credentials = credentials_of(wanted, held)
        except Refused as refused:
            condition = after_failed_look(refused.reason, refused.detail)
            return await self._record(run_id, wanted, condition, self._clock())
        open_attempt = await asyncio.to_thread(self._attempts.open_of, wanted.id)
        if open_attempt is not None or not self._is_fresh(wanted):
            left = await self._look_first(run_id, wanted, credentials, open_attempt)
            if left is not None:
                return left
        return await self._send(run_id, wanted, credentials, open_attempt)

    def _is_fresh(self, wanted: Wanted) -> bool:
        # A condition other than ready to enable means that this run has tried already.
        seen_at = wanted.observed_at
        if wanted.id in self._overtaken:
            return False
        return (
            wanted.observed is Status.REQUESTED
            and wanted.condition.reason is Reason.READY_TO_ENABLE
            and seen_at is not None
            and self._clock() - seen_at <= FRESH_FOR
        )

    async def _look_first(
        self, run_id: str, wanted: Wanted, credentials: Credentials, open_attempt: OpenAttempt | None
    ) -> Remaining | None:
        """Look before sending; None if it may be sent now."""
        asked_at = self._clock()
        self._overtaken.discard(wanted.id)
        seen = (await self._enabler.verify(credentials, [wanted.item.key]))[wanted.item.key]
        if not isinstance(seen, Observation):
            condition = Condition(Outcome.FAILED, seen.reason, seen.detail)
            if open_attempt is not None:
                condition = Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, seen.detail)
            elif seen.reason is Reason.THROTTLED:
                condition = Condition(Outcome.HELD, Reason.THROTTLED, seen.detail)
            return await self._record(run_id, wanted, condition, asked_at, error=seen)
        if seen.status is not Status.REQUESTED:
            ours = open_attempt is not None and open_attempt.run_id == run_id and seen.status is Status.ENABLED
            condition = Condition(Outcome.ENABLED, Reason.ENABLED) if ours else after_look(seen)
            return await self._record(run_id, wanted, condition, asked_at, seen=seen)
        if open_attempt is not None and (wait := (open_attempt.settles_at - self._clock()).total_seconds()) > 0:
            condition = Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)
            return await self._record(run_id, wanted, condition, asked_at, seen=seen, again=Remaining(1, wait))
        await self._record(run_id, wanted, after_look(seen), asked_at, seen=seen, again=Remaining(1))
        return None

    async def _send(
        self, run_id: str, wanted: Wanted, credentials: Credentials, instead_of: OpenAttempt | None
    ) -> Remaining:
        now = self._clock()
        try:
            attempt_id = await asyncio.to_thread(
                self._attempts.begin,
                wanted,
                run_id,
                credentials.client_id,
                now,
                # It leaves within one, is answered within another, and may land within a third.
                settles_at=now + 3 * self._patience,
                instead_of=instead_of,
                owner=self._locks.owner,
            )
        except AttemptRefused:
            # Another run is at it and records what comes of that; the next try looks.
            self._overtaken.add(wanted.id)
            return Remaining(1)
        except CustomerPaused as paused:
            condition = Condition(Outcome.HELD, Reason.PAUSED, str(paused))
            return await self._record(run_id, wanted, condition, now)
        # Past this it could land when the attempt is taken for settled.
        leaves_by = now + self._patience
        answer, wait, landed = await self._post(credentials, wanted, lambda: self._clock() <= leaves_by)
        now = self._clock()
        settles_at = now if landed else now + self._patience
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
        await asyncio.to_thread(
            self._attempts.end, attempt_id, wanted, run_id, settlement, now, seen=seen, settles_at=settles_at
        )
        if not settlement.worth_repeating:
            return _DONE
        return Remaining(1, max(wait, (settles_at - self._clock()).total_seconds()))

    async def _post(
        self, credentials: Credentials, wanted: Wanted, still: Callable[[], bool]
    ) -> tuple[Answer, float, bool]:
        """Send; returns the answer, the seconds LinkedIn asked to wait, and whether the request surely has landed."""
        try:
            await self._enabler.enable(credentials, wanted.item.key, wanted.integration_name, still)
        except LinkedInError as error:
            exit = Exit.UNCLEAR if isinstance(error, Unclear) else Exit.REFUSED
            answer = Answer(exit, error.reason, error.detail, error.worth_repeating)
            return answer, wait_of(error), not isinstance(error, Unanswered)
        return Answer(Exit.CONFIRMED), 0.0, True

    async def _record(
        self,
        run_id: str,
        wanted: Wanted,
        condition: Condition,
        now: datetime,
        *,
        seen: Observation | None = None,
        error: LinkedInError | None = None,
        again: Remaining = _DONE,
    ) -> Remaining:
        if error is not None and error.worth_repeating:
            again = Remaining(1, wait_of(error))
        await asyncio.to_thread(self._attempts.record, wanted, run_id, condition, now, final=not again.items, seen=seen)
        return again
