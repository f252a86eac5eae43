"""Which pages a browser lets read the answers of `/embed/`, and what it caches of them."""

from collections.abc import AsyncIterator

import httpx
import pytest

from greenlight.ats.database import Database
from greenlight.settings import Settings
from tests.portal.embedding import APP, OTHER, STRANGER, vendors_page
from tests.portal.world import Clock, Portal, add_customer, named

DATA = ["/embed/v1/integrations", "/embed/v1/requests"]
NO_NAMED_ORIGIN = [STRANGER, "null", f"{APP}.evil.example", "https://portal.example.com", f"{APP}/", "*"]


@pytest.fixture
def portal(settings: Settings, database: Database, clock: Clock) -> Portal:
    add_customer(database, "acme", types=["APPLY_WITH_LINKEDIN"])
    return Portal(settings.model_copy(update={"embed_origins": (APP, OTHER)}), database, clock)


@pytest.fixture
async def client(portal: Portal) -> AsyncIterator[httpx.AsyncClient]:
    async with portal.browser() as browser:
        yield browser.client


async def preflight(client: httpx.AsyncClient, path: str, origin: str | None, method: str = "POST") -> httpx.Response:
    asked = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    } | ({"Origin": origin} if origin is not None else {})
    return await client.options(path, headers=asked)


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize("origin", [APP, OTHER])
async def test_a_named_page_may_ask_with_a_token(client: httpx.AsyncClient, path: str, origin: str) -> None:
    answer = await preflight(client, path, origin)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin
    assert "authorization" in answer.headers["access-control-allow-headers"].split(", ")
    assert {"GET", "POST"} == set(answer.headers["access-control-allow-methods"].split(", "))
    assert "access-control-allow-credentials" not in answer.headers
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize("origin", [*NO_NAMED_ORIGIN, None])
async def test_no_other_page_may(client: httpx.AsyncClient, path: str, origin: str | None) -> None:
    answer = await preflight(client, path, origin)
    assert answer.status_code == 403
    assert [name for name in answer.headers if name.startswith("access-control")] == []
    assert "origin" in answer.headers["vary"].lower(), "nor may a cache give it another page's answer"


@pytest.mark.parametrize("origin", [APP, *NO_NAMED_ORIGIN])
async def test_each_answer_says_whose_page_may_read_it(portal: Portal, origin: str) -> None:
    """Good ones and refusals alike: what the script cannot read it cannot tell of."""
    async with vendors_page(portal) as page:
        answers = [
            await page.state(headers={"Origin": origin}),
            await page.state(headers={"Origin": origin, "Authorization": None}),
            await page.post(named(), headers={"Origin": origin}),
            await page.send("{", {"Origin": origin}),
            await page.send("{}", {"Origin": origin, "Content-Type": "text/plain"}),
            await page.client.get("/embed/v1/nothing", headers={"Origin": origin}),
            await page.client.put("/embed/v1/requests", headers={"Origin": origin}),
        ]
    named_page = origin == APP
    assert [answer.status_code for answer in answers] == (
        [200, 401, 202, 422, 415, 404, 405] if named_page else [403, 403, 403, 403, 403, 404, 405]
    )
    for answer in answers:
        assert answer.headers.get("access-control-allow-origin") == (APP if named_page else None)
        assert "access-control-allow-credentials" not in answer.headers
        assert "origin" in answer.headers["vary"].lower()
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert list(answer.json()) == ["error"] or answer.status_code in (200, 202)


@pytest.mark.parametrize("origin", [APP, OTHER, *NO_NAMED_ORIGIN, None])
async def test_every_page_may_read_whether_it_is_named(client: httpx.AsyncClient, origin: str | None) -> None:
    """A browser tells a script no more than that an answer could not be read, which a broken line does too."""
    headers = {"Origin": origin} if origin is not None else {}
    answer = await client.get("/embed/v1/origin", headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"named": origin in (APP, OTHER)})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"


async def test_what_is_not_embedded_is_for_no_other_origin(portal: Portal) -> None:
    """The customers' own page has a cookie, which a browser sends by itself."""
    async with portal.visit("acme") as browser:
        for path in ("/", "/integrations.json", "/embed", "/static/page.css"):
            answer = await browser.client.get(path, headers={"Origin": APP})
            assert "access-control-allow-origin" not in answer.headers
        assert (await preflight(browser.client, "/requests", APP)).status_code == 405


async def test_the_script_is_for_every_browser_and_asked_for_again_when_it_is_new(client: httpx.AsyncClient) -> None:
    answer = await client.get("/embed/v1.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert '"https://portal.example.com"' in answer.text
    tag = answer.headers["etag"]
    for known in (tag, f"W/{tag}", f'"older", {tag}'):
        again = await client.get("/embed/v1.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get("/embed/v1.js", headers={"If-None-Match": '"older"'})).status_code == 200


async def test_another_host_is_not_answered(portal: Portal) -> None:
    async with vendors_page(portal) as page:
        assert (await page.state(headers={"Host": "evil.example"})).status_code == 404
