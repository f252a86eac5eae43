"""The request budget between a run and LinkedIn: each request is counted before it leaves, or does not leave."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from greenlight.ats.budgets import Ask, Budgets, No, Share
from greenlight.domain.budget import AFTER_A_LOOK, AFTER_AN_ENABLE, PARENT, Lane, Scope, day_ends
from greenlight.linkedin.errors import Refused
from greenlight.linkedin.oauth import Operation


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
        await self._ask(self._budgets.refusals, client_id, operation, keep_reserve)

    async def before(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> Callable[[], bool]:
        """Count one request. Raises Refused where the budget or the customer's share is spent, or it is parked.

        What is returned says whether the day on which it was counted lasts.
        """
        ends = day_ends(self._clock())
        await self._ask(self._budgets.take_all, client_id, operation, keep_reserve)
        return lambda: self._clock() < ends

    async def _ask(
        self,
        question: Callable[[Sequence[Ask]], Sequence[No | None]],
        client_id: str,
        operation: Operation,
        keep_reserve: bool,
    ) -> None:
        application, now = self._application(client_id), self._clock()
        leave = self._reserved[application] if keep_reserve else 0
        of = self._share_of(client_id, operation, keep_reserve)
        no = await self._budgets.writer.join(question, Ask(application, self._lane, now, leave, of))
        if no is not None:
            raise Refused(no.reason, no.says, retry_after=(day_ends(now) - now).total_seconds())

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
