"""Who gets in, and what everybody else is answered: problem documents, whatever is wrong."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest

from greenlight.ats.api_keys import ApiKeys, Scope
from greenlight.ats.customer_book import CustomerBook
from greenlight.ats.database import open_database
from greenlight.ats.waiting import DatabaseUnavailable
from portal.api.problems import KINDS, Code
from portal.limiter import CALLS_OF_KEY, FAILURES_OF_ADDRESS
from tests.api.conftest import by, calling, key_of
from tests.portal.world import Portal


def is_problem(answer: httpx.Response, code: Code) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    document, kind = answer.json(), KINDS[code]
    assert answer.status_code == document["status"] == kind.status
    assert (document["reason"], document["title"], document["remedy"]) == (code, kind.title, kind.remedy)
    assert document["whose_move"] in ("us", "nobody")
    assert document["type"].endswith(f"/v1/docs#{code.lower()}")
    # What stands before every route of the portal stands here too.
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "content-security-policy" in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer  ", "Basic YTpi", "Bearer gl_000000000000_x", "Bearer " + "x" * 9000, "gl_000000000000_x"],
    ids=["none", "no key", "blanks", "another scheme", "an unknown key", "a long one", "no scheme"],
)
async def test_without_a_good_key_there_is_nothing(portal: Portal, header: str) -> None:
    async with portal.browser() as browser:
        answer = await browser.client.get("/v1/customers", headers={"Authorization": header} if header else {})
        is_problem(answer, Code.UNAUTHENTICATED)
        assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_of_two_keys_none_counts(portal: Portal) -> None:
    key = key_of(portal)
    async with portal.browser() as browser:
        twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
        is_problem(await browser.client.get("/v1/customers", headers=twice), Code.UNAUTHENTICATED)


async def test_a_revoked_key_opens_nothing_from_then_on(api: httpx.AsyncClient, portal: Portal) -> None:
    assert (await api.get("/v1/customers")).status_code == 200
    ApiKeys(portal.database).revoke("our ATS", portal.clock())
    is_problem(await api.get("/v1/customers"), Code.UNAUTHENTICATED)


async def test_a_key_ends_at_its_time(portal: Portal) -> None:
    ends = portal.clock() + timedelta(minutes=5)
    key, _ = ApiKeys(portal.database).create("trial", set(Scope), portal.clock(), ends)
    async with portal.browser() as browser:
        assert (await browser.client.get("/v1/customers", headers=by(key))).status_code == 200
        portal.clock.advance(300)
        is_problem(await browser.client.get("/v1/customers", headers=by(key)), Code.UNAUTHENTICATED)


async def test_the_scope_that_is_missing_is_named(portal: Portal) -> None:
    async with calling(portal, Scope.LINKS_CREATE) as client:
        answer = await client.get("/v1/customers")
        is_problem(answer, Code.MISSING_SCOPE)
        assert "customers:read" in answer.json()["detail"]
        assert 'scope="customers:read"' in answer.headers["www-authenticate"]


async def test_a_browser_s_session_is_no_key(portal: Portal) -> None:
    async with portal.visit("acme") as browser:
        is_problem(await browser.client.get("/v1/customers/acme"), Code.UNAUTHENTICATED)


async def test_whoever_guesses_keys_is_stopped_and_calls_are_counted_by_key(portal: Portal) -> None:
    key = key_of(portal)
    async with portal.browser() as browser:
        for _ in range(FAILURES_OF_ADDRESS.amount):
            await browser.client.get("/v1/changes", headers=by("gl_000000000000_guess"))
        stopped = await browser.client.get("/v1/changes", headers=by("gl_000000000000_guess"))
        is_problem(stopped, Code.THROTTLED)
        assert 1 <= int(stopped.headers["retry-after"]) <= 60
        assert (await browser.client.get("/v1/changes", headers=by(key))).status_code == 200
        for _ in range(CALLS_OF_KEY.amount - 1):
            await browser.client.get("/v1/changes", headers=by(key))
        is_problem(await browser.client.get("/v1/changes", headers=by(key)), Code.THROTTLED)
        other = key_of(portal, name="another")
        assert (await browser.client.get("/v1/changes", headers=by(other))).status_code == 200
        portal.clock.advance(61)
        assert (await browser.client.get("/v1/changes", headers=by(key))).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "nothing", Code.NOT_FOUND),
        ("GET", "", Code.NOT_FOUND),
        ("GET", "customers/", Code.NOT_FOUND),
        ("GET", "customers/a/b/c", Code.NOT_FOUND),
        ("PATCH", "customers/acme", Code.METHOD_NOT_ALLOWED),
        ("HEAD", "customers", Code.METHOD_NOT_ALLOWED),
        ("GET", "customers/a%2Fb/c", Code.NOT_FOUND),
        ("GET", "customers%2Facme", Code.NOT_FOUND),
        ("GET", "customers/acme%2Fintegrations", Code.UNKNOWN_CUSTOMER),
        ("GET", "customers/acme%252Fintegrations", Code.UNKNOWN_CUSTOMER),
        ("DELETE", "customers/acme%2fpause", Code.METHOD_NOT_ALLOWED),
        ("POST", "customers/acme%2Flinks", Code.METHOD_NOT_ALLOWED),
        ("GET", "a%0Ab", Code.NOT_FOUND),
        ("GET", "customers/nobody", Code.UNKNOWN_CUSTOMER),
        ("GET", "customers/a%0Ab", Code.UNKNOWN_CUSTOMER),
        ("GET", "customers/%00", Code.UNKNOWN_CUSTOMER),
        ("GET", "customers/%20x", Code.UNKNOWN_CUSTOMER),
        ("GET", "customers/nobody/integrations", Code.UNKNOWN_CUSTOMER),
        ("GET", "customers?cursor=%21%21", Code.INVALID_INPUT),
        ("GET", "customers?cursor=AAAA", Code.INVALID_INPUT),
        ("GET", "customers?limit=0", Code.INVALID_INPUT),
        ("GET", "changes?after=-1", Code.INVALID_INPUT),
        ("GET", "changes?after=9223372036854775808", Code.INVALID_INPUT),
    ],
)
async def test_what_is_wrong_is_said(api: httpx.AsyncClient, method: str, path: str, code: Code) -> None:
    answer = await api.request(method, f"/v1/{path}")
    if method == "HEAD":
        assert answer.status_code == 405
    else:
        is_problem(answer, code)


async def test_the_place_of_the_api_itself_holds_nothing(api: httpx.AsyncClient) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        is_problem(await api.request(method, "/v1"), Code.NOT_FOUND)
    assert (await api.get("/v10")).headers["content-type"].startswith("text/plain"), "a page's, not the API's"


async def test_a_body_with_two_lengths_is_refused(api: httpx.AsyncClient) -> None:
    two = {"Content-Length": "2", "Transfer-Encoding": "chunked"}
    for path in ("/v1", "/v1/customers/acme/links"):
        answer = await api.post(path, content=b"{}", headers=two)
        is_problem(answer, Code.BAD_REQUEST)
        assert answer.headers["connection"] == "close"
    assert (await api.post("/requests", content=b"{}", headers=two)).text == "Bad request."


async def test_all_methods_of_a_path_are_told(api: httpx.AsyncClient) -> None:
    answer = await api.request("OPTIONS", "/v1/customers")
    assert (answer.status_code, answer.headers["allow"], answer.text) == (204, "GET", "")
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_an_error_of_ours_is_a_problem_without_its_text(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("what nobody should read")

    monkeypatch.setattr(CustomerBook, "customer", fails)
    with caplog.at_level(logging.DEBUG):
        answer = await api.get("/v1/customers/acme")
    is_problem(answer, Code.INTERNAL_ERROR)
    assert "nobody should read" not in answer.text + caplog.text
    assert api.headers["authorization"].removeprefix("Bearer ") not in caplog.text


async def test_a_database_that_is_away_is_said(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(CustomerBook, "customer", fails)
    is_problem(await api.get("/v1/customers/acme"), Code.DATABASE_UNAVAILABLE)


@contextmanager
def nothing_can_be_written(portal: Portal, how: str) -> Iterator[None]:
    mine = portal.database.engine
    theirs = open_database(mine.url.render_as_string(hide_password=False))
    with theirs.engine.execution_options(write=True).connect() as other:
        # On SQLite whoever has begun to write has the one lock.
        other.exec_driver_sql("SELECT 1")
        if how == "a table is locked":
            other.exec_driver_sql("LOCK TABLE api_key IN SHARE MODE")
        elif how == "it takes no writes":
            other.exec_driver_sql(f"ALTER DATABASE {mine.url.database} SET default_transaction_read_only = on")
            other.commit()
            mine.dispose()
        yield
    theirs.close()


@pytest.mark.parametrize(
    ("engine_name", "how"),
    [("sqlite", "it is locked"), ("postgres", "a table is locked"), ("postgres", "it takes no writes")],
)
async def test_reads_go_on_where_nothing_can_be_written(
    api: httpx.AsyncClient, portal: Portal, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    with nothing_can_be_written(portal, how):
        began = time.monotonic()
        for path in ("changes", "customers", "customers/acme/integrations"):
            assert (await api.get(f"/v1/{path}")).status_code == 200
        assert time.monotonic() - began < 5
    assert "could not be written down" in caplog.text
    if how != "it takes no writes":
        assert (await api.get("/v1/changes")).status_code == 200
        assert ApiKeys(portal.database).on_record()[0].last_used_at == portal.clock(), "as soon as it can be"


async def test_another_host_is_answered_nothing(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/customers", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.text) == (404, "Not found.")


async def test_the_description_needs_no_key_and_no_other_host(portal: Portal) -> None:
    async with portal.browser() as browser:
        described = (await browser.client.get("/v1/openapi.json")).json()
        assert described["openapi"].startswith("3.1")
        page = await browser.client.get("/v1/docs")
    assert page.status_code == 200
    for path in described["paths"]:
        assert path.startswith("/v1/")
        assert path in page.text
    for code in Code:
        assert f'id="{code.lower()}"' in page.text
    assert "http" not in page.text.replace(portal.settings.portal_url, ""), "nothing is loaded from anywhere else"
    assert "<script" not in page.text
