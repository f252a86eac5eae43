"""Tokens for the vendor's own page, as its back end gets them: for one customer, on an origin that is named."""

from collections.abc import AsyncIterator

import httpx
import pytest

from greenlight.ats.api_keys import Scope
from greenlight.ats.api_tables import IdempotencyKey
from greenlight.ats.database import Database
from greenlight.ats.embed_tokens import EmbedTokens
from greenlight.ats.tables import PortalSession
from greenlight.settings import Settings
from portal.api.problems import Code
from tests.api.conftest import calling
from tests.api.test_api_access import is_problem
from tests.portal.world import Clock, Portal, add_customer

APP = "https://app.ats.example"
PATH = "/v1/customers/acme/embed-tokens"


@pytest.fixture
def portal(settings: Settings, database: Database, clock: Clock) -> Portal:
    add_customer(database, "acme", types=["APPLY_WITH_LINKEDIN"])
    return Portal(settings.model_copy(update={"embed_origins": (APP,)}), database, clock)


@pytest.fixture
async def api(portal: Portal) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(portal, Scope.LINKS_CREATE) as client:
        yield client


async def test_a_token_opens_the_customer_s_own_on_its_origin(api: httpx.AsyncClient, portal: Portal) -> None:
    made = await api.post(PATH, json={"origin": APP})
    assert made.status_code == 201
    assert sorted(made.json()) == ["expires_at", "token"]
    assert made.json()["expires_at"] == "2026-03-01T12:30:00Z"
    found = EmbedTokens(portal.database, (APP,)).find(made.json()["token"], APP, portal.clock())
    assert found is not None
    assert found[0].customer_id == "acme"
    assert made.json()["token"] not in repr(portal.rows(PortalSession))


async def test_sent_again_it_is_another_and_none_is_kept(api: httpx.AsyncClient, portal: Portal) -> None:
    header = {"Idempotency-Key": "5f2a"}
    tokens = [(await api.post(PATH, json={"origin": APP}, headers=header)).json()["token"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    (row,) = portal.rows(IdempotencyKey)
    assert not [token for token in tokens if token in repr(row)]


@pytest.mark.parametrize("body", [{"origin": "https://evil.example"}, {"origin": f"{APP}/"}, {"origin": ""}, {}, []])
async def test_an_origin_that_is_not_named_gets_none(api: httpx.AsyncClient, portal: Portal, body: object) -> None:
    for headers in ({}, {"Idempotency-Key": "5f2a"}):
        is_problem(await api.post(PATH, json=body, headers=headers), Code.INVALID_INPUT)
    assert portal.rows(PortalSession) == portal.rows(IdempotencyKey) == []


async def test_nobody_and_who_may_not_get_none(api: httpx.AsyncClient, portal: Portal) -> None:
    nobody = PATH.replace("acme", "nobody")
    is_problem(await api.post(nobody, json={"origin": APP}), Code.UNKNOWN_CUSTOMER)
    others = [scope for scope in Scope if scope is not Scope.LINKS_CREATE]
    async with calling(portal, *others, name="another") as other:
        is_problem(await other.post(PATH, json={"origin": APP}), Code.MISSING_SCOPE)
    assert portal.rows(PortalSession) == []
