"""Whose words an answer is: only the API's own are verdicts; anything else came from somebody in between."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlight.domain.reasons import Reason
from greenlight.linkedin.calls import Calls, Counted
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import Operation
from greenlight.linkedin.transport import Answered
from greenlight.linkedin.verdicts import api_words, whole_request_error
from tests.linkedin.raw_server import TOKEN_ANSWER, a_client, answer, listening
from tests.linkedin.stage import (
    ACME,
    API,
    AWLI,
    CONNECT,
    NAME,
    OWN,
    SECRET,
    TOKEN,
    Stage,
    body_of,
    enabled_by,
    says,
    seen_in,
)

URL = "https://api.linkedin.test/v2/atsIntegrations?ids[0]=x"
DONE = body_of(results={OWN: {"status": 204, "onboardingStatus": "ENABLED"}})
PAGE = b"<!DOCTYPE html><title>Access Denied</title><h1>Access Denied</h1><p>Reference 18.2f.1</p>"

STATUSES = [
    200,
    201,
    202,
    204,
    206,
    301,
    302,
    304,
    307,
    400,
    401,
    402,
    403,
    404,
    405,
    407,
    409,
    426,
    429,
    451,
    499,
    999,
]
#: What proxies, firewalls, edges and login pages are known to answer with.
STRANGERS = [
    pytest.param(PAGE, id="a page"),
    pytest.param(b"<html>Bad gateway</html>", id="a page without a title"),
    pytest.param(b"upstream connect error or disconnect/reset before headers", id="Envoy's text"),
    pytest.param(b"", id="empty"),
    pytest.param(b" \r\n", id="blank"),
    pytest.param(b'["message"]', id="an array"),
    pytest.param(b'"Forbidden"', id="a text in JSON"),
    pytest.param(b'{"message":"Forbidden"}', id="AWS's gateway"),
    pytest.param(b'{"message":"no Route matched","request_id":"1"}', id="Kong"),
    pytest.param(b'{"message": {"a": 1}, "serviceErrorCode": "x"}', id="fields of other types"),
    pytest.param(b'{"serviceErrorCode": true, "message": "no"}', id="a code that is a bool"),
    pytest.param(b'{"error":{"code":403,"message":"denied"}}', id="Google's"),
    pytest.param(b'{"fault":{"faultstring":"Invalid API call"}}', id="Apigee"),
    pytest.param(b'{"statusCode":401,"message":"Access denied due to missing subscription key"}', id="Azure"),
    pytest.param(b'{"httpCode":"401","httpMessage":"Unauthorized","moreInformation":"x"}', id="DataPower"),
]


@pytest.mark.parametrize("body", STRANGERS)
@pytest.mark.parametrize("status", STATUSES)
async def test_somebody_elses_words_are_no_verdict(status: int, body: bytes) -> None:
    """Whatever the status: nothing is concluded, and an enable so answered may have landed."""
    headers = {"location": "https://elsewhere.test/"} if 300 <= status < 400 else None
    for error in (await seen_in(body, status, headers), await enabled_by(body, status, headers)):
        assert isinstance(error, Unclear)
        assert (error.reason, error.worth_repeating) == (Reason.NOT_THE_API, True)
        assert (error.detail or "").startswith(f"HTTP {status}, ")
        assert "from api.linkedin.test" in (error.detail or "")


def gateways(status: int) -> list[dict[str, Any]]:
    """Errors of gateways that have a status of their own, as LinkedIn's have."""
    return [
        {"timestamp": "2026", "status": status, "error": "Forbidden", "message": "Blocked", "path": "/v2"},
        {"type": "about:blank", "title": "Error 1020", "status": status, "detail": "Access denied"},
        {"title": "Blocked", "status": status, "message": "Blocked by policy"},
        {"status": status, "message": httpx.codes.get_reason_phrase(status)},
        {"status": status, "message": f"{httpx.codes.get_reason_phrase(status).upper()}."},
        {"status": status, "message": ""},
        {"status": status, "error": "blocked"},
        {"status": str(status), "message": "Blocked by policy"},
        {"status": status + 1, "message": "Blocked by policy"},
        {"code": "ACCESS_DENIED", "message": "Blocked by policy"},
    ]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
@pytest.mark.parametrize("number", range(10))
async def test_a_gateways_error_that_looks_much_like_linkedins(status: int, number: int) -> None:
    error = await enabled_by(json.dumps(gateways(status)[number]).encode(), status)
    assert (type(error), error and error.reason) == (Unclear, Reason.NOT_THE_API)


APIS = [
    pytest.param({"serviceErrorCode": 65600, "message": "Invalid access token", "status": 401}, id="attested"),
    pytest.param({"serviceErrorCode": 0, "message": "Resource X does not exist", "status": 404}, id="code 0"),
    pytest.param({"serviceErrorCode": 100}, id="a code alone"),
    pytest.param({"message": "Batch key parameter value is invalid", "status": 400}, id="the framework's, no code"),
    pytest.param({"status": 426, "code": "NONEXISTENT_VERSION", "message": "not active"}, id="a code in words"),
    pytest.param({"message": "Integration key parts are incomplete"}, id="the documented words, no status"),
    pytest.param({"message": "INVALID ACCESS\nTOKEN"}, id="in other letters"),
    pytest.param({"message": "x y z", "status": 400, "new": "field"}, id="a new field"),
    pytest.param({"status": 400}, id="without any message, which Rest.li may leave out"),
]


@pytest.mark.parametrize("body", APIS)
async def test_the_apis_own_words_are_verdicts(body: dict[str, Any]) -> None:
    status = body.get("status", 400)
    assert type(await enabled_by(json.dumps(body).encode(), status)) is Refused
    assert type(await enabled_by(b"\xef\xbb\xbf" + json.dumps(body).encode(), status)) is Refused


@pytest.mark.parametrize("mark", ["X-LinkedIn-Error-Response", "x-restli-error-response", "X-RESTLI-ERROR-RESPONSE"])
async def test_the_apis_mark_speaks_for_a_body_without_words(mark: str) -> None:
    for body in (b"", b"{}", b'{"message":"Forbidden"}', b"not JSON"):
        assert type(await enabled_by(body, 403, {mark: "true"})) is Refused
    assert type(await enabled_by(b"", 403, {mark: "false"})) is Unclear
    assert type(await enabled_by(PAGE, 403, {mark: "true"})) is Unclear


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", STRANGERS)
async def test_a_servers_error_stays_one_whosever_it_is(status: int, body: bytes) -> None:
    error = await enabled_by(body, status)
    assert (type(error), error and error.reason) == (Unclear, Reason.LINKEDIN_UNAVAILABLE)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429])
@pytest.mark.parametrize("body", [b'{"message":"Invalid acc', b'{"status":1,"status":2}', b"{"])
async def test_damaged_json_may_be_the_apis(status: int, body: bytes) -> None:
    error = await enabled_by(body, status)
    assert (type(error), error and error.reason) == (Unclear, Reason.UNREADABLE_ANSWER)


async def test_what_came_and_from_where_is_said() -> None:
    headers = {"content-type": "text/HTML; charset=utf-8", "server": "gateway"}
    error = await enabled_by(PAGE, 403, headers)
    assert error is not None
    assert error.detail == "HTTP 403, text/html, server gateway, from api.linkedin.test: Access Denied"


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        pytest.param(b"<title>\n Sign&nbsp;in &amp; go \n</title>", "Sign in & go", id="entities"),
        pytest.param(b"\n\n<h1>Proxy</h1> error\n<p>more", "Proxy", id="the first line with words"),
        pytest.param(b"Blocked by policy\r\nsecond line", "Blocked by policy", id="text"),
        pytest.param(b"<title>\x1b[31mred\x00\xe2\x80\xae</title>", "[31mred", id="nothing that a terminal obeys"),
        pytest.param(b"<title>" + b"x" * 500 + b"</title>", "x" * 80, id="no more than a line"),
        pytest.param(f"<title>{SECRET} {TOKEN}1</title>".encode(), "[hidden] [hidden]", id="no secret"),
        pytest.param(b'{"title":"Error 1020","a":"b"}', "Error 1020", id="a gateway's own word for it"),
        pytest.param(b"<" * 900_000, "", id="a page that is nothing but brackets"),
    ],
)
async def test_the_first_line_is_cleaned(body: bytes, quoted: str) -> None:
    error = await enabled_by(body, 403)
    assert error is not None
    assert (error.detail or "").partition("from api.linkedin.test")[2].removeprefix(": ").strip("<") == quoted


async def test_an_address_with_a_password_is_told_by_its_host_alone() -> None:
    found = whole_request_error(Answered(403, httpx.Headers(), b""), "https://me:pass@proxy.test:8080/x?y")
    assert found.detail == "HTTP 403, no content type, from proxy.test:8080: an empty body"
    headers = {"location": "https://me:pass@login.test/sign?in=1"}
    leads = whole_request_error(Answered(302, httpx.Headers(headers), b""), "https://a.test/")
    assert leads.detail == "HTTP 302, no content type, from a.test, leads to login.test: an empty body"
    broken = whole_request_error(Answered(302, httpx.Headers({"location": "https://[x"}), b""), "https://a.test/")
    assert broken.detail == "HTTP 302, no content type, from a.test: an empty body"


class _Noting:
    """A meter that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[bool, float | None]] = []

    async def check(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> None: ...

    async def before(self, client_id: str, operation: Operation, *, keep_reserve: bool) -> Counted:
        return Counted()

    async def after(self, client_id: str, *, throttled: bool, retry_after: float | None) -> None:
        self.told.append((throttled, retry_after))


async def test_somebody_elses_429_is_no_lesson_about_linkedins_limits() -> None:
    stage, meter = Stage(), _Noting()
    enabler = Enabler(Calls(stage.wire, stage.tokens, stage.counts, meter), API)
    stage.look.mock(return_value=httpx.Response(429, content=PAGE, headers={"retry-after": "20"}))
    error = (await enabler.verify(ACME, [AWLI]))[AWLI]
    assert isinstance(error, Unclear)
    assert (error.reason, error.retry_after) == (Reason.NOT_THE_API, 20)
    assert meter.told == []
    stage.look.mock(return_value=says(429))
    await enabler.verify(ACME, [AWLI])
    stage.look.mock(return_value=httpx.Response(200, content=body_of()))
    await enabler.verify(ACME, [AWLI])
    assert meter.told == [(True, None), (False, None)]


async def test_a_page_for_a_batch_is_not_asked_for_key_by_key() -> None:
    stage = Stage()
    stage.look.respond(403, content=PAGE)
    await stage.verify(AWLI, CONNECT)
    assert stage.sent() == (1, 1, 0)


CASE = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nServer: gateway\r\nContent-Length: 91\r\n\r\n"
    b"<!DOCTYPE html><title>Access Denied</title><h1>Access Denied</h1><p>Reference 18.2f.1</p>\r\n"
)


@pytest.mark.parametrize("where", ["token", "api"])
async def test_a_page_of_somebody_in_between_over_real_http(where: str) -> None:
    async def talk(request: bytes) -> tuple[bytes, bool]:
        is_token = b"/oauth/" in request
        return (answer(TOKEN_ANSWER), True) if is_token and where == "api" else (CASE, True)

    async with listening(talk) as server, a_client(server.url) as (client, counts):
        host = server.url.removeprefix("http://")
        prefix = "token endpoint: " if where == "token" else ""
        seen = (await client.verify(ACME, [AWLI]))[AWLI]
        with pytest.raises(LinkedInError) as caught:
            await client.enable(ACME, AWLI, NAME)
        for error, kind in ((seen, Refused if prefix else Unclear), (caught.value, Refused if prefix else Unclear)):
            assert type(error) is kind
            assert isinstance(error, LinkedInError)
            assert (error.reason, error.worth_repeating) == (Reason.NOT_THE_API, True)
            assert error.detail == f"{prefix}HTTP 403, text/html, server gateway, from {host}: Access Denied"
        # Not remembered against the credentials: the second call asks again.
        assert counts.token == (2 if prefix else 1)


members = st.sampled_from([None, True, 0, 100, 403, 65600, "", "Forbidden", "no", "Invalid access token", [], {}])
names = ["status", "serviceErrorCode", "message", "code", "error", "title", "timestamp", "path", "results"]
objects = st.dictionaries(st.sampled_from(names), members)
bodies = st.one_of(objects.map(lambda o: json.dumps(o).encode()), st.binary(max_size=80), st.text().map(str.encode))


@settings(deadline=None, max_examples=300)
@given(status=st.integers(200, 999), body=bodies, media=st.sampled_from(["application/json", "text/html", ""]))
def test_a_verdict_needs_the_apis_words_and_nothing_else_has_any(status: int, body: bytes, media: str) -> None:
    came = Answered(status, httpx.Headers({"content-type": media}), body)
    said, error = api_words(came), whole_request_error(came, URL)
    if said is None:
        assert type(error) is Unclear
        assert error.reason in (Reason.NOT_THE_API, Reason.LINKEDIN_UNAVAILABLE, Reason.UNREADABLE_ANSWER)
        assert (error.reason is Reason.LINKEDIN_UNAVAILABLE) is (status == 408 or 500 <= status < 600)
    else:
        assert json.loads(body.decode("utf-8-sig")) == said
        coded = type(said.get("serviceErrorCode")) is int
        assert coded or isinstance(said.get("message"), str) or (status == 403 and said["status"] == 403)
        assert error.reason is not Reason.NOT_THE_API
    if isinstance(error, Refused):
        assert said is not None
    assert len(error.detail or "") <= 200
    assert (error.detail or "").isprintable()


@settings(deadline=None)
@given(data=st.data(), status=st.sampled_from([200, 400, 401, 403, 404, 429]))
async def test_whatever_is_put_around_or_into_a_page_it_enables_and_refuses_nothing(
    data: st.DataObject, status: int
) -> None:
    start = data.draw(st.integers(0, len(PAGE)))
    body = PAGE[:start] + data.draw(st.binary(max_size=20)) + PAGE[start:]
    for got in (await enabled_by(b"<" + body, status), await seen_in(b"<" + body, status)):
        assert isinstance(got, Unclear)
        assert got.reason is Reason.NOT_THE_API
