"""A step at a customer is two transactions: what is known when the lease is taken goes with it, and so at its end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from greenlight.ats.attempts import Attempts
from greenlight.ats.budgets import Budgets
from greenlight.ats.database import Database
from greenlight.ats.leases import LEASE, Leases
from greenlight.ats.looks import CustomerLooks
from greenlight.ats.store import Store
from greenlight.ats.writer import Part
from greenlight.domain.budget import Lane, Scope
from greenlight.domain.conditions import AttemptOutcome
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.calls import Counted
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.enable import Enabling
from greenlight.reconcile.metering import Budget
from greenlight.reconcile.observe import READ_AHEAD, Observer, Purpose
from tests.ats.world import NOON, attempts_at, bring_in, customer, integration, shows, wanted
from tests.reconcile.stand_ins import Everybodys


class LinkedIn:
    """Shows everything as it is told, confirms each enable, and keeps what each request came counted with."""

    def __init__(self, status: Status = Status.REQUESTED) -> None:
        self.status, self.looks, self.enables = status, list[Counted | None](), list[Counted | None]()

    async def verify(
        self,
        credentials: Credentials,
        keys: Sequence[IntegrationKey],
        *,
        keep_reserve: bool = False,
        counted: Counted | None = None,
    ) -> Mapping[IntegrationKey, Seen]:
        self.looks.append(counted)
        return dict.fromkeys(keys, Observation(self.status))

    async def enable(self, *_: object, counted: Counted | None) -> None:
        self.enables.append(counted)


async def _at_once(_: float) -> None:
    pass


class Run:
    """One run's means at one customer who has asked for one integration."""

    def __init__(self, database: Database, a_day: int = 100) -> None:
        (self.id,) = bring_in(database, customer("acme"))
        self.database, self.linkedin = database, LinkedIn()
        self.leases, self.budgets = Leases(database), Budgets(database, a_day)
        self.budget = Budget(self.budgets, Lane.OPERATOR, Scope.CHILD, lambda: NOON)
        self.store = Store(database)
        means = (Everybodys(), lambda: NOON, CustomerLeases(self.leases, lambda: NOON, _at_once))
        self.observer = Observer(self.store, self.linkedin, *means, budget=self.budget)  # pyright: ignore[reportArgumentType]
        self.enabling = Enabling(Attempts(database), self.linkedin, *means, 15, 60, budget=self.budget)  # pyright: ignore[reportArgumentType]

    @property
    def spent(self) -> list[int]:
        return [day.spent for day in self.budgets.today(NOON)]

    @property
    def is_free(self) -> bool:
        """Whether anybody may have the customer."""
        return Leases(self.database).take("acme", "next", NOON) is None


@contextmanager
def transactions(database: Database) -> Iterator[list[str]]:
    """What writes in each transaction, by its tables."""
    found: list[str] = []
    written: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        words = statement.split()
        if words[0] in ("INSERT", "UPDATE", "DELETE"):
            written.append(words[1] if words[0] == "UPDATE" else words[2])

    def kept(_: object) -> None:
        if written:
            found.append(" ".join(sorted({*written})))
        written.clear()

    event.listen(database.engine, "before_cursor_execute", heard)
    event.listen(database.engine, "commit", kept)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", heard)
        event.remove(database.engine, "commit", kept)


async def test_a_look_is_two_transactions(database: Database) -> None:
    run = Run(database)
    with transactions(database) as made:
        await run.observer.look("run-1", Purpose.OBSERVE, [run.id])
    assert made == ["customer request_day", "customer integration"]
    assert ([counted is not None for counted in run.linkedin.looks], run.spent, run.is_free) == ([True], [1], True)


async def test_an_enable_is_two_transactions(database: Database) -> None:
    run = Run(database)
    shows(database, run.id, Status.REQUESTED)
    with transactions(database) as made:
        await run.enabling.enable("run-1", wanted(database, run.id))
    assert made == ["attempt customer request_day", "attempt customer integration"]
    assert ([counted is not None for counted in run.linkedin.enables], run.spent, run.is_free) == ([True], [1], True)
    assert integration(database, run.id).reason == Reason.CONFIRMED_NOT_SHOWN


async def test_what_the_gate_does_not_let_through_is_looked_at_under_the_same_lease(database: Database) -> None:
    """Another run has been there since this one planned: its attempt is open."""
    run, linkedin = Run(database), LinkedIn(Status.ENABLED)
    shows(database, run.id, Status.REQUESTED)
    planned = wanted(database, run.id)
    await run.enabling.enable("run-1", planned)
    run.linkedin.status = linkedin.status
    left = await run.enabling.enable("run-2", planned)
    assert (left.items, len(run.linkedin.enables), len(run.linkedin.looks)) == (0, 1, 1)
    assert run.linkedin.looks == [None], "the count of an enable is none of a look"
    assert (integration(database, run.id).observed, run.spent) == (Status.ENABLED, [1])


async def test_what_the_day_does_not_let_through_is_not_sent(database: Database) -> None:
    run = Run(database, a_day=1)
    shows(database, run.id, Status.REQUESTED)
    run.budgets.take("client-acme", Lane.OPERATOR, NOON)
    await run.enabling.enable("run-1", wanted(database, run.id))
    (attempt,) = attempts_at(database, run.id)
    assert (run.linkedin.enables, attempt.outcome, attempt.reason) == ([], AttemptOutcome.REFUSED, Reason.THROTTLED)
    assert (run.spent, run.is_free) == ([1], True)


async def test_a_look_that_the_day_does_not_let_through_is_not_made(database: Database) -> None:
    run = Run(database, a_day=1)
    run.budgets.take("client-acme", Lane.OPERATOR, NOON)
    await run.observer.look("run-1", Purpose.OBSERVE, [run.id])
    assert (run.linkedin.looks, integration(database, run.id).reason) == ([], Reason.THROTTLED)
    assert (run.spent, run.is_free) == ([1], True)


async def test_who_does_not_get_the_customer_does_nothing_there(database: Database) -> None:
    run = Run(database)
    shows(database, run.id, Status.REQUESTED)
    assert Leases(database).take("acme", "another", NOON) is None
    await run.observer.look("run-1", Purpose.OBSERVE, [run.id])
    await run.enabling.enable("run-1", wanted(database, run.id))
    assert (run.linkedin.looks, run.linkedin.enables, run.spent, attempts_at(database, run.id)) == ([], [], [], [])
    assert not run.is_free, "it is the other run's still"


class Disk(Exception):
    pass


async def test_a_customer_is_given_back_also_where_the_end_cannot_be_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(database)

    def torn(_: Store, together: Sequence[CustomerLooks]) -> list[None]:
        raise Disk("full")

    monkeypatch.setattr(Store, "record_all_looks", torn)
    with pytest.raises(Disk):
        await run.observer.look("run-1", Purpose.OBSERVE, [run.id])
    assert run.is_free


async def test_credentials_that_cannot_be_read_ahead_are_left_to_who_looks(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, asked = Run(database), list[Sequence[str]]()

    async def away(_: Everybodys, names: Sequence[str]) -> Mapping[str, Credentials]:
        asked.append(names)
        raise Disk

    entry = wanted(database, run.id)
    with monkeypatch.context() as patched:
        patched.setattr(Everybodys, "get_many", away)
        await run.observer.read_ahead([entry] * (READ_AHEAD + 1))
    assert asked == [[entry.credentials_block]], "nobody is asked on and on who does not answer"
    assert (await run.observer.look("run-1", Purpose.OBSERVE, [run.id])).items == 0


async def test_a_lease_that_could_not_be_given_back_ends_by_itself(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the run goes on: it renews what a step of it has, and nothing else."""
    run, now = Run(database), [NOON]
    leases = CustomerLeases(run.leases, lambda: now[0], _at_once)

    def torn(_: Leases, customers: Sequence[str]) -> list[None]:
        raise Disk("full")

    with monkeypatch.context() as patched:
        patched.setattr(Leases, "release_all", torn)
        with pytest.raises(Disk):
            async with leases.holding("acme", "run-1"):
                assert leases.at == {"acme"}
    assert (leases.at, run.is_free) == (set(), False)
    run.leases.renew([*leases.at], NOON + LEASE / 2)
    assert Leases(database).take("acme", "next", NOON + LEASE) is None


async def test_what_a_step_ends_with_is_written_also_where_it_took_no_lease(database: Database) -> None:
    run, came = Run(database), list[str]()
    leases = CustomerLeases(run.leases, lambda: NOON, _at_once)

    def told(asked: Sequence[str]) -> list[None]:
        came.extend(asked)
        return [None] * len(asked)

    async with leases.leasing("acme", "run-1") as lease:
        lease.end_with(Part(told, "end"))
    assert came == ["end"]


async def test_an_end_that_is_answered_with_an_error_is_no_end(database: Database) -> None:
    run = Run(database)
    leases = CustomerLeases(run.leases, lambda: NOON, _at_once)

    async def step() -> None:
        async with leases.leasing("acme", "run-1") as lease:
            await lease.begin()
            lease.end_with(Part(lambda asked: [Disk() for _ in asked], "end"))

    with pytest.raises(Disk):
        await step()
    assert run.is_free
