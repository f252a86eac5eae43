"""`Idempotency-Key`: what is sent again changes nothing again and has its answer, and no secret is kept for that."""

import asyncio
import threading
from typing import Any

import httpx
import pytest

from greenlight.ats.api_keys import ApiKeys, Scope
from greenlight.ats.api_tables import IdempotencyKey
from greenlight.ats.database import Database, open_database
from greenlight.ats.idempotency import KEPT_FOR, Answered, Asked, IdempotentCalls, OtherCall
from greenlight.ats.requests import Requests
from greenlight.ats.tables import Integration
from greenlight.ats.withdrawals import Withdrawals
from portal.api.problems import Code
from portal.api.repeating import REPLAYED
from tests.api.conftest import calling, key_of
from tests.api.test_api_access import is_problem
from tests.api.test_api_writing import ACME
from tests.ats.world import bring_in, customer
from tests.portal.world import START, Portal

SAME = {"Idempotency-Key": "5f2a"}
POSTS: dict[str, tuple[str, Any]] = {
    "links": ("customers/acme/links", None),
    "looks": ("customers/acme/looks", None),
    "withdrawals": ("customers/acme/withdrawals", ACME),
}


@pytest.mark.parametrize(("path", "body"), POSTS.values(), ids=POSTS)
async def test_the_same_call_has_the_same_answer_and_acts_once(
    api: httpx.AsyncClient, portal: Portal, path: str, body: object
) -> None:
    first = await api.post(f"/v1/{path}", json=body, headers=SAME)
    assert first.is_success
    after = portal.everything()
    portal.clock.advance(3600)
    again = await api.post(f"/v1/{path}", json=body, headers=SAME)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert portal.everything() == after
    assert len(portal.rows(IdempotencyKey)) == 1


async def test_a_link_is_not_in_the_database(api: httpx.AsyncClient, portal: Portal) -> None:
    link = (await api.post("/v1/customers/acme/links", headers=SAME)).json()["link"]
    kept = repr(portal.rows(IdempotencyKey))
    token = link.rpartition("/")[2]
    assert all(part not in kept for part in [token, *token.split(".")])


async def test_with_another_body_or_path_it_is_refused(api: httpx.AsyncClient, portal: Portal) -> None:
    assert (await api.post("/v1/customers/acme/looks", headers=SAME)).is_success
    before = portal.everything()
    for path, body in (
        ("customers/acme/looks", {"x": 1}),
        ("customers/bolt/looks", None),
        ("customers/acme/links", None),
        ("customers/acme/withdrawals", ACME),
    ):
        is_problem(await api.post(f"/v1/{path}", json=body, headers=SAME), Code.IDEMPOTENCY_KEY_REUSED)
    assert portal.everything() == before


async def test_a_key_is_its_caller_s_own(api: httpx.AsyncClient, portal: Portal) -> None:
    mine = (await api.post("/v1/customers/acme/links", headers=SAME)).json()
    async with calling(portal, name="another") as other:
        theirs = await other.post("/v1/customers/acme/links", headers=SAME)
    assert theirs.status_code == 201
    assert theirs.json()["link"] != mine["link"]


async def test_a_day_later_it_is_another_call(api: httpx.AsyncClient, portal: Portal) -> None:
    first = (await api.post("/v1/customers/acme/links", headers=SAME)).json()
    portal.clock.advance(KEPT_FOR.total_seconds() - 1)
    assert (await api.post("/v1/customers/acme/links", headers=SAME)).json() == first
    portal.clock.advance(1)
    assert (await api.post("/v1/customers/bolt/links", headers=SAME)).json()["customer_id"] == "bolt"
    assert len(portal.rows(IdempotencyKey)) == 1, "old ones go"


async def test_what_changed_nothing_may_be_sent_again(
    api: httpx.AsyncClient, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {**ACME, "tenant_type": "RECRUITER"}
    is_problem(await api.post("/v1/customers/acme/withdrawals", json=wrong, headers=SAME), Code.UNKNOWN_INTEGRATION)
    assert portal.rows(IdempotencyKey) == []

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Withdrawals, "withdraw", fails)
        answer = await api.post("/v1/customers/acme/withdrawals", json=ACME, headers=SAME)
        is_problem(answer, Code.INTERNAL_ERROR)
    assert (await api.post("/v1/customers/acme/withdrawals", json=ACME, headers=SAME)).is_success


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\t"], ids=["empty", "a blank", "long", "a tab"])
async def test_a_key_is_short_and_printable(api: httpx.AsyncClient, key: str) -> None:
    is_problem(await api.post("/v1/customers/acme/links", headers={"Idempotency-Key": key}), Code.INVALID_INPUT)


def key_id_of(portal: Portal) -> str:
    return ApiKeys(portal.database).on_record()[0].key_id


def test_of_many_at_once_one_makes_the_call(portal: Portal, database_url: str) -> None:
    """Connections of their own, all at the same moment, for many keys, half of them about another customer."""
    key_of(portal)
    key_id, threads = key_id_of(portal), 6
    databases = [open_database(database_url) for _ in range(threads)]
    barrier, seen, lock = threading.Barrier(threads), dict[str, list[Answered | None]](), threading.Lock()

    def call(database: Database, number: int) -> None:
        calls, of = IdempotentCalls(database), ("acme", "bolt")[number % 2]
        for each in range(15):
            barrier.wait(60)
            asked = Asked(of, key_id, f"key-{each}", of)
            try:
                answer = calls.answer(asked, lambda: Answered(201, {"by": number}), START)
            except OtherCall:
                answer = None
            with lock:
                seen.setdefault(f"key-{each}", []).append(answer)

    running = [threading.Thread(target=call, args=(database, number)) for number, database in enumerate(databases)]
    for each in running:
        each.start()
    for each in running:
        each.join(120)
    for database in databases:
        database.close()
    assert len(seen) == 15
    for answers in seen.values():
        good = [answer for answer in answers if answer is not None]
        assert [answer.is_replayed for answer in good].count(False) == 1
        assert len(good) == 3, "whoever asked another thing under the key is told so"
        assert len({str(answer.answer) for answer in good}) == 1


async def test_of_many_calls_at_once_one_acts(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_in(portal.database, customer("corp"))
    acted: list[str] = []
    look_now = Requests.look_now

    def counted(self: Requests, customer_id: str, *given: Any) -> int:
        acted.append(customer_id)
        return look_now(self, customer_id, *given)

    monkeypatch.setattr(Requests, "look_now", counted)
    async with calling(portal, Scope.INTEGRATIONS_WRITE) as client:
        answers = await asyncio.gather(
            *(client.post("/v1/customers/corp/looks", headers={"Idempotency-Key": f"k{n % 5}"}) for n in range(40))
        )
    assert {answer.status_code for answer in answers} == {202}
    assert sorted(answer.headers.get(REPLAYED, "") for answer in answers) == [""] * 5 + ["true"] * 35
    assert len(acted) == 5
    assert all(row["look_due_at"] == START for row in portal.rows(Integration, "corp"))
