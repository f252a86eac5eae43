"""The request budget between a run and LinkedIn: each request is counted before it leaves, or does not leave."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from greenlight.ats.budgets import Ask, Budgets, No, Share, Unsent
from greenlight.ats.writer import Part
from greenlight.domain.budget import AFTER_A_LOOK, AFTER_AN_ENABLE, PARENT, Lane, Scope, day_ends
from greenlight.linkedin.calls import Counted
from greenlight.linkedin.errors import Refused
from greenlight.linkedin.oauth import Operation


@dataclass(frozen=True, slots=True)
class Count:
    """One request that is to be counted. What is asked of the day's requests comes to `said`."""

    ask: Ask
    _budgets: Budgets
    _clock: Callable[[], datetime]

    @property
    def part(self) -> Part:
        """To be counted in one transaction with something else."""
        return Part(self._budgets.take_all, self.ask)

    def said(self, no: No | None) -> Counted:
        """What is counted now. Raises Refused where it may not be sent."""
        ends = day_ends(self.ask.now)
        if no is not None:
            raise Refused(no.reason, no.says, retry_after=(ends - self.ask.now).total_seconds())
        return Counted(lambda: self._clock() < ends, self._give_back)

    async def _give_back(self) -> None:
        await self._budgets.writer.join(self._budgets.give_back_all, Unsent(self.ask), stays=True)


class Budget:
    """One run's share of the day, see `greenlight.linkedin.calls.Meter`. Counts `verify` and `enable`, nothing else."""

    def __init__(self, budgets: Budgets, lane: Lane, scope: Scope, clock: Callable[[], datetime]) -> None:
        self._budgets = budgets
        self._lane: Lane = lane
        self._scope = scope
        self._clock = clock
        self._reserved: Counter[str] = Counter()
        self._throttled: set[str] = set()

    def reserve(self, client_id: str, requests: int) -> None:
        """Keep so many for later: a look that shows REQUESTED is worth nothing without the enable that follows."""
        self._reserved[self._application(client_id)] += requests

    async def check(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> None:
        """Raise Refused where `before` would, counting nothing: nobody needs a token for that."""
        count = self.count(client_id, operation, keep_reserve=keep_reserve)
        count.said(await self._budgets.writer.join(self._budgets.refusals, count.ask))

    async def before(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> Counted:
        """Count one request. Raises Refused where the budget or the customer's share is spent, or it is parked."""
        count = self.count(client_id, operation, keep_reserve=keep_reserve)
        return count.said(await self._budgets.writer.join(self._budgets.take_all, count.ask))

    def count(self, client_id: str, operation: Operation, *, keep_reserve: bool = False) -> Count:
        """One request that is to be counted as `before` does, together with something else."""
        return Count(self._asked(client_id, operation, keep_reserve), self._budgets, self._clock)

    def _asked(self, client_id: str, operation: Operation, keep_reserve: bool) -> Ask:
        application = self._application(client_id)
        leave = self._reserved[application] if keep_reserve else 0
        return Ask(application, self._lane, self._clock(), leave, self._share_of(client_id, operation, keep_reserve))

    def _share_of(self, client_id: str, operation: Operation, keep_reserve: bool) -> Share | None:
        if self._scope is Scope.CHILD or self._lane is not Lane.REALTIME:
            return None
        if operation == "enable":
            return Share(client_id, AFTER_AN_ENABLE)
        return Share(client_id, AFTER_A_LOOK if keep_reserve else 0)

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None:
        """Learn from an answer."""
        application = self._application(client_id)
        if throttled:
            self._throttled.add(application)
            # Never twice, as what goes together may be: a refusal counted again may park for a day.
            await asyncio.to_thread(self._budgets.refused, application, retry_after, self._clock())
        elif application in self._throttled:
            self._throttled.discard(application)
            await self._budgets.writer.do(self._budgets.answered, application, self._clock())

    async def left(self) -> int | None:
        """Requests that this run may send today; None where each application has a limit of its own."""
        if self._scope is Scope.CHILD:
            return None
        return await asyncio.to_thread(self._budgets.left, PARENT, self._lane, self._clock())

    def _application(self, client_id: str) -> str:
        return client_id if self._scope is Scope.CHILD else PARENT
