"""Whom and what a run is about, and in which order it is handed over."""

from dataclasses import replace

import pytest

from greenlight.ats.database import Database
from greenlight.ats.registry import register
from greenlight.ats.store import Store, UnknownCustomer, UnknownType
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.world import NOON, TYPES, at, bring_in, customer, fails, key_of, shows, wanted


@pytest.fixture
def ids(database: Database) -> list[int]:
    """acme has the first two types, bolt all three, crow the third; crow has no application."""
    crow = replace(customer("crow", TYPES[2:]), application=None)
    return bring_in(database, customer("acme", TYPES[:2]), customer("bolt", TYPES), crow)


@pytest.mark.parametrize(
    ("selection", "places"),
    [
        pytest.param(Selection(), [0, 1, 2, 3, 4, 5], id="everything"),
        pytest.param(Selection(customers=("bolt",)), [2, 3, 4], id="one customer"),
        pytest.param(Selection(customers=("crow", "acme")), [0, 1, 5], id="two customers, oldest first all the same"),
        pytest.param(Selection(excluded=("bolt",)), [0, 1, 5], id="all but one"),
        pytest.param(Selection(types=(TYPES[2],)), [4, 5], id="one type"),
        pytest.param(Selection(types=(TYPES[0], TYPES[2])), [0, 2, 4, 5], id="two types"),
        pytest.param(Selection(types=("PREMIUM_JOB_POSTING",)), [], id="a type that nobody has"),
        pytest.param(Selection(customers=("bolt", "crow"), types=(TYPES[2],)), [4, 5], id="customers and a type"),
        pytest.param(Selection(customers=("acme", "bolt"), excluded=("bolt",)), [0, 1], id="excluding wins"),
        pytest.param(Selection(excluded=("bolt",), types=(TYPES[0],)), [0], id="all but one, and a type"),
        pytest.param(Selection(customers=("acme", "acme")), [0, 1], id="named twice is there once"),
    ],
)
def test_selecting(database: Database, ids: list[int], selection: Selection, places: list[int]) -> None:
    """Each part of a selection narrows it down, and the order is always that in which integrations came in."""
    assert Store(database).select(selection) == [ids[place] for place in places]


@pytest.mark.parametrize("part", ["customers", "excluded"])
def test_an_unknown_customer(database: Database, ids: list[int], part: str) -> None:
    """A mistyped name must not mean nobody, and in --except it must not mean everybody: all of them are named."""
    selection = Selection.model_validate({part: ("zoo", "acme", "ACME", "ant")})
    with pytest.raises(UnknownCustomer, match="no customer 'ACME', 'ant', 'zoo' in the ATS database"):
        Store(database).select(selection)


def test_an_unknown_type(database: Database, ids: list[int]) -> None:
    """A mistyped type must not mean nothing; one that LinkedIn has added is known once something has it."""
    with pytest.raises(UnknownType, match="no integration type 'CSA_APL', 'NEW_TYPE'; known are APPLY_CONNECT, "):
        Store(database).select(Selection(types=("NEW_TYPE", TYPES[0], "CSA_APL")))
    new = bring_in(database, customer("dove", ("NEW_TYPE",)))[-1]
    assert Store(database).select(Selection(types=("NEW_TYPE",))) == [new]


def test_a_customer_without_integrations_is_known(database: Database, ids: list[int]) -> None:
    """Nothing is wanted for it yet, which is no mistake."""
    register(database, [replace(customer("dove"), integrations=[])], NOON)
    assert Store(database).select(Selection(customers=("dove",))) == []


def test_wanted_keeps_the_order_it_was_asked_in(database: Database, ids: list[int]) -> None:
    """The plan's cap goes by that order. What does not exist is left out, what is asked twice is there twice."""
    asked = [ids[4], 999_999, ids[0], ids[2], ids[0]]
    assert [entry.id for entry in Store(database).wanted(asked)] == [ids[4], ids[0], ids[2], ids[0]]
    assert Store(database).wanted([]) == []


def test_wanted_keeps_the_order_across_many_statements(database: Database) -> None:
    """Ids are asked for some hundred at a time; the seams must not show."""
    many = replace(customer("acme"), integrations=[(key_of(f"o{n}"), "x") for n in range(1_201)])
    asked = bring_in(database, many)[::-1]
    assert [entry.id for entry in Store(database).wanted(asked)] == asked


def test_wanted_tells_all_that_a_run_needs(database: Database, ids: list[int]) -> None:
    """Whose it is and with which credentials to act; nobody's credentials are another's."""
    shows(database, ids[0], Status.REQUESTED, at(3))
    entry = wanted(database, ids[0])
    assert entry.item == ("acme", key_of("acme", TYPES[0]))
    assert (entry.client_id, entry.credentials_block) == ("client-acme", "child-app-acme")
    assert (entry.observed, entry.observed_at) == (Status.REQUESTED, at(3))
    assert wanted(database, ids[2]).client_id == "client-bolt"
    assert (wanted(database, ids[5]).client_id, wanted(database, ids[5]).credentials_block) == (None, None)


def test_what_was_looked_at_for_a_purpose_is_not_wanted_again(database: Database, ids: list[int]) -> None:
    """A chunk that is repeated goes on where it stopped; another purpose or another run looks for itself."""
    shows(database, ids[0], Status.REQUESTED, purpose="observe:run-1")
    fails(database, ids[1], purpose="observe:run-1")
    store = Store(database)

    def left(purpose: str) -> list[int]:
        return [entry.id for entry in store.wanted(ids[:3], unless_looked_for=purpose)]

    assert left("observe:run-1") == [ids[2]]
    assert left("confirm:run-1") == ids[:3]
    assert left("observe:run-2") == ids[:3]
    assert [entry.id for entry in store.wanted(ids[:3])] == ids[:3]
