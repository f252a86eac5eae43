"""A plan as it was shown is exactly what may be applied."""

import pytest

from greenlight.ats.database import Database
from greenlight.ats.plans import PlanRefused, Plans, UnknownPlan
from greenlight.ats.rows import item
from greenlight.ats.store import Store
from greenlight.ats.tables import Plan, PlanItem
from greenlight.domain import approval
from greenlight.domain.approval import Approvers
from greenlight.domain.conditions import HELD_BY_CAP, NOT_LOOKED_AT, after_look
from greenlight.domain.plan import Action, Planned, RequestTotals
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.selection import Selection
from greenlight.domain.status import NOT_REQUESTED, Observation, Status
from tests.ats.world import at, bring_in, customer, integration, one, shows

READY = after_look(Observation(Status.REQUESTED))
PRICE = RequestTotals(token=2, verify=4, enable=2)


def planned(database: Database, ids: list[int]) -> list[tuple[int, Planned]]:
    """The first and the last are enabled, one is held, one is not requested, and one was not looked at."""
    kinds = [
        (Action.ENABLE, READY),
        (Action.NONE, HELD_BY_CAP),
        (Action.NONE, after_look(NOT_REQUESTED)),
        (Action.NONE, NOT_LOOKED_AT),
        (Action.ENABLE, READY),
    ]
    return [(id, Planned(item(integration(database, id)), *kind)) for id, kind in zip(ids, kinds, strict=True)]


@pytest.fixture
def ids(database: Database) -> list[int]:
    return bring_in(database, *(customer(f"c{n}") for n in range(5)))


def test_a_saved_plan_is_there_as_it_was_shown(database: Database, ids: list[int]) -> None:
    """Its scope, its price, and each integration with what is done about it and why."""
    selection = Selection(customers=("c0", "c1"), excluded=("c4",), types=("APPLY_CONNECT",))
    plan_id = Plans(database).save(planned(database, ids), selection, PRICE, at(1))
    with database.reading() as session:
        plan = session.get_one(Plan, plan_id)
        assert plan.created_at == at(1)
        assert plan.scope == {**selection.model_dump(mode="json"), "named": []}
        assert (plan.token_requests, plan.verify_requests, plan.enable_requests) == (2, 4, 2)
        items = [session.get_one(PlanItem, (plan_id, id)) for id in ids]
    assert [(row.action, row.reason) for row in items] == [
        ("enable", "READY_TO_ENABLE"),
        ("none", "HELD_BY_CAP"),
        ("none", "NOT_REQUESTED"),
        ("none", "NOT_LOOKED_AT"),
        ("enable", "READY_TO_ENABLE"),
    ]


def test_a_plan_gives_back_what_it_enables(database: Database, ids: list[int]) -> None:
    """Only that, oldest first, however the plan was ordered, and whatever other plans there are."""
    store = Plans(database)
    plan_id = store.save(planned(database, ids)[::-1], Selection(), PRICE, at(1))
    other = store.save(planned(database, ids)[1:2], Selection(), PRICE, at(1))
    assert plan_id != other
    assert store.enables(plan_id) == [ids[0], ids[4]]
    assert store.enables(other) == []


def test_a_plan_without_entries_is_a_plan(database: Database) -> None:
    """Nothing was wanted: applying it does nothing, and it is not unknown."""
    plan_id = Plans(database).save([], Selection(), RequestTotals(), at(1))
    assert Plans(database).enables(plan_id) == []


@pytest.mark.parametrize("name", ["", "nope", "' OR 1=1 --"])
def test_an_unknown_plan(database: Database, ids: list[int], name: str) -> None:
    """It must not be taken for a plan that enables nothing, and the message says where plans come from."""
    Plans(database).save(planned(database, ids), Selection(), PRICE, at(1))
    with pytest.raises(UnknownPlan, match=r"no plan .* in the ATS database; `greenlight plan` makes one"):
        Plans(database).enables(name)


def test_saving_a_plan_changes_no_integration(database: Database) -> None:
    """A plan that is shown has done nothing yet."""
    id = one(database)
    before = integration(database, id).model_dump()
    entry = Planned(item(integration(database, id)), Action.ENABLE, READY)
    Plans(database).save([(id, entry)], Selection(), PRICE, at(1))
    assert integration(database, id).model_dump() == before


def test_a_recorded_plan_is_what_is_known_of_each(database: Database, ids: list[int]) -> None:
    """Action and condition; what LinkedIn showed is untouched, and a plan that says the same moves no since."""
    shows(database, ids[0], Status.REQUESTED, at(1))
    shows(database, ids[1], Status.REQUESTED, at(1))
    Store(database).record_plan(planned(database, ids), at(2))
    rows = [integration(database, id) for id in ids]
    assert [row.action for row in rows] == ["enable", "none", "none", "none", "enable"]
    assert [(row.outcome, row.reason) for row in rows[:2]] == [
        (Outcome.WAITING, Reason.READY_TO_ENABLE),
        (Outcome.HELD, Reason.HELD_BY_CAP),
    ]
    assert [row.observed_at for row in rows] == [at(1), at(1), None, None, None]
    assert [row.condition_since for row in rows] == [at(1), at(2), at(2), None, at(2)]
    assert {row.checked_at for row in rows} == {at(2)}


@pytest.mark.parametrize("applied_by", ["", "Ann", " ANN "])
def test_where_two_persons_are_wanted_who_approved_a_plan_does_not_apply_it(
    database: Database, ids: list[int], applied_by: str
) -> None:
    plans = Plans(database)
    plan_id = plans.save(planned(database, ids), Selection(), PRICE, at(1))
    plans.approve(plan_id, "Ann", at(2))
    with pytest.raises(PlanRefused, match="was approved by Ann, and here somebody else must apply it"):
        plans.use(plan_id, "run-1", at(3), applied_by=applied_by, approvers=Approvers.ANOTHER)
    plans.use(plan_id, "run-2", at(4), applied_by="Bob", approvers=Approvers.ANOTHER)


@pytest.mark.parametrize("applied_by", ["", "Ann"])
def test_where_anyone_may_approve_one_person_does_both(database: Database, ids: list[int], applied_by: str) -> None:
    plans = Plans(database)
    plan_id = plans.save(planned(database, ids), Selection(), PRICE, at(1))
    plans.approve(plan_id, "Ann", at(2))
    plans.use(plan_id, "run-1", at(3), applied_by=applied_by)


def test_what_could_not_be_shown_is_not_approved_without_saying_how_many(
    database: Database, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = Plans(database)
    plan_id = plans.save(planned(database, ids), Selection(), PRICE, at(1))
    assert plans.approve(plan_id, "Ann", at(2)).enables == 2
    monkeypatch.setattr(approval, "SHOWN_AT_MOST", 1)
    with pytest.raises(PlanRefused, match="enables 2 integrations, and its artifacts show 1"):
        plans.approve(plan_id, "Ann", at(2))
    with pytest.raises(PlanRefused, match="enables 2 integrations, and not 3"):
        plans.approve(plan_id, "Ann", at(2), enables=3)
    assert plans.approve(plan_id, "Ann", at(2), enables=2).enables == 2


def test_all_of_a_plan_is_listed_what_it_enables_first(database: Database, ids: list[int]) -> None:
    plan_id = Plans(database).save(planned(database, ids), Selection(), PRICE, at(1))
    lines = Plans(database).lines(plan_id)
    assert [(line.item.customer_id, line.action is Action.ENABLE, line.reason) for line in lines] == [
        ("c0", True, READY.reason),
        ("c4", True, READY.reason),
        ("c1", False, HELD_BY_CAP.reason),
        ("c2", False, Reason.NOT_REQUESTED),
        ("c3", False, NOT_LOOKED_AT.reason),
    ]
    with pytest.raises(UnknownPlan):
        Plans(database).lines("another")
