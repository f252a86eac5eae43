"""What a call changes and its answer are one: both are there or neither, and a customer's go when it leaves."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from starlette.concurrency import run_in_threadpool

from greenlight.ats.api_tables import IdempotencyKey
from greenlight.ats.requests import Requests
from greenlight.ats.retention import Retention
from greenlight.ats.tables import Integration
from greenlight.ats.withdrawals import Withdrawals
from portal.api.problems import Code
from portal.api.repeating import REPLAYED
from tests.api.test_api_access import is_problem
from tests.api.test_api_writing import ACME
from tests.portal.world import START, Portal

SAME = {"Idempotency-Key": "5f2a"}


@contextmanager
def no_answer_is_kept() -> Iterator[None]:
    def dies(_: object, __: object, row: IdempotencyKey) -> None:
        if row.status is not None:
            raise RuntimeError("the portal dies")

    for moment in ("before_insert", "before_update"):
        event.listen(IdempotencyKey, moment, dies)
    try:
        yield
    finally:
        for moment in ("before_insert", "before_update"):
            event.remove(IdempotencyKey, moment, dies)


async def test_without_its_answer_nothing_is_done(api: httpx.AsyncClient, portal: Portal) -> None:
    """Else whoever sends it again would undo what the customer has asked for since."""
    before = portal.everything()
    with no_answer_is_kept():
        is_problem(await api.post("/v1/customers/acme/withdrawals", json=ACME, headers=SAME), Code.INTERNAL_ERROR)
    assert portal.everything() == before
    assert portal.rows(IdempotencyKey) == []
    again = await api.post("/v1/customers/acme/withdrawals", json=ACME, headers=SAME)
    assert (again.status_code, again.headers.get(REPLAYED)) == (200, None), "it is made anew, at once"
    (row,) = portal.rows(Integration, "acme")
    assert row["withdrawn_at"] == START


async def test_who_sends_it_meanwhile_waits_for_the_answer(
    api: httpx.AsyncClient, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.get("/v1/changes")
    entered, go = threading.Event(), threading.Event()
    look_now, acted = Requests.look_now, list[str]()

    def slow(self: Requests, customer_id: str, *given: Any) -> int:
        acted.append(customer_id)
        entered.set()
        assert go.wait(20)
        return look_now(self, customer_id, *given)

    monkeypatch.setattr(Requests, "look_now", slow)
    first = asyncio.create_task(api.post("/v1/customers/acme/looks", headers=SAME))
    assert await asyncio.to_thread(entered.wait, 20)
    second = asyncio.create_task(api.post("/v1/customers/acme/looks", headers=SAME))
    await asyncio.sleep(0.3)
    assert not second.done()
    go.set()
    answers = [await first, await second]
    assert [(a.status_code, a.json()["looks"], a.headers.get(REPLAYED)) for a in answers] == [
        (202, 1, None),
        (202, 1, "true"),
    ]
    assert acted == ["acme"]
    assert len(portal.rings) == 1


async def test_of_a_customer_that_leaves_no_answer_stays(api: httpx.AsyncClient, portal: Portal) -> None:
    assert (await api.post("/v1/customers/acme/withdrawals", json=ACME, headers=SAME)).is_success
    others = {"Idempotency-Key": "of-bolt"}
    assert (await api.post("/v1/customers/bolt/links", headers=others)).is_success
    Withdrawals(portal.database).forget("acme", "ops", START)
    assert [row["idempotency_key"] for row in portal.rows(IdempotencyKey)] == ["of-bolt"]
    is_problem(await api.post("/v1/customers/acme/withdrawals", json=ACME, headers=SAME), Code.UNKNOWN_CUSTOMER)


@pytest.mark.parametrize("headers", [SAME, {}], ids=["with a key", "without one"])
async def test_a_customer_that_leaves_in_the_middle_of_a_call_is_left_alone(
    api: httpx.AsyncClient, portal: Portal, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    """It is there when the call is looked at, and has left when the call is made."""
    left = list[bool]()

    def leaves(*given: Any, **named: Any) -> Any:
        if not left:
            left.append(True)
            Withdrawals(portal.database).forget("acme", "ops", START)
        return run_in_threadpool(*given, **named)

    monkeypatch.setattr("portal.api.repeating.run_in_threadpool", leaves)
    for path, body in (("links", None), ("looks", None), ("withdrawals", ACME)):
        answer = await api.post(f"/v1/customers/acme/{path}", json=body, headers=headers)
        is_problem(answer, Code.UNKNOWN_CUSTOMER)
    assert portal.rows(IdempotencyKey) == []
    (row,) = portal.rows(Integration, "acme")
    assert (row["withdrawn_by"], row["look_due_at"]) == ("ops", None)


async def test_old_answers_are_pruned(api: httpx.AsyncClient, portal: Portal) -> None:
    assert (await api.post("/v1/customers/acme/looks", headers=SAME)).is_success
    for days, left in ((1, 1), (2, 0)):
        Retention(portal.database).prune(START + timedelta(days=days))
        assert len(portal.rows(IdempotencyKey)) == left
