"""The request budget between a run and LinkedIn: each request is counted before it leaves, or does not leave."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from greenlight.ats.budgets import Budgets
from greenlight.domain.budget import Lane, Scope, day_ends
from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import Refused

#: The one application of a budget whose limit is the parent's.
PARENT = "parent"


class Budget:
    """One run's share of the day, see `greenlight.linkedin.calls.Meter`. Counts `verify` and `enable`, nothing else."""

    def __init__(self, budgets: Budgets, lane: Lane, scope: Scope, clock: Callable[[], datetime]) -> None:
        self._budgets = budgets
        self._lane: Lane = lane
        self._scope = scope
        self._clock = clock
        self._owed: Counter[str] = Counter()
        self._throttled: set[str] = set()

    def owe(self, client_id: str, requests: int) -> None:
        """Keep so many for later: a look that shows REQUESTED is worth nothing without the enable that follows."""
        self._owed[self._application(client_id)] += requests

    async def check(self, client_id: str, *, leave_owed: bool) -> None:
        """Raise Refused where `before` would, counting nothing: nobody needs a token for that."""
        await self._ask(self._budgets.refusal, client_id, leave_owed)

    async def before(self, client_id: str, *, leave_owed: bool) -> None:
        """Count one request. Raises Refused where the budget is spent or the application is parked."""
        await self._ask(self._budgets.take, client_id, leave_owed)

    async def _ask(self, question: Callable[..., str | None], client_id: str, leave_owed: bool) -> None:
        application, now = self._application(client_id), self._clock()
        leave = self._owed[application] if leave_owed else 0
        why = await asyncio.to_thread(question, application, self._lane, now, leave=leave)
        if why is not None:
            raise Refused(Reason.THROTTLED, why, retry_after=(day_ends(now) - now).total_seconds())

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None:
        """Learn from an answer."""
        application = self._application(client_id)
        if throttled:
            self._throttled.add(application)
            await asyncio.to_thread(self._budgets.refused, application, retry_after, self._clock())
        elif application in self._throttled:
            self._throttled.discard(application)
            await asyncio.to_thread(self._budgets.answered, application, self._clock())

    async def left(self) -> int | None:
        """Requests that this run may send today; None where each application has a limit of its own."""
        if self._scope is Scope.CHILD:
            return None
        return await asyncio.to_thread(self._budgets.left, PARENT, self._lane, self._clock())

    def _application(self, client_id: str) -> str:
        return client_id if self._scope is Scope.CHILD else PARENT
