"""What runs are called in Prefect's UI, and what its forms' fields take. No server: names are made from parameters."""

from types import SimpleNamespace
from typing import Any

import pytest

from flows import request
from flows.request import (
    ApplyRequest,
    ApproveRequest,
    BackfillRequest,
    BadParameters,
    ProvisionRequest,
    ReconcileRequest,
    RotateRequest,
    checked,
    named_after,
)
from flows.verdict import refusing
from greenlight.ats.applications import NameDiffers
from greenlight.ats.rotations import NotRotatable
from greenlight.ats.wanted import Wanted
from greenlight.domain.conditions import Condition
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Status
from greenlight.reconcile.provision import CannotProvision
from tasks.parts.chunks import MAX_ENABLE_TASKS, enable_chunks, look_chunks
from tests.domain.things import AWLI

NAMES = [
    (ReconcileRequest, {}, "plan: all customers"),
    (ReconcileRequest, {"what": "apply", "customers": ["ada", "bob", "cyd", "dee"]}, "apply: ada, bob, cyd and 1 more"),
    (ReconcileRequest, {"what": "apply", "lane": "nightly"}, "nightly apply: all customers"),
    (BackfillRequest, {"customers": ["ada"], "file": "", "migrated_since": ""}, "backfill plan: ada"),
    (
        BackfillRequest,
        {"what": "apply", "migrated_since": "2026-11-01"},
        "backfill apply: customers migrated since 2026-11-01",
    ),
    (ApplyRequest, {"plan_id": " 1-2\n"}, "apply: approved plan 1-2"),
    (ApproveRequest, {"plan_id": "1-2", "approved_by": "Ada"}, "approve: plan 1-2"),
    (ProvisionRequest, {"new": ["ada=Ada"]}, "provision: ada"),
    (ProvisionRequest, {"new": ()}, "provision: all customers without an application"),
    (ProvisionRequest, {"look": True, "new": ()}, "compare: all applications"),
    (RotateRequest, {"customers": ["ada"]}, "new secrets: ada"),
    (RotateRequest, {}, "rotate"),
]


@pytest.mark.parametrize(("kind", "parameters", "name"), NAMES, ids=[name for *_, name in NAMES])
def test_a_run_is_called_for_what_it_does_and_for_whom(
    kind: Any, parameters: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = {"ApplyRequest": "apply", "ApproveRequest": "approve", "ProvisionRequest": "provision"}
    running = SimpleNamespace(flow_name=flow.get(kind.__name__, "rotate"), parameters=parameters)
    monkeypatch.setattr(request, "flow_run", running)
    assert named_after(kind)() == name


@pytest.mark.parametrize(
    ("given", "new"),
    [
        (["ada=Ada", " bob = Bob = Co "], {"ada": "Ada", "bob": "Bob = Co"}),
        ({"ada=x": "Ada"}, {"ada=x": "Ada"}),
        ([], {}),
    ],
)
def test_new_customers_are_lines_or_a_mapping(given: Any, new: dict[str, str]) -> None:
    assert checked(ProvisionRequest, new=given).new == new


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["ada"], "write each new customer as id=name, like acme=Acme Ltd, not 'ada'"),
        (["=Ada"], "write each new customer as id=name"),
        (["ada="], "write each new customer as id=name"),
        (["ada=Ada", "ada=Bob"], "the new customer 'ada' is given two names"),
        ("ada=Ada", "should be a valid dictionary"),
    ],
)
def test_a_new_customer_that_is_not_said_clearly_is_refused(given: Any, said: str) -> None:
    with pytest.raises(BadParameters, match=said):
        checked(ProvisionRequest, new=given)


@pytest.mark.parametrize("nothing", ["", " ", "\n"])
def test_a_form_that_was_sent_without_the_plans_id_is_refused(nothing: str) -> None:
    with pytest.raises(BadParameters, match="plan_id"):
        checked(ApplyRequest, plan_id=nothing)


def wanted(*customers: str) -> list[Wanted]:
    quiet = Condition(Outcome.WAITING, Reason.READY_TO_ENABLE)
    return [Wanted(n, Item(c, AWLI), "", None, None, Status.REQUESTED, None, quiet) for n, c in enumerate(customers)]


def test_a_task_that_looks_names_its_customers_sorted_and_says_nothing_of_those_between() -> None:
    (chunk,) = look_chunks(wanted("tyrell", "bob", "ada", "cyd", "acme"))
    assert chunk.label == "5 customers: acme, ada, bob and 2 more"
    assert chunk.ids == (0, 1, 2, 3, 4), "the most urgent first all the same"
    assert look_chunks(wanted("ada", "ada"))[0].label == "ada"


def test_a_task_that_enables_says_what_and_for_whom() -> None:
    assert [chunk.label for chunk in enable_chunks(wanted("bob", "ada"))] == [
        "APPLY_WITH_LINKEDIN for bob",
        "APPLY_WITH_LINKEDIN for ada",
    ]
    many = enable_chunks(wanted(*(f"c{n:03}" for n in reversed(range(MAX_ENABLE_TASKS + 1)))))
    assert many[0].label == "3 integrations of 3 customers: c048, c049, c050"


@pytest.mark.parametrize(
    "why", [NotRotatable("it was imported"), CannotProvision("no parent"), NameDiffers("ada is Ada")]
)
async def test_what_a_person_asked_for_in_vain_is_refused_in_one_sentence(why: Exception) -> None:
    async def story() -> Any:
        raise why

    state = await refusing(story)()
    assert (state.name, state.message) == ("Refused", str(why))
    assert await state.aresult(raise_on_failure=False) is why, "for who runs it in the same process"
