"""Look at integrations and record what was seen (docs/life-of-an-integration.md#2-observed)."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from greenlight.ats.looks import CustomerLooks, Look
from greenlight.ats.store import Store
from greenlight.ats.wanted import Wanted, by_customer
from greenlight.ats.writer import Part
from greenlight.domain.conditions import Condition, after_confirming_look, after_failed_look, after_look
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.calls import Counted
from greenlight.linkedin.errors import MAX_RETRY_AFTER_SECONDS, LinkedInError, Refused, clean
from greenlight.linkedin.integrations import Verifier
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.customer_leases import Busy, CustomerLease, CustomerLeases
from greenlight.reconcile.metering import Budget

Clock = Callable[[], datetime]
_log = logging.getLogger("greenlight.reconcile")

#: Customers that are looked at side by side, or integrations that are enabled, unless somebody says how many.
WIDTH = 16
#: Integrations whose credentials are read ahead at once: Prefect's server has more work with many small questions.
READ_AHEAD = 200


class CredentialSource(Protocol):
    """Where child-application credentials come from, in bulk. Names that are not held are left out of the answer."""

    async def get_many(self, names: Sequence[str]) -> Mapping[str, Credentials]: ...


class Purpose(StrEnum):
    """Why a run looks: before planning, to see what it enabled, or what became of enables that were in doubt."""

    OBSERVE = "observe"
    CONFIRM = "confirm"
    SETTLE = "settle"


class Pace(StrEnum):
    """How many customers a run looks at side by side."""

    FULL = "full"
    #: Where what is scarce is to be spent in order.
    IN_ORDER = "in order"


#: Of the full width, as a divisor.
_WIDTHS = {Pace.FULL: 1, Pace.IN_ORDER: 8}


@dataclass(frozen=True, slots=True)
class WorkLeft:
    """What a chunk of work left open because it may succeed in a moment, and the seconds to wait at least."""

    items: int = 0
    wait: float = 0.0

    def __or__(self, other: "WorkLeft") -> "WorkLeft":
        return WorkLeft(self.items + other.items, max(self.wait, other.wait))


#: Told the client id and how many requests should be left to it after a look.
Reserve = Callable[[str, int], None]


class Observer:
    """Looks at wanted integrations, one customer at a time, one request per customer.

    `reserve` is given by a run that enables what it finds REQUESTED. Of all chunks together, `width` customers are
    looked at side by side, in the order in which they come: so one chunk ends after the other, and not all at once.
    With the `budget` that the verifier's calls count in, a look is counted where its customer is taken.
    """

    def __init__(
        self,
        store: Store,
        verifier: Verifier,
        credentials: CredentialSource,
        clock: Clock,
        leases: CustomerLeases,
        reserve: Reserve | None = None,
        width: int = WIDTH,
        budget: Budget | None = None,
    ) -> None:
        self._store = store
        self._verifier = verifier
        self._credentials = credentials
        self._clock = clock
        self._leases = leases
        self._reserve = reserve
        self._gates = {pace: asyncio.Semaphore(-(-width // divisor)) for pace, divisor in _WIDTHS.items()}
        self._budget = budget
        #: When its run began to look. What is on record since then says more than that another kept us from looking.
        self.began: datetime | None = None

    async def read_ahead(self, wanted: Sequence[Wanted]) -> None:
        """Read the credentials of these for those who come to ask; what cannot be read is theirs to tell."""
        with suppress(Exception):
            for start in range(0, len(wanted), READ_AHEAD):
                await credentials_for(wanted[start : start + READ_AHEAD], self._credentials)

    async def look(self, run_id: str, purpose: Purpose, ids: Sequence[int], pace: Pace = Pace.FULL) -> WorkLeft:
        """Look at those of `ids` that this run has not looked at for this purpose, and record each customer's looks.

        Never raises for what one customer's credentials or LinkedIn's answers bring, nor for an accident of one
        customer's own: that becomes a condition, and is worth repeating. What keeps even that from being written is
        raised once all others are done.
        """
        mark = f"{purpose}:{run_id}"
        self.began = self.began or self._clock()
        wanted = await asyncio.to_thread(self._store.wanted, ids, unless_looked_for=mark)
        held = await credentials_for(wanted, self._credentials)
        gate = self._gates[pace]

        left: list[WorkLeft] = []
        failed: list[Exception] = []

        async def one(entries: list[Wanted]) -> None:
            async with gate:
                try:
                    left.append(await self._look_alone(run_id, mark, purpose, entries, held))
                except Exception as error:
                    failed.append(error)

        async with asyncio.TaskGroup() as group:
            for entries in by_customer(wanted).values():
                group.create_task(one(entries))
        if failed:
            raise failed[0]
        remaining = WorkLeft()
        for more in left:
            remaining |= more
        return remaining

    async def _look_alone(
        self,
        run_id: str,
        mark: str,
        purpose: Purpose,
        entries: Sequence[Wanted],
        held: Mapping[str, Credentials],
    ) -> WorkLeft:
        try:
            async with self._leases.leasing(entries[0].item.customer_id, run_id) as lease:
                return await self._look_at_customer(lease, mark, purpose, entries, held)
        except Busy as busy:
            return await self._skip(mark, purpose, entries, busy)
        except Exception as error:
            _log.warning("%s: a look ended in %s", clean(entries[0].item.customer_id), type(error).__name__)
            accident = Condition(Outcome.FAILED, Reason.NOT_DONE, type(error).__name__)
            looks = [Look(entry.id, None, accident, final=False) for entry in entries]
            await self._write(CustomerLooks(mark, looks, self._clock()))
            return WorkLeft(len(entries))

    async def _look_at_customer(
        self,
        lease: CustomerLease,
        mark: str,
        purpose: Purpose,
        entries: Sequence[Wanted],
        held: Mapping[str, Credentials],
    ) -> WorkLeft:
        asked_at, seen = await self._ask(lease, purpose, entries, held)
        ready = sum(isinstance(s, Observation) and s.status is Status.REQUESTED for s in seen.values())
        if self._reserve is not None and purpose is Purpose.OBSERVE and ready and entries[0].client_id is not None:
            self._reserve(entries[0].client_id, ready + 1)
        looks, remaining = [], WorkLeft()
        for entry in entries:
            look = _confirming(entry, seen[entry.id]) if purpose is Purpose.CONFIRM else _first(entry, seen[entry.id])
            looks.append(look)
            if not look.final:
                remaining |= WorkLeft(1, wait_of(seen[entry.id]))
        lease.end_with(Part(self._store.record_all_looks, CustomerLooks(mark, looks, asked_at, self._clock())))
        return remaining

    async def _ask(
        self, lease: CustomerLease, purpose: Purpose, entries: Sequence[Wanted], held: Mapping[str, Credentials]
    ) -> tuple[datetime, Mapping[int, Seen]]:
        """When LinkedIn was asked, and what it shows for one customer's integrations, by their ids. Raises Busy."""
        first = purpose is Purpose.OBSERVE
        try:
            credentials, counted = await self._begin(lease, entries[0], held, keep_reserve=first)
        except LinkedInError as error:
            return self._clock(), {entry.id: error for entry in entries}
        # A look is as old as its question: what happens while it is answered is newer than it.
        asked_at, keys = self._clock(), [entry.item.key for entry in entries]
        seen = await self._verifier.verify(credentials, keys, keep_reserve=first, counted=counted)
        return asked_at, {entry.id: seen[entry.item.key] for entry in entries}

    async def _begin(
        self, lease: CustomerLease, entry: Wanted, held: Mapping[str, Credentials], *, keep_reserve: bool
    ) -> tuple[Credentials, Counted | None]:
        """Have the customer to ourselves: the credentials to ask with, and the request as it was counted there."""
        try:
            credentials = credentials_of(entry, held)
        except LinkedInError:
            await lease.begin()
            raise
        if self._budget is None:
            await lease.begin()
            return credentials, None
        count = self._budget.count(credentials.client_id, "verify", keep_reserve=keep_reserve)
        (no,) = await lease.begin(count.part)
        return credentials, count.said(no)

    async def _skip(self, mark: str, purpose: Purpose, entries: Sequence[Wanted], busy: Busy) -> WorkLeft:
        condition = Condition(Outcome.NOT_LOOKED_AT, Reason.CUSTOMER_BUSY, str(busy))
        known = condition if purpose is Purpose.OBSERVE else None
        looks = [Look(entry.id, None, known, final=False) for entry in entries]
        await self._write(CustomerLooks(mark, looks, self._clock(), unless_since=self.began))
        return WorkLeft(len(entries), busy.wait)

    async def _write(self, looks: CustomerLooks) -> None:
        await self._store.writer.join(self._store.record_all_looks, looks, stays=True)


async def credentials_for(wanted: Sequence[Wanted], source: CredentialSource) -> Mapping[str, Credentials]:
    """The credentials of these integrations' customers, by block name."""
    names = dict.fromkeys(w.credentials_block for w in wanted if w.credentials_block is not None)
    return await source.get_many(list(names))


def credentials_of(entry: Wanted, held: Mapping[str, Credentials]) -> Credentials:
    """The credentials to act with for this integration. Raises Refused if none are held or they are another's."""
    credentials = held.get(entry.credentials_block) if entry.credentials_block is not None else None
    if credentials is None:
        raise Refused(Reason.CREDENTIALS_MISSING)
    if credentials.client_id != entry.client_id:
        raise Refused(Reason.WRONG_CREDENTIALS, f"the block holds another client id than {entry.client_id}")
    return credentials


def look_order(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Whole customers: those with something REQUESTED, then never looked at, then longest not looked at.

    A day's budget may not reach all of them.
    """
    first: dict[str, tuple[int, float]] = {}
    for entry in wanted:
        requested = entry.observed is Status.REQUESTED
        seen_at = entry.observed_at.timestamp() if entry.observed_at is not None else 0.0
        customer = entry.item.customer_id
        first[customer] = min(first.get(customer, (1, seen_at)), (0 if requested else 1, seen_at))
    return sorted(wanted, key=lambda entry: first[entry.item.customer_id])


def wait_of(seen: Seen) -> float:
    """The seconds that LinkedIn asked to wait, within bounds: nobody sleeps for a Retry-After of years."""
    asked = seen.retry_after or 0.0 if isinstance(seen, LinkedInError) else 0.0
    return min(asked, MAX_RETRY_AFTER_SECONDS)


def _first(entry: Wanted, seen: Seen) -> Look:
    if isinstance(seen, Observation):
        return Look(entry.id, seen, after_look(seen), final=True, client_id=entry.client_id)
    return Look(entry.id, None, after_failed_look(seen.reason, seen.detail), final=not seen.worth_repeating)


def _confirming(entry: Wanted, seen: Seen) -> Look:
    if not isinstance(seen, Observation):
        # LinkedIn has confirmed the enable; not being able to look again does not change that.
        return Look(entry.id, None, None, final=not seen.worth_repeating)
    condition = after_confirming_look(seen)
    # LinkedIn may only need a moment to show what it has confirmed.
    final = condition.reason is not Reason.CONFIRMED_NOT_SHOWN
    return Look(entry.id, seen, condition, final=final, client_id=entry.client_id)
