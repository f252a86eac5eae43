"""A request recorded after it was read as open is never lost: a state machine on both databases."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import delete

from greenlight.ats.callbacks import SETTLED_FOR
from greenlight.ats.changes import IntegrationChange
from greenlight.ats.database import Database
from greenlight.ats.ledger import Warrant
from greenlight.ats.requests import OpenRequest, Requests
from greenlight.ats.tables import ChildApplication, Customer, Integration, PortalSession, RequestEvidence
from greenlight.domain.status import Status
from tests.ats.asking import act_on, session_of
from tests.ats.world import NOON, TYPES, at, bring_in, customer, key_of, shows

CUSTOMERS = ("acme", "bolt")
PLACES = st.integers(0, 2)


class Asking(RuleBasedStateMachine):
    """Three integrations of two customers, browsers that ask, and workers that read, act and finish in any order."""

    database: Database

    @initialize()
    def empty(self) -> None:
        with self.database.writing() as session:
            for table in (
                IntegrationChange,
                RequestEvidence,
                PortalSession,
                Warrant,
                Integration,
                ChildApplication,
                Customer,
            ):
                session.exec(delete(table))
        self.ids = bring_in(self.database, customer("acme", TYPES[:2]), customer("bolt"))
        self.keys = [("acme", key_of("acme", TYPES[0])), ("acme", key_of("acme", TYPES[1])), ("bolt", key_of("bolt"))]
        self.sessions = {id: session_of(self.database, id) for id in CUSTOMERS}
        self.requests, self.now, self.moves = Requests(self.database), NOON, 0
        #: The move at which each was requested last, and the latest of these that somebody read and then acted on.
        self.asked: dict[int, int] = {}
        self.done: dict[int, int] = {}
        self.enabled_at: dict[int, datetime] = {}
        self.in_hand: list[tuple[list[OpenRequest], dict[int, int]]] = []

    def open_ids(self, customer_id: str) -> set[int]:
        return {request.integration_id for request in self.requests.open_of([customer_id])}

    def must_be_open(self, customer_id: str) -> set[int]:
        ids = {id for id, (owner, _) in zip(self.ids, self.keys, strict=True) if owner == customer_id}
        return {id for id in ids if self.asked.get(id, 0) > self.done.get(id, 0)}

    @rule(place=PLACES, seconds=st.sampled_from([0.000001, 1, 45, 90]))
    def ask(self, place: int, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.moves += 1
        id, (customer_id, key) = self.ids[place], self.keys[place]
        self.requests.record(customer_id, self.sessions[customer_id], [key], self.now)
        seen = self.enabled_at.get(id)
        if seen is None or self.now - seen >= SETTLED_FOR:
            self.asked[id] = self.moves

    @rule(place=PLACES, status=st.sampled_from([Status.ENABLED, Status.REQUESTED]))
    def look(self, place: int, status: Status) -> None:
        id = self.ids[place]
        shows(self.database, id, status, self.now, purpose=f"observe:{self.moves}")
        self.enabled_at.pop(id, None)
        if status is Status.ENABLED:
            self.enabled_at[id] = self.now

    @rule(customer_id=st.sampled_from(CUSTOMERS))
    def read(self, customer_id: str) -> None:
        opened = self.requests.open_of([customer_id])
        self.in_hand.append((opened, {r.integration_id: self.asked[r.integration_id] for r in opened}))

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        opened, asked = self.in_hand.pop(data.draw(st.integers(0, len(self.in_hand) - 1)))
        act_on(self.database, opened, at(600))
        for id, move in asked.items():
            self.done[id] = max(self.done.get(id, 0), move)

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """The worker dies; what it had in hand stays open."""
        self.in_hand.pop(data.draw(st.integers(0, len(self.in_hand) - 1)))

    @rule(customer_id=st.sampled_from(CUSTOMERS))
    def read_and_finish(self, customer_id: str) -> None:
        """With nobody in between, nothing is left."""
        opened = self.requests.open_of([customer_id])
        act_on(self.database, opened, at(600))
        for request in opened:
            self.done[request.integration_id] = self.asked[request.integration_id]
        assert self.open_ids(customer_id) == set()

    @invariant()
    def nothing_is_lost_and_nothing_made_up(self) -> None:
        for customer_id in CUSTOMERS:
            opened = self.open_ids(customer_id)
            assert self.must_be_open(customer_id) <= opened, "a request is lost"
            assert opened <= self.asked.keys(), "nobody has requested it"
            assert (customer_id in self.requests.open_customers()) is bool(opened)


def test_no_request_is_lost_in_any_order(database: Database) -> None:
    """Requests, looks, workers that finish late or never: whatever was requested after it was read stays open."""
    machine = type("Machine", (Asking,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
