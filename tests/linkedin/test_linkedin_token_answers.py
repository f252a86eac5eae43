"""What the token endpoint is sent, and every answer it may give."""

import json
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import httpx
import pytest
from pydantic import SecretStr

from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear
from greenlight.linkedin.oauth import Credentials
from tests.linkedin.stage import ACME, SECRET, TOKEN_URL, Stage


async def refused(stage: Stage) -> LinkedInError:
    """The error of Tokens, once; the API must not have been called."""
    with pytest.raises(LinkedInError) as caught:
        await stage.tokens.get(ACME)
    assert stage.sent() == (1, 0, 0)
    return caught.value


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(SECRET, id="slash, plus, equals and ampersand, as LinkedIn's own do"),
        pytest.param("%41%2F", id="looks encoded already, and must not be decoded"),
        pytest.param("a" * 512, id="the longest"),
        pytest.param("~!*'();:@,/?#[]", id="every reserved character"),
    ],
)
async def test_the_secret_goes_into_the_form_and_nowhere_else(secret: str) -> None:
    stage = Stage()
    await stage.tokens.get(Credentials("acme-app", SecretStr(secret)))
    request = stage.token.calls.last.request
    assert (request.method, str(request.url)) == ("POST", TOKEN_URL)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(request.content.decode("ascii"), strict_parsing=True, keep_blank_values=True) == [
        ("grant_type", "client_credentials"),
        ("client_id", "acme-app"),
        ("client_secret", secret),
    ]
    head = f"{request.url} {request.headers.raw}"
    assert "authorization" not in request.headers
    assert not any(form in head for form in (secret, quote(secret), quote_plus(secret)))


async def test_the_secret_never_reaches_the_api() -> None:
    stage = Stage()
    stage.look.respond(500)
    stage.change.respond(500)
    await stage.verify()
    await stage.enable()
    for route in (stage.look, stage.change):
        request = route.calls.last.request
        whole = f"{request.url} {request.headers.raw} {request.content!r}"
        assert SECRET not in whole
        assert quote_plus(SECRET) not in whole


GOOD_LIVES = [
    pytest.param(1800, id="as documented"),
    pytest.param("1800", id="numeric text, seen in public"),
    pytest.param("1799.5", id="with a fraction"),
    pytest.param(0.5, id="half a second is a life"),
    pytest.param(10**30, id="a huge number that still is one"),
]
BAD_LIVES = [
    pytest.param(0, id="zero"),
    pytest.param("0", id="zero as text"),
    pytest.param(-1, id="negative"),
    pytest.param("-1800", id="negative as text"),
    pytest.param("soon", id="words"),
    pytest.param("", id="empty text"),
    pytest.param(None, id="null"),
    pytest.param(True, id="true is not one second"),
    pytest.param([1800], id="an array"),
    pytest.param({"seconds": 1800}, id="an object"),
    pytest.param(10**400, id="a number beyond every float"),
    pytest.param("1e999", id="text beyond every float"),
    pytest.param("nan", id="not a number"),
    pytest.param(float("nan"), id="NaN, which no JSON has"),
    pytest.param(float("inf"), id="Infinity, which no JSON has"),
]


@pytest.mark.parametrize("expires_in", GOOD_LIVES)
async def test_expires_in_that_is_taken(expires_in: object) -> None:
    stage = Stage()
    stage.token.respond(200, json={"access_token": "fresh", "expires_in": expires_in})
    assert await stage.tokens.get(ACME) == "fresh"
    assert await stage.tokens.get(ACME) == "fresh"
    assert stage.sent() == (1, 0, 0)


@pytest.mark.parametrize("expires_in", BAD_LIVES)
async def test_expires_in_that_is_not_taken(expires_in: object) -> None:
    stage = Stage()
    stage.token.respond(200, content=json.dumps({"access_token": "fresh", "expires_in": expires_in}).encode())
    error = await refused(stage)
    assert (type(error), error.reason) == (Unclear, Reason.UNREADABLE_ANSWER)
    assert error.detail == "token endpoint: no access_token with a positive expires_in"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"access_token": "fresh"}, id="no expires_in"),
        pytest.param({"expires_in": 1800}, id="no token"),
        pytest.param({"access_token": "", "expires_in": 1800}, id="an empty token"),
        pytest.param({"access_token": None, "expires_in": 1800}, id="null for a token"),
        pytest.param({"access_token": 12345, "expires_in": 1800}, id="a number for a token"),
        pytest.param({"access_token": ["fresh"], "expires_in": 1800}, id="an array for a token"),
        pytest.param({"access_token": "a b", "expires_in": 1800}, id="a blank would end the header's value"),
        pytest.param({"access_token": "a\r\nX-Evil: 1", "expires_in": 1800}, id="a line end would start a new header"),
        pytest.param({"access_token": "a\x00b", "expires_in": 1800}, id="NUL"),
        pytest.param({"access_token": "t\u00f6ken", "expires_in": 1800}, id="not ASCII"),
        pytest.param({"access_token": "a\ud800", "expires_in": 1800}, id="half a surrogate pair"),
        pytest.param({}, id="nothing at all"),
    ],
)
async def test_answers_without_a_token_that_can_be_used(body: dict[str, Any]) -> None:
    stage = Stage()
    stage.token.respond(200, content=json.dumps(body).encode())
    error = await refused(stage)
    assert (type(error), error.reason) == (Unclear, Reason.UNREADABLE_ANSWER)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b"<html>Sign in</html>", "the body is not JSON", id="a page"),
        pytest.param(b"\x00\xff\xc3\x28", "the body is not JSON", id="garbage"),
        pytest.param(b"", "the body is not JSON", id="empty"),
        pytest.param(b"[1]", "the body is not a JSON object", id="an array"),
        pytest.param(b'"token"', "the body is not a JSON object", id="a text"),
        pytest.param(b'{"access_token":"a","access_token":"b"}', "the body is not JSON", id="two tokens"),
        pytest.param(b"x" * 1_000_001, "the body is too long", id="more than anybody's token"),
    ],
)
async def test_200_with_something_else(body: bytes, detail: str) -> None:
    stage = Stage()
    stage.token.respond(200, content=body)
    error = await refused(stage)
    assert (type(error), error.reason) == (Unclear, Reason.UNREADABLE_ANSWER)
    assert error.detail == f"token endpoint: {detail}"


@pytest.mark.parametrize(
    ("status", "kind", "reason", "again"),
    [
        pytest.param(500, Unclear, Reason.LINKEDIN_UNAVAILABLE, True, id="500 passes"),
        pytest.param(503, Unclear, Reason.LINKEDIN_UNAVAILABLE, True, id="503 passes"),
        pytest.param(408, Unclear, Reason.LINKEDIN_UNAVAILABLE, True, id="408 passes"),
        pytest.param(429, Refused, Reason.THROTTLED, True, id="429 is no fault of the credentials"),
        pytest.param(302, Unclear, Reason.UNREADABLE_ANSWER, True, id="a redirect would carry the secret elsewhere"),
        pytest.param(307, Unclear, Reason.UNREADABLE_ANSWER, True, id="307 would send the form again"),
        pytest.param(204, Unclear, Reason.UNREADABLE_ANSWER, True, id="204 has no token"),
        pytest.param(418, Refused, Reason.CREDENTIALS_REFUSED, False, id="a refusal that no document knows"),
    ],
)
@pytest.mark.parametrize("form", ["json", "page"])
async def test_other_statuses(form: str, status: int, kind: type[LinkedInError], reason: Reason, again: bool) -> None:
    """A token in the body of any other status is not used, and its words are not shown."""
    stage = Stage()
    body = b'{"access_token":"fresh","expires_in":1800}' if form == "json" else b"<html>error</html>"
    stage.token.respond(status, content=body, headers={"location": "https://elsewhere.test/"})
    error = await refused(stage)
    assert (type(error), error.reason, error.worth_repeating) == (kind, reason, again)
    assert error.detail == f"token endpoint: HTTP {status}"


@pytest.mark.parametrize(("status", "seconds", "again"), [(429, "12", True), (503, "12", True), (429, "3600", False)])
async def test_retry_after_of_the_token_endpoint_reaches_whoever_waits(status: int, seconds: str, again: bool) -> None:
    stage = Stage()
    stage.token.respond(status, headers={"retry-after": seconds})
    error = await stage.enable()
    assert isinstance(error, Refused)
    assert (error.retry_after, error.worth_repeating) == (float(seconds), again)


@pytest.mark.parametrize(
    "lost", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), OSError("x")]
)
async def test_no_answer_at_all(lost: Exception) -> None:
    stage = Stage()
    stage.token.mock(side_effect=lost)
    error = await refused(stage)
    assert (type(error), error.reason) == (Unclear, Reason.LINKEDIN_UNAVAILABLE)
    assert (error.detail or "").startswith("token endpoint: ")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param({"error": "invalid_client"}, "invalid_client", id="without a description"),
        pytest.param({"error_description": "why\r\n not"}, "why not", id="made one line"),
        pytest.param({"error": {"a": 1}}, "{'a': 1}", id="of another type"),
        pytest.param({"message": "not OAuth's shape"}, "", id="the API's shape"),
    ],
)
async def test_words_of_a_refusal(body: dict[str, Any], detail: str) -> None:
    stage = Stage()
    stage.token.respond(400, json=body)
    error = await refused(stage)
    assert (type(error), error.reason) == (Refused, Reason.CREDENTIALS_REFUSED)
    assert error.detail == f"token endpoint: HTTP 400 {detail}".strip()
