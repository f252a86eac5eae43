"""What the API puts on record: customers, pauses, looks and withdrawals, for one customer alone; links that open."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlmodel import SQLModel

from greenlight.ats.api_keys import Scope
from greenlight.ats.api_tables import ProvisioningRequest
from greenlight.ats.applications import Applications
from greenlight.ats.ledger import Attempt, Warrant
from greenlight.ats.registry import Registration, register
from greenlight.ats.tables import Customer, Integration, Pause
from greenlight.ats.withdrawals import Withdrawals
from greenlight.domain.provisioning import Provision
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from portal.api.problems import Code
from tests.api.conftest import calling
from tests.api.test_api_access import is_problem
from tests.ats.world import begin, bring_in, customer, shows
from tests.portal.world import START, Page, Portal

ACME = {
    "integration_context": "urn:li:organization:of-acme",
    "integration_type": "APPLY_WITH_LINKEDIN",
    "tenant_type": "JOBS",
}
#: Each call that changes something, its body, and the scope that it needs.
WRITES: list[tuple[str, str, Any, Scope]] = [
    ("PUT", "customers/acme", {"customer_name": "Acme"}, Scope.CUSTOMERS_WRITE),
    ("PUT", "customers/acme/pause", {"reason": "trial", "until": "2026-03-02T12:00:00Z"}, Scope.CUSTOMERS_WRITE),
    ("DELETE", "customers/acme/pause", None, Scope.CUSTOMERS_WRITE),
    ("POST", "customers/acme/links", None, Scope.LINKS_CREATE),
    ("POST", "customers/acme/looks", None, Scope.INTEGRATIONS_WRITE),
    ("POST", "customers/acme/withdrawals", ACME, Scope.INTEGRATIONS_WRITE),
]
TABLES: tuple[type[SQLModel], ...] = (Customer, Integration, Pause, ProvisioningRequest)


def everything(portal: Portal) -> dict[str, Any]:
    return {table.__name__: portal.rows(table) for table in TABLES}


def ids(portal: Portal, table: type[SQLModel]) -> list[str]:
    return [row["customer_id"] for row in portal.rows(table)]


async def test_a_new_customer_is_on_record_and_its_application_is_asked_for(
    api: httpx.AsyncClient, portal: Portal
) -> None:
    made = await api.put("/v1/customers/corp", json={"customer_name": "Corp Ünïted"})
    assert made.status_code == 202
    assert made.headers["location"] == "/v1/customers/corp"
    assert made.json()["application"]["state"] == "requested"
    (row,) = [row for row in portal.rows(Customer) if row["customer_id"] == "corp"]
    assert row["customer_name"] == "Corp Ünïted"
    assert ids(portal, ProvisioningRequest) == ["corp"]
    assert len(portal.rings) == 1
    looked = await api.get(made.headers["location"])
    assert looked.json() == made.json()


async def test_a_customer_is_named_anew_and_asked_for_once(api: httpx.AsyncClient, portal: Portal) -> None:
    for name in ("Corp", "Corp Ltd", "Corp Ltd"):
        assert (await api.put("/v1/customers/corp", json={"customer_name": name})).status_code == 202
        portal.clock.advance(1)
    (row,) = portal.rows(ProvisioningRequest)
    assert (row["requested_at"], row["due_at"]) == (START, START)
    shown = (await api.get("/v1/customers/corp")).json()
    assert shown["customer_name"] == "Corp Ltd"
    has_one = await api.put("/v1/customers/acme", json={"customer_name": "Acme Ltd"})
    assert has_one.status_code == 200, "it has an application"
    assert ids(portal, ProvisioningRequest) == ["corp"]


@pytest.mark.parametrize("id", ["a/b", "acme/pause", "a%2Fb", "100 %", "//"])
async def test_an_id_may_hold_a_slash(api: httpx.AsyncClient, portal: Portal, id: str) -> None:
    path = f"/v1/customers/{quote(id, safe='')}"
    made = await api.put(path, json={"customer_name": "Corp"})
    assert (made.status_code, made.headers["location"], made.json()["customer_id"]) == (202, path, id)
    assert ids(portal, ProvisioningRequest) == [id]
    pause = {"reason": "trial", "until": "2026-03-02T12:00:00Z"}
    for whose in (path, "/v1/customers/acme"):
        assert (await api.put(f"{whose}/pause", json=pause)).is_success
    assert (await api.delete(f"{path}/pause")).status_code == 204
    assert ids(portal, Pause) == ["acme"]


async def test_a_customer_that_has_left_comes_back_by_its_name_alone(api: httpx.AsyncClient, portal: Portal) -> None:
    await api.put("/v1/customers/corp", json={"customer_name": "Corp"})
    Withdrawals(portal.database).forget("corp", "ops", START)
    assert ids(portal, ProvisioningRequest) == [], "nobody makes it an application"
    for method, path, body, _ in WRITES[1:]:
        answer = await api.request(method, f"/v1/{path.replace('acme', 'corp')}", json=body)
        is_problem(answer, Code.UNKNOWN_CUSTOMER)
    back = await api.put("/v1/customers/corp", json={"customer_name": "Corp"})
    assert (back.status_code, back.json()["forgotten_at"], back.json()["customer_name"]) == (202, None, "Corp")


@pytest.mark.parametrize("imported", [True, False])
async def test_who_is_back_has_no_application_that_works(
    api: httpx.AsyncClient, portal: Portal, imported: bool
) -> None:
    """Its secret is deleted: one that was made here is got again, the keys of an imported one are to be imported."""
    if not imported:
        made = Applications(portal.database)
        made.put("acme", "clientacme", "child-app-acme", START, urn="urn:1", name="A", js_sdk_domains=[])
        made.begin("acme", "run-1", START)
        made.record("acme", Provision.CREATED, Reason.APPLICATION_WORKS, START, "Acme Ltd")
        made.worked("acme", START)
    assert (await api.put("/v1/customers/acme", json={"customer_name": "Acme"})).status_code == 200
    Withdrawals(portal.database).forget("acme", "ops", START)
    gone = (await api.get("/v1/customers/acme")).json()["application"]
    assert (gone["state"], gone["client_id"], gone["reason"], gone["message"]) == ("missing", None, None, None)
    back = await api.put("/v1/customers/acme", json={"customer_name": "Acme"})
    assert (back.status_code, ids(portal, ProvisioningRequest)) == (202, ["acme"])
    told = back.json()["application"]
    assert (told["state"], told["reason"]) == (("failed", "CREDENTIALS_MISSING") if imported else ("requested", None))
    register(portal.database, [Registration("acme", "Acme", ("clientacme", "child-app-acme"), [])], START)
    state = (await api.get("/v1/customers/acme")).json()["application"]["state"]
    assert state == ("ready" if imported else "waiting"), "it has keys again"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("corp", {"customer_name": ""}),
        ("corp", {"customer_name": " Corp"}),
        ("corp", {"customer_name": "C\u200borp"}),
        ("corp", {"customer_name": "Corp\n"}),
        ("corp", {"customer_name": "x" * 201}),
        ("corp", {"customer_name": 1}),
        ("corp", {"customer_name": "Corp", "client_secret": "x"}),
        ("corp", {}),
        ("corp", []),
        ("%20corp", {"customer_name": "Corp"}),
        ("x" * 129, {"customer_name": "Corp"}),
    ],
)
async def test_names_and_ids_are_as_in_an_import(
    api: httpx.AsyncClient, portal: Portal, path: str, body: object
) -> None:
    before = everything(portal)
    is_problem(await api.put(f"/v1/customers/{path}", json=body), Code.INVALID_INPUT)
    assert everything(portal) == before
    assert portal.rings == []


async def test_a_link_opens_the_customer_s_page_once(api: httpx.AsyncClient, portal: Portal) -> None:
    made = await api.post("/v1/customers/acme/links")
    assert made.status_code == 201
    assert made.json()["expires_at"] == "2026-03-01T12:15:00Z"
    link = made.json()["link"].removeprefix(portal.settings.portal_url)
    async with portal.browser() as browser:
        assert "acme Ltd" in (await browser.open(link)).text
    async with portal.browser() as other:
        again = await other.client.get(link)
        assert again.status_code == 404
        assert Page(again.text).fields == {}
    two = [(await api.post("/v1/customers/acme/links")).json()["link"] for _ in range(2)]
    assert two[0] != two[1]


async def test_a_look_is_due_at_once_and_requests_nothing(api: httpx.AsyncClient, portal: Portal) -> None:
    answer = await api.post("/v1/customers/acme/looks")
    assert (answer.status_code, answer.json()) == (202, {"customer_id": "acme", "looks": 1})
    acme, bolt = portal.rows(Integration, "acme"), portal.rows(Integration, "bolt")
    assert [row["look_due_at"] for row in (*acme, *bolt)] == [START, None]
    assert [row["requested_at"] for row in acme] == [None]
    assert len(portal.rings) == 1


async def test_what_is_withdrawn_is_wanted_no_more(api: httpx.AsyncClient, portal: Portal) -> None:
    bolt = portal.everything("bolt")
    answer = await api.post("/v1/customers/acme/withdrawals", json=ACME)
    assert answer.status_code == 200
    assert (answer.json()["withdrawn_by"], answer.json()["reason"]) == ("API key our ATS", "WITHDRAWN")
    (row,) = portal.rows(Integration, "acme")
    assert (row["withdrawn_at"], row["withdrawn_by"]) == (START, "API key our ATS")
    assert portal.everything("bolt") == bolt
    for part, value in (("integration_context", "urn:li:organization:x"), ("tenant_type", "RECRUITER")):
        answer = await api.post("/v1/customers/acme/withdrawals", json={**ACME, part: value})
        is_problem(answer, Code.UNKNOWN_INTEGRATION)
    is_problem(await api.post("/v1/customers/bolt/withdrawals", json=ACME), Code.UNKNOWN_INTEGRATION)


async def test_while_an_enable_is_on_its_way_nothing_is_withdrawn(api: httpx.AsyncClient, portal: Portal) -> None:
    *_, id = bring_in(portal.database, customer("corp"))
    shows(portal.database, id, Status.REQUESTED, START)
    begin(portal.database, id, now=START)
    (row,) = before = portal.rows(Integration, "corp")
    answer = await api.post("/v1/customers/corp/withdrawals", json={part: row[part] for part in ACME})
    is_problem(answer, Code.CANNOT_WITHDRAW)
    assert portal.rows(Integration, "corp") == before


async def test_nothing_is_enabled_in_a_call(api: httpx.AsyncClient, portal: Portal) -> None:
    """Neither an attempt nor anybody's word for one: those are a callback's, an import's, a person's."""
    before = portal.rows(Warrant)
    for method, path, body, _ in WRITES:
        assert (await api.request(method, f"/v1/{path}", json=body)).is_success, path
    assert portal.rows(Attempt) == []
    assert portal.rows(Warrant) == before


@pytest.mark.parametrize(("method", "path", "body", "scope"), WRITES, ids=[f"{m} {p}" for m, p, *_ in WRITES])
async def test_each_call_needs_its_scope(portal: Portal, method: str, path: str, body: object, scope: Scope) -> None:
    before = everything(portal)
    async with calling(portal, *(each for each in Scope if each is not scope)) as client:
        answer = await client.request(method, f"/v1/{path}", json=body)
        is_problem(answer, Code.MISSING_SCOPE)
        assert scope in answer.json()["detail"]
    assert everything(portal) == before
    assert portal.rings == []
    async with calling(portal, scope, name="another") as client:
        assert (await client.request(method, f"/v1/{path}", json=body)).is_success


@pytest.mark.parametrize(
    ("content", "headers", "code"),
    [
        (b"{}", {"Content-Type": "text/plain"}, Code.UNSUPPORTED_MEDIA_TYPE),
        (b"{}", {"Content-Encoding": "gzip"}, Code.UNSUPPORTED_MEDIA_TYPE),
        (b"{", {}, Code.INVALID_INPUT),
        (b'{"customer_name": "a", "customer_name": "b"}', {}, Code.INVALID_INPUT),
        (b"[" * 10_000, {}, Code.INVALID_INPUT),
        (b'{"customer_name": "' + b"x" * 20_000 + b'"}', {}, Code.BODY_TOO_LARGE),
        (b"\xff", {}, Code.INVALID_INPUT),
    ],
    ids=["another type", "compressed", "cut", "a name twice", "deep", "large", "not UTF-8"],
)
async def test_bodies_are_bounded_and_strict(
    api: httpx.AsyncClient, portal: Portal, content: bytes, headers: dict[str, str], code: Code
) -> None:
    given = {"Content-Type": "application/json", **headers}
    is_problem(await api.put("/v1/customers/corp", content=content, headers=given), code)
    assert "corp" not in ids(portal, Customer)


async def test_without_a_key_no_body_is_read(portal: Portal) -> None:
    async with portal.browser() as browser:
        answer = await browser.client.put("/v1/customers/corp", content=b"{", headers={"Content-Type": "text/plain"})
        is_problem(answer, Code.UNAUTHENTICATED)
        answer = await browser.client.post("/v1/customers/acme/links", headers={"Idempotency-Key": "not one"})
        is_problem(answer, Code.UNAUTHENTICATED)


async def test_a_worker_that_cannot_be_told_changes_no_answer(portal: Portal) -> None:
    class Broken(list[datetime]):
        def append(self, _: datetime) -> None:
            raise RuntimeError

    portal.rings = Broken()
    async with calling(portal) as client:
        answer = await client.put("/v1/customers/corp", json={"customer_name": "Corp"})
    assert answer.status_code == 202
    assert ids(portal, ProvisioningRequest) == ["corp"]


async def test_no_answer_holds_a_secret(api: httpx.AsyncClient, portal: Portal) -> None:
    answers = [await api.get(f"/v1/{path}") for path in ("customers", "customers/acme", "customers/acme/integrations")]
    answers += [await api.request(method, f"/v1/{path}", json=body) for method, path, body, _ in WRITES]
    key = api.headers["authorization"].removeprefix("Bearer ")
    for answer in answers:
        assert "child-app-" not in answer.text, "the name of a block that holds one"
        assert key not in answer.text + json.dumps(dict(answer.headers))
