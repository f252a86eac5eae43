"""What a guard holds stays held through any number of nights and looks, until a person lifts it or it is back."""

from collections.abc import Sequence

import pytest
from sqlmodel import select, update

from greenlight.ats.database import Database
from greenlight.ats.facts import FactsOnRecord
from greenlight.ats.holds import Holds
from greenlight.ats.ledger import Hold
from greenlight.ats.requests import Requests
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import Integration
from greenlight.domain import tripwires
from greenlight.domain.budget import Lane
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from tests.ats.asking import session_of
from tests.ats.world import TYPES, at, bring_in, customer, integration, key_of, shows

EMPTY, GUARD = Status.NOT_REQUESTED, Reason.SUDDENLY_EMPTY


def town(database: Database, enabled: int, ready: int = 1) -> tuple[list[int], list[int]]:
    """Customers with something ENABLED, and others with something REQUESTED; a first night has been."""
    names = [f"c{number:02}" for number in range(enabled)], [f"r{number:02}" for number in range(ready)]
    ids = bring_in(database, *(customer(name) for name in [*names[0], *names[1]]))
    for id in ids[:enabled]:
        shows(database, id, Status.ENABLED, at(1))
    for id in ids[enabled:]:
        shows(database, id, Status.REQUESTED, at(1))
    assert Holds(database).review(ids, Lane.NIGHTLY, at(2)) == []
    return ids[:enabled], ids[enabled:]


def held(database: Database, ids: Sequence[int], lane: Lane = Lane.NIGHTLY, minute: float = 10) -> dict[str, Reason]:
    """What is held after the guards have looked."""
    Holds(database).review(ids, lane, at(minute))
    facts = FactsOnRecord(database).facts(ids, "run-9", at(minute), named=())
    return {item.customer_id: condition.reason for item, condition in facts.held.items()}


def turn_empty(database: Database, ids: Sequence[int], minute: float = 9) -> None:
    for id in ids:
        shows(database, id, EMPTY, at(minute), purpose=f"observe:{minute}")


def test_what_turned_empty_at_once_holds_itself_and_what_is_ready_every_night(database: Database) -> None:
    """The second night finds the same answers as the first, and that makes them no truer."""
    enabled, ready = town(database, 12)
    turn_empty(database, enabled)
    for night in (10, 1_500, 3_000):
        found = held(database, [*enabled, *ready], minute=night)
        assert found == dict.fromkeys([*(f"c{n:02}" for n in range(12)), "r00"], GUARD), night
        turn_empty(database, enabled, night + 1)
    assert integration(database, enabled[0]).reason == GUARD, "a look in between does not call it anything else"


def test_a_small_vendor_has_the_same_guard(database: Database) -> None:
    """Three customers of three turn empty, and one of them comes back as if nobody had ever enabled it."""
    enabled, _ = town(database, 3, ready=0)
    turn_empty(database, enabled)
    assert held(database, enabled) == dict.fromkeys(["c00", "c01", "c02"], GUARD)
    shows(database, enabled[0], Status.ENABLED, at(20), purpose="observe:20")
    assert held(database, enabled, minute=21) == dict.fromkeys(["c01", "c02"], GUARD)


@pytest.mark.parametrize(("lost", "share", "trips"), [(5, 25, True), (5, 26, False), (3, 5, True), (3, 6, False)])
def test_a_night_is_judged_by_the_share_that_it_looked_at(
    database: Database, lost: int, share: int, trips: bool
) -> None:
    """A fifth of those, where it is far less of all; what else is ready in that night waits as well."""
    enabled, ready = town(database, 40)
    turn_empty(database, enabled[:lost])
    for id in (*enabled[lost : share - 1], *ready):
        shows(database, id, Status.ENABLED if id in enabled else Status.REQUESTED, at(9), purpose="observe:9")
    looked = [*enabled[: share - 1], *ready]
    assert Holds(database).review(looked, Lane.OPERATOR, at(10)) == [], "of all it is a few"
    found = Holds(database).review(looked, Lane.NIGHTLY, at(10), night_since=at(9))
    assert {hold.item.customer_id for hold in found} == (
        {*(f"c{n:02}" for n in range(lost)), "r00"} if trips else set()
    )
    another = bring_in(database, customer("another"))[-1:]
    Holds(database).review(another, Lane.OPERATOR, at(15))
    assert ("r00" in held(database, ready, minute=16)) is trips, "whoever looks in between knows nothing better"


def test_what_an_earlier_run_was_the_first_to_see_is_not_this_nights(database: Database) -> None:
    """Five customers that left one by one are looked at each night, and are no sudden emptiness of any."""
    enabled, ready = town(database, 40)
    for day, id in enumerate(enabled[:5]):
        turn_empty(database, [id], 2_000 * day + 9)
    for id in enabled[5:10]:
        shows(database, id, Status.ENABLED, at(20_000), purpose="observe:20000")
    turn_empty(database, enabled[:5], 20_000)
    looked = [*enabled[:10], *ready]
    assert Holds(database).review(looked, Lane.NIGHTLY, at(20_001), night_since=at(20_000)) == []


def test_looks_one_by_one_in_the_day_are_seen_at_night(database: Database) -> None:
    """A page that customers open, a worker, a person: whoever looks first takes nothing from the guard."""
    enabled, ready = town(database, 6)
    for number, id in enumerate(enabled):
        turn_empty(database, [id], 100 + 60 * number)
        turn_empty(database, [id], 101 + 60 * number)
    assert held(database, ready, minute=1_000)["r00"] == GUARD


def test_it_ends_when_what_was_seen_is_back(database: Database) -> None:
    enabled, ready = town(database, 12)
    turn_empty(database, enabled)
    held(database, [*enabled, *ready])
    for id in enabled[:9]:
        shows(database, id, Status.ENABLED, at(20), purpose="observe:20")
    assert set(held(database, ready, minute=21)) == {"r00"}, "three are as many as a run may trip over"
    shows(database, enabled[9], Status.ENABLED, at(20), purpose="observe:20")
    assert held(database, ready, minute=21) == {}, "two are no alarm any more"
    assert set(held(database, enabled, minute=21)) == {"c10", "c11"}
    for id in enabled[10:]:
        shows(database, id, Status.REQUESTED, at(22), purpose="observe:22")
    assert held(database, [*enabled, *ready], minute=23) == {}


def test_what_comes_back_as_requested_while_others_are_gone_is_still_held(database: Database) -> None:
    """An answer that shows it as never enabled is no sign that the answers are right again."""
    enabled, ready = town(database, 12)
    turn_empty(database, enabled)
    held(database, [*enabled, *ready])
    shows(database, enabled[0], Status.REQUESTED, at(20), purpose="observe:20")
    shows(database, enabled[1], Status.ENABLED, at(20), purpose="observe:20")
    found = held(database, [*enabled, *ready], minute=21)
    assert found == dict.fromkeys(["c00", *(f"c{n:02}" for n in range(2, 12)), "r00"], GUARD)
    (first,) = Holds(database).on_record(["c00"])
    assert first.since == at(10), "it is the same hold, and as old as what was seen"


def test_a_person_lifts_it_for_one_customer_and_it_stays_lifted(database: Database) -> None:
    enabled, ready = town(database, 12, ready=2)
    turn_empty(database, enabled)
    held(database, [*enabled, *ready])
    (lifted,) = Holds(database).lift(["r00"], "ann", at(11))
    assert (lifted.item.customer_id, lifted.reason) == ("r00", GUARD)
    assert "12 of 14 customers, c00, c01, c02 among them" in lifted.saw
    for night in (1_500, 3_000):
        found = held(database, [*enabled, *ready], minute=night)
        assert ("r00" in found, found["r01"]) == (False, GUARD)
    with database.reading() as session:
        (row,) = session.exec(select(Hold).where(Hold.lifted_by == "ann"))
        assert (row.integration_id, row.ended_at) == (ready[0], at(11))


def test_customers_that_are_truly_gone_are_no_alarm_once_a_person_said_so(database: Database) -> None:
    enabled, ready = town(database, 12)
    turn_empty(database, enabled)
    held(database, [*enabled, *ready])
    Holds(database).lift([f"c{number:02}" for number in range(12)], "ann", at(11))
    turn_empty(database, enabled, 12)
    assert held(database, [*enabled, *ready], minute=13) == {}
    assert integration(database, enabled[0]).reason == Reason.NOT_REQUESTED


def test_what_could_not_be_read_in_between_hides_nothing(database: Database) -> None:
    enabled, ready = town(database, 6)
    for id in enabled:
        shows(database, id, Status.UNKNOWN, at(8), purpose="observe:8")
    turn_empty(database, enabled)
    assert held(database, ready)["r00"] == GUARD


def test_a_request_of_today_is_not_held_for_other_customers_answers(database: Database) -> None:
    """Unless it is held already."""
    enabled, ready = town(database, 6)
    turn_empty(database, enabled)
    assert held(database, ready, Lane.REALTIME) == {}
    held(database, ready, Lane.OPERATOR)
    assert held(database, ready, Lane.REALTIME)["r00"] == GUARD


def test_an_open_request_that_is_held_is_not_acted_on_until_it_is_lifted(database: Database) -> None:
    enabled, ready = town(database, 6)
    turn_empty(database, enabled)
    held(database, ready)
    requests, session = Requests(database), session_of(database, "r00")
    requests.record("r00", session, [key_of("r00")], at(20))
    opened = requests.open_of(["r00"])
    assert requests.due_of(["r00"], at(21)) == []
    requests.put_off(opened, at(21))
    Holds(database).lift(["r00"], "ann", at(22))
    assert requests.due_of(["r00"], at(22)) == opened


@pytest.fixture
def _two_are_a_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tripwires, "JUMP_AT_LEAST", 2)


@pytest.mark.usefixtures("_two_are_a_jump")
def test_a_jump_is_held_through_nights_that_did_nothing(database: Database) -> None:
    """A night on which LinkedIn was down, or one for a single customer, has judged nothing of the others."""
    town(database, 1, ready=0)
    new = bring_in(database, customer("n1"), customer("n2"), customer("n3"))[1:]
    assert set(held(database, [new[0]])) == {"n1"}
    for night in (1_500, 3_000):
        assert set(held(database, new, minute=night).values()) == {Reason.WANTED_SET_JUMPED}
    for id in new:
        shows(database, id, Status.REQUESTED, at(3_001))
    assert set(held(database, new, Lane.OPERATOR, 3_002)) == {"n1", "n2", "n3"}, "a run by hand is no word"
    Holds(database).lift([], "ann", at(3_003))
    assert held(database, new, minute=4_500) == {}


@pytest.mark.usefixtures("_two_are_a_jump")
def test_what_comes_in_slowly_or_at_first_is_no_jump(database: Database) -> None:
    first = bring_in(database, customer("a1"), customer("a2"), customer("a3"))
    assert held(database, first) == {}
    for number in range(4):
        ids = bring_in(database, customer(f"b{number}"))
        assert held(database, ids, minute=1_500 * (number + 1)) == {}


@pytest.mark.usefixtures("_two_are_a_jump")
def test_what_is_enabled_already_is_not_held_for_being_new(database: Database) -> None:
    town(database, 1, ready=0)
    ids = bring_in(database, customer("n1", TYPES), customer("n2"))
    shows(database, ids[-1], Status.ENABLED, at(5))
    assert set(held(database, ids)) == {"n1"}


def test_a_context_of_two_customers_is_held_for_both_until_one_is_lifted_or_the_other_is_gone(
    database: Database,
) -> None:
    ids = bring_in(database, customer("acme"), customer("bolt"), customer("core"))
    with database.writing() as session:
        session.exec(update(Integration).values(integration_context="urn:li:organization:1"))
    for id in ids[:2]:
        shows(database, id, Status.REQUESTED, at(1))
    for minute in (2, 3):
        assert held(database, ids, minute=minute) == dict.fromkeys(("acme", "bolt"), Reason.CLAIMED_TWICE)
    Holds(database).lift(["bolt"], "ann", at(4))
    assert set(held(database, ids, minute=5)) == {"acme"}
    shows(database, ids[1], Status.ENABLED, at(6))
    assert set(held(database, ids, minute=7)) == {"acme"}
    shows(database, ids[2], Status.REQUESTED, at(8))
    assert set(held(database, ids, minute=9)) == {"acme", "core"}
    for id in ids[1:]:
        shows(database, id, EMPTY, at(10))
    assert held(database, ids[:1], minute=11) == {}, "nobody else claims it"


def test_a_lifted_claim_is_held_anew_when_somebody_else_claims_it(database: Database) -> None:
    ids = bring_in(database, customer("acme"), customer("bolt"), customer("core"))
    with database.writing() as session:
        session.exec(update(Integration).values(integration_context="urn:li:organization:1"))
    for id in ids[:2]:
        shows(database, id, Status.REQUESTED, at(1))
    held(database, ids, minute=2)
    Holds(database).lift(["acme"], "ann", at(3))
    assert "acme" not in held(database, ids, minute=4)
    shows(database, ids[2], Status.PARTNER_READY, at(5))
    assert "acme" in held(database, ids, minute=6)


def test_who_is_not_there_cannot_be_lifted(database: Database) -> None:
    enabled, ready = town(database, 6)
    turn_empty(database, enabled)
    held(database, ready)
    with pytest.raises(UnknownCustomer, match="'nobody'"):
        Holds(database).lift(["r00", "nobody"], "ann", at(11))
    assert len(Holds(database).on_record()) == 7
    assert len(Holds(database).on_record(["r00"])) == 1
