"""What is withdrawn is left alone until somebody wants it again; who has left leaves what an auditor needs."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from greenlight.ats.applications import Applications
from greenlight.ats.attempts import AttemptHeld, Attempts
from greenlight.ats.database import Database
from greenlight.ats.domains import DomainLists
from greenlight.ats.holds import Holds
from greenlight.ats.ledger import Hold
from greenlight.ats.looks import Look
from greenlight.ats.pauses import Pause, Pauses
from greenlight.ats.portal_sessions import LinkUsed, PortalSessions
from greenlight.ats.registry import register
from greenlight.ats.requests import Requests
from greenlight.ats.rotations import Rotations
from greenlight.ats.runs import Runs, RunTarget
from greenlight.ats.store import Store, UnknownCustomer
from greenlight.ats.tables import ChildApplication, Customer
from greenlight.ats.withdrawals import NAMELESS, BrowserSessions, NotTakenBack, Withdrawals, Withdrawn
from greenlight.domain.budget import Lane
from greenlight.domain.conditions import after_look
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from tests.ats.asking import at_once, session_of
from tests.ats.world import TYPES, at, attempts_at, begin, bring_in, customer, integration, key_of, shows, wanted

ALL = Selection()


def withdraw(database: Database, minute: float = 5, type: str = TYPES[0]) -> Withdrawn:
    return Withdrawals(database).withdraw("acme", type, None, "ann", at(minute))


@pytest.fixture
def ids(database: Database) -> list[int]:
    """Two requested integrations of one customer, and one of another."""
    ids = bring_in(database, customer("acme", TYPES[:2]), customer("bolt"))
    for id in ids:
        shows(database, id, Status.REQUESTED, at(1))
    return ids


def test_what_is_withdrawn_is_neither_looked_at_nor_enabled(database: Database, ids: list[int]) -> None:
    entry = wanted(database, ids[0])
    withdrawn = withdraw(database)
    assert (withdrawn.item, withdrawn.observed, withdrawn.by) == (entry.item, Status.REQUESTED, "ann")
    store = Store(database)
    assert store.select(ALL, to_ask=True) == ids[1:]
    assert [each.id for each in store.wanted(ids)] == ids[1:], "also for a run that had selected it before"
    with pytest.raises(AttemptHeld) as held:
        Attempts(database).begin(entry, "run-1", "client-acme", at(5), settles_at=at(9))
    assert held.value.condition.reason is Reason.WITHDRAWN
    assert attempts_at(database, ids[0]) == []
    page = Requests(database).page("acme")
    assert [each.item.key for each in page.items] == [key_of("acme", TYPES[1])]
    known = Runs(database).known(Command.STATUS, ALL)
    assert known.items[0].condition.reason is Reason.WITHDRAWN, "its history is kept"


def test_a_look_that_was_under_way_does_not_bring_it_back(database: Database, ids: list[int]) -> None:
    withdraw(database)
    for minute, status in ((6, Status.REQUESTED), (7, Status.ENABLED)):
        assert integration(database, ids[0]).reason == Reason.WITHDRAWN
        seen = Observation(status)
        Store(database).record_looks("late", [Look(ids[0], seen, after_look(seen), True, "client-acme")], at(minute))
    row = integration(database, ids[0])
    assert (row.outcome, row.reason) == (Outcome.ALREADY_ENABLED, Reason.ENABLED_BUT_WITHDRAWN)


def test_a_new_request_brings_it_back(database: Database, ids: list[int]) -> None:
    session = session_of(database)
    Requests(database).record("acme", session, [key_of("acme")], at(2))
    withdraw(database)
    assert Requests(database).open_customers() == [], "what was requested is answered"
    Requests(database).record("acme", session, [key_of("acme")], at(8))
    assert Requests(database).open_customers() == ["acme"]
    shows(database, ids[0], Status.REQUESTED, at(9), purpose="observe:9")
    assert begin(database, ids[0], now=at(9)) > 0


def test_an_import_that_names_it_brings_it_back(database: Database, ids: list[int]) -> None:
    withdraw(database)
    changes = register(database, [customer("acme", TYPES[:2])], at(8))
    assert (changes.integrations_returned, changes.integrations_added) == (1, 0)
    assert Store(database).select(ALL, to_ask=True) == ids
    assert register(database, [customer("acme", TYPES[:2])], at(9)).integrations_returned == 0
    shows(database, ids[0], Status.REQUESTED, at(9), purpose="observe:9")
    assert begin(database, ids[0], now=at(9)) > 0


def test_once_more_changes_nothing(database: Database, ids: list[int]) -> None:
    first = withdraw(database)
    again = Withdrawals(database).withdraw("acme", TYPES[0], None, "bob", at(8))
    assert (again, integration(database, ids[0]).condition_since) == (first, at(5))


def test_while_an_enable_is_on_its_way_nothing_is_withdrawn(database: Database, ids: list[int]) -> None:
    begin(database, ids[0], now=at(2))
    with pytest.raises(NotTakenBack, match="greenlight apply --customer acme"):
        withdraw(database)
    with pytest.raises(NotTakenBack, match="nobody has seen yet what became of it"):
        Withdrawals(database).forget("acme", "ann", at(5))
    assert Store(database).select(ALL, to_ask=True) == ids
    assert withdraw(database, type=TYPES[1]).item.key.integration_type == TYPES[1]


def test_of_an_intent_and_a_withdrawal_at_the_same_moment_one_comes_through(database: Database) -> None:
    ids = bring_in(database, *(customer(f"c{n}") for n in range(8)))
    for id in ids:
        shows(database, id, Status.REQUESTED, at(1))
    for number, id in enumerate(ids):
        entry = wanted(database, id)
        acts = (
            lambda entry=entry: Attempts(database).begin(entry, "r", str(entry.client_id), at(2), settles_at=at(9)),
            lambda number=number: Withdrawals(database).withdraw(f"c{number}", TYPES[0], None, "ann", at(2)),
        )
        failed = at_once(2, lambda place, acts=acts: acts[place]())
        sent = len(attempts_at(database, id))
        gone = integration(database, id).withdrawn_at is not None
        assert (sent, gone) in ((1, False), (0, True)), failed


@pytest.mark.parametrize(
    ("who", "type", "context", "says"),
    [
        ("acme", "NOT_THERE", None, "has no such integration"),
        ("acme", TYPES[0], "urn:li:organization:other", "has no such integration"),
        ("twice", TYPES[0], None, "has several APPLY_WITH_LINKEDIN: name one of"),
    ],
)
def test_what_is_not_one_integration(database: Database, who: str, type: str, context: str | None, says: str) -> None:
    twice = customer("twice")
    two = [*twice.integrations, (key_of("elsewhere"), "another")]
    bring_in(database, customer("acme"), twice.__class__("twice", "Twice", twice.application, two))
    with pytest.raises(NotTakenBack, match=says):
        Withdrawals(database).withdraw(who, type, context, "ann", at(5))
    assert Withdrawals(database).withdraw("twice", TYPES[0], "urn:li:organization:elsewhere", "ann", at(5))


def test_who_is_not_there(database: Database) -> None:
    for act in (
        lambda: Withdrawals(database).withdraw("nobody", TYPES[0], None, "ann", at(5)),
        lambda: Withdrawals(database).forget("nobody", "ann", at(5)),
        lambda: BrowserSessions(database).end("nobody", at(5)),
    ):
        with pytest.raises(UnknownCustomer):
            act()


def test_what_a_guard_held_is_held_no_more(database: Database, ids: list[int]) -> None:
    """Of two customers that show one context, the other is right once this one is withdrawn."""
    register(database, [customer("bolt").__class__("bolt", "Bolt", None, [(key_of("acme"), "theirs")])], at(1))
    theirs = max(Store(database).select(ALL, to_ask=True))
    shows(database, theirs, Status.REQUESTED, at(2), purpose="observe:2")
    Holds(database).review([*ids, theirs], Lane.NIGHTLY, at(3))
    assert {held.item.customer_id for held in Holds(database).on_record()} == {"acme", "bolt"}
    for type in TYPES[:2]:
        withdraw(database, type=type)
    Holds(database).review([theirs], Lane.NIGHTLY, at(6))
    assert Holds(database).on_record() == []
    with database.reading() as session:
        assert set(session.exec(select(Hold.lifted_by).where(col(Hold.integration_id).in_(ids[:2])))) == {"ann"}


def test_a_customer_that_has_left(database: Database, ids: list[int]) -> None:
    """Its name is gone from everywhere, nothing of it goes on, and what was sent stays on record."""
    digest = session_of(database)
    Runs(database).start("run-1", Command.APPLY, RunTarget(ALL), at(2))
    begin(database, ids[0], now=at(2))
    shows(database, ids[0], Status.ENABLED, at(3), purpose="observe:3")
    Pauses(database).begin(Pause("acme", "Jane of Acme asked", "ann", at(4), at(60)))
    Applications(database).put("acme", "client-acme", "child-app-acme", at(4), urn="urn:1", name="A", js_sdk_domains=[])
    assert DomainLists(database).to_look_at(9) == ["acme"]
    forgotten = Withdrawals(database).forget("acme", "ann", at(5))
    assert DomainLists(database).to_look_at(9) == Rotations(database).select([]) == [], "no night takes it in again"
    assert (forgotten.credentials_block, forgotten.sessions_ended) == ("child-app-acme", 1)
    assert [entry.observed for entry in forgotten.withdrawn] == [Status.ENABLED, Status.REQUESTED]
    assert PortalSessions(database).find(digest, at(5)) is None
    assert Store(database).select(ALL, to_ask=True) == ids[2:]
    with pytest.raises(LinkUsed):
        PortalSessions(database).offered("a link that is still good", "acme")
    with pytest.raises(LinkUsed):
        session_of(database, name="another")
    with database.reading() as session:
        assert session.get_one(Customer, "acme").customer_name == NAMELESS
        assert session.get_one(ChildApplication, "acme").client_id == "client-acme"
    assert all(integration(database, id).integration_name.startswith(NAMELESS) for id in ids[:2])
    assert Pauses(database).now_in_force(["acme"], at(5)) == {}
    assert [attempt.outcome for attempt in attempts_at(database, ids[0])] == ["confirmed_by_looking"]
    again = Withdrawals(database).forget("acme", "bob", at(6))
    assert (again.at, again.credentials_block, again.sessions_ended) == (at(5), "child-app-acme", 0)
    register(database, [customer("acme", TYPES[:2])], at(9))
    assert Store(database).select(ALL, to_ask=True) == ids
    with database.reading() as session:
        back = session.get_one(Customer, "acme")
        assert (back.customer_name, back.forgotten_at) == ("acme Ltd", None)


def test_sessions_are_listed_and_ended(database: Database, ids: list[int]) -> None:
    for name, who in (("one", "acme"), ("two", "acme"), ("three", "bolt")):
        session_of(database, who, name)
    assert [each.customer_id for each in BrowserSessions(database).open_at(at(1))] == ["acme", "acme", "bolt"]
    assert BrowserSessions(database).open_at(at(0) + timedelta(days=1)) == []
    assert BrowserSessions(database).end("acme", at(2)) == 2
    assert [each.customer_id for each in BrowserSessions(database).open_at(at(2))] == ["bolt"]
    assert BrowserSessions(database).end("acme", at(3)) == 0
