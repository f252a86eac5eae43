"""What is large is written in parts: others get their turn, and what is cut short is no half of anything."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import col, func, select

from greenlight.ats import plans, registry
from greenlight.ats.columns import TooLong
from greenlight.ats.database import Database, open_database
from greenlight.ats.leases import Leases
from greenlight.ats.ledger import Warrant, Word
from greenlight.ats.plans import PlanRefused, Plans, UnknownPlan
from greenlight.ats.registry import Changes, ClientIdTaken, register
from greenlight.ats.requests import Requests
from greenlight.ats.rows import condition, item
from greenlight.ats.store import Store
from greenlight.ats.stored_plans import StoredPlans
from greenlight.ats.tables import Customer, Integration, Plan
from greenlight.domain.conditions import NOT_LOOKED_AT, after_look
from greenlight.domain.plan import Action, Planned, RequestTotals
from greenlight.domain.selection import Selection
from greenlight.domain.status import Observation, Status
from tests.ats.asking import session_of
from tests.ats.test_ats_registry import everything
from tests.ats.test_ats_text_and_volume import counted, seeds
from tests.ats.world import TYPES, at, bring_in, customer, ids_of, integration, key_of, shows

READY = after_look(Observation(Status.REQUESTED))
SEVEN = [customer(f"c{number}", TYPES[:2]) for number in range(7)]


class Killed(BaseException):
    """The process is gone."""


def dies_at(call: int, act: Callable[..., Any]) -> Callable[..., Any]:
    """The same, until it is called for the so-manyth time."""
    calls = count(1)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == call:
            raise Killed
        return act(*args, **kwargs)

    return dying


def writes(statements: list[str]) -> list[str]:
    return [statement for statement in statements if statement.startswith(("INSERT", "UPDATE", "DELETE"))]


def warrants(database: Database) -> dict[int, list[str]]:
    """The words that were given for each integration."""
    found: dict[int, list[str]] = {}
    with database.reading() as session:
        for warrant in session.exec(select(Warrant).order_by(col(Warrant.id))):
            found.setdefault(warrant.integration_id, []).append(warrant.word)
    return found


def test_an_import_that_was_cut_short_is_completed_by_the_same_file(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its report counts what was missing, and no more."""
    monkeypatch.setattr(registry, "ROWS_AT_ONCE", 4)
    whole, register_in = Changes(customers_added=7, integrations_added=14), registry.register_in
    monkeypatch.setattr(registry, "register_in", dies_at(3, register_in))
    with pytest.raises(Killed):
        register(database, SEVEN, at(0))
    assert len(ids_of(database)) == 8, "two parts of two customers are there, and nothing of the third"
    monkeypatch.setattr(registry, "register_in", register_in)
    rest = register(database, SEVEN, at(1))
    assert rest == Changes(customers_added=whole.customers_added - 4, integrations_added=whole.integrations_added - 8)
    assert warrants(database) == {id: [Word.IMPORT] for id in ids_of(database)}
    before = everything(database)
    with counted(database) as sent:
        assert register(database, SEVEN, at(2)) == Changes()
    assert (everything(database), writes(sent)) == (before, [])


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (replace(customer("last"), application=("client-c1", "block")), ClientIdTaken),
        (replace(customer("last"), integrations=[(key_of("last"), "x" * 201)]), TooLong),
        (replace(customer("last"), customer_name="x" * 201), TooLong),
    ],
    ids=["a client id of another's", "an integration's name", "a customer's name"],
)
def test_what_is_wrong_with_the_last_part_keeps_the_first_one_out(
    database: Database, monkeypatch: pytest.MonkeyPatch, last: registry.Registration, error: type[Exception]
) -> None:
    """Nobody should have to find out which half of a file got in."""
    monkeypatch.setattr(registry, "ROWS_AT_ONCE", 1)
    with pytest.raises(error):
        register(database, [*SEVEN, last], at(0))
    assert everything(database) == [[], [], []]


def test_a_customer_in_several_parts_is_one_customer(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ROWS_AT_ONCE", 2)
    acme = customer("acme", TYPES)
    assert register(database, [customer("bolt"), acme], at(0)) == Changes(customers_added=2, integrations_added=4)
    renamed = replace(acme, customer_name="Acme & Söhne", application=("client-new", "child-app-acme"))
    assert register(database, [renamed], at(1)) == Changes(customers_changed=1)


def test_a_client_id_that_was_given_up_before_may_be_taken_over(database: Database) -> None:
    """In the order of the file, in one part as well as in the check before all of them."""
    register(database, [customer("acme"), customer("bolt")], at(0))
    moved = [
        replace(customer("acme"), application=("client-new", "child-app-acme")),
        replace(customer("bolt"), application=("client-acme", "child-app-bolt")),
    ]
    with pytest.raises(ClientIdTaken):
        register(database, moved[::-1], at(1))
    assert register(database, moved, at(1)) == Changes(customers_changed=2)


def planned(database: Database, ids: list[int], action: Action = Action.ENABLE) -> list[tuple[int, Planned]]:
    return [(id, Planned(item(integration(database, id)), action, READY)) for id in ids]


def test_a_plan_that_was_not_stored_whole_is_none(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever would apply it would enable a part of what was shown."""
    ids = bring_in(database, *SEVEN)
    monkeypatch.setattr(plans, "ITEMS_AT_ONCE", 5)
    add_rows = plans.add_rows
    monkeypatch.setattr(plans, "add_rows", dies_at(3, add_rows))
    store = Plans(database)
    with pytest.raises(Killed):
        store.save(planned(database, ids), Selection(), RequestTotals(), at(0))
    with database.reading() as session:
        plan_id = session.exec(select(Plan.plan_id)).one()
    assert StoredPlans(database).on_record(at(0)) == []
    acts: list[Callable[[], object]] = [
        lambda: store.enables(plan_id),
        lambda: store.lines(plan_id),
        lambda: store.check(plan_id, at(0)),
        lambda: store.approve(plan_id, "ann", at(0)),
        lambda: store.use(plan_id, "run-1", at(0)),
        lambda: StoredPlans(database).one(plan_id, at(0)),
        lambda: StoredPlans(database).discard(plan_id, "ann", at(0)),
    ]
    for act in acts:
        with pytest.raises(UnknownPlan):
            act()
    monkeypatch.setattr(plans, "add_rows", add_rows)
    assert store.enables(store.save(planned(database, ids), Selection(), RequestTotals(), at(1))) == ids


def test_a_run_that_died_while_it_took_a_plan_gets_all_of_it_the_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each integration's word is given once, and the plan is its own."""
    ids = bring_in(database, *SEVEN)
    monkeypatch.setattr(plans, "ITEMS_AT_ONCE", 5)
    store, give = Plans(database), plans.give
    plan_id = store.save(planned(database, ids), Selection(), RequestTotals(), at(0))
    store.approve(plan_id, "ann", at(0))
    monkeypatch.setattr(plans, "give", dies_at(2, give))
    with pytest.raises(Killed):
        store.use(plan_id, "run-1", at(1))
    monkeypatch.setattr(plans, "give", give)
    with pytest.raises(PlanRefused, match="was applied at"):
        store.use(plan_id, "run-2", at(1))
    for _ in range(2):
        store.use(plan_id, "run-1", at(2))
        assert warrants(database) == {id: [Word.IMPORT, Word.PLAN] for id in ids}


def test_what_is_on_record_as_planned_is_left_as_it_is(database: Database) -> None:
    """Of what a run has looked at, a plan changes what it is to enable, and nothing else."""
    ids = bring_in(database, *SEVEN)
    for id in ids:
        shows(database, id, Status.REQUESTED, at(5))
    store, entries = Store(database), planned(database, ids, Action.NONE)
    store.record_plan(entries, at(6), since=at(5))
    assert {integration(database, id).checked_at for id in ids} == {at(5)}
    store.record_plan([*entries[1:], *planned(database, ids[:1])], at(6), since=at(5))
    assert (integration(database, ids[0]).action, integration(database, ids[0]).checked_at) == ("enable", at(6))
    store.record_plan(entries[1:2], at(7), since=at(6))
    assert integration(database, ids[1]).checked_at == at(7), "this run has not looked at it"
    held = [(ids[2], replace(entries[2][1], condition=NOT_LOOKED_AT))]
    store.record_plan(held, at(8), since=at(5))
    assert condition(integration(database, ids[2])) == NOT_LOOKED_AT


def others_wait_at_most(database: Database, url: str, act: Callable[[], object]) -> tuple[float, float, int]:
    """The longest that a click's callback waited while this was done, the longest that a lease's renewal did, each as a
    share of the time that it took, and how many clicks there were.
    """
    portal, worker = open_database(url), open_database(url)
    requests, leases = Requests(portal), Leases(worker)
    digest = session_of(database, "click")
    assert leases.take("busy", "run-1", datetime.now(UTC)) is None
    clicks, renewals, ended = list[float](), [0.0], threading.Event()

    def renew() -> None:
        while not ended.wait(0.2):
            began = time.monotonic()
            leases.renew(["busy"], datetime.now(UTC))
            renewals.append(time.monotonic() - began)

    with ThreadPoolExecutor(2) as pool:
        all_began = time.monotonic()
        renewing = pool.submit(renew)
        working = pool.submit(act)
        while not working.done():
            began = time.monotonic()
            asked_at = datetime.now(UTC) + timedelta(seconds=len(clicks))
            requests.record("click", digest, [key_of("click")], asked_at)
            clicks.append(time.monotonic() - began)
            time.sleep(0.05)
        took = time.monotonic() - all_began
        ended.set()
        working.result()
        renewing.result()
    with worker.reading() as session:
        until = session.get_one(Customer, "busy").locked_until
    assert until is not None
    assert until > datetime.now(UTC)
    portal.close()
    worker.close()
    return max(clicks) / took, max(renewals) / took, len(clicks)


MANY = 10_000


@pytest.mark.timeout(180)
def test_a_click_and_a_lease_do_not_wait_for_a_large_import(database: Database, database_url: str) -> None:
    """Thousands of customers take seconds; in one transaction SQLite would be nobody else's for as long."""
    bring_in(database, customer("click"), customer("busy"))
    many = [customer(f"c{number}", TYPES[:2]) for number in range(MANY)]
    longest, renewal, clicks = others_wait_at_most(database, database_url, lambda: register(database, many, at(0)))
    with database.reading() as session:
        assert session.exec(select(func.count()).select_from(Integration)).one() == 2 * MANY + 2
    assert clicks > 3, "it was too quick to show anything"
    assert longest < 0.25
    assert renewal < 0.25


@pytest.mark.timeout(180)
def test_a_click_and_a_lease_do_not_wait_for_a_large_plan(database: Database, database_url: str) -> None:
    bring_in(database, customer("click"), customer("busy"))
    with database.writing() as session:
        for table, rows in seeds([f"c{number}" for number in range(3 * MANY)]).items():
            session.execute(insert(table), rows)
    store = Store(database)
    wanted = store.wanted(ids_of(database)[2:])
    entries = [(each.id, Planned(each.item, Action.ENABLE, READY)) for each in wanted]
    found: list[str] = []

    def plan() -> None:
        store.record_plan(entries, at(1), wanted)
        found.append(Plans(database).save(entries, Selection(), RequestTotals(), at(1)))

    longest, renewal, clicks = others_wait_at_most(database, database_url, plan)
    assert len(Plans(database).enables(found[0])) == 3 * MANY
    assert clicks > 3, "it was too quick to show anything"
    assert longest < 0.25
    assert renewal < 0.25
