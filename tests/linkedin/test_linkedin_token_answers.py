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


@pytest.mark.parametrize(
    "body",
    [
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
        pytest.param(b'{"access_token":"a","access_token":"b"}', "the body is not JSON", id="two tokens"),
        pytest.param(b'{"access_token":"a', "the body is not JSON", id="half of it"),
        pytest.param(b"x" * 1_000_001, "the body is too long", id="more than anybody's token"),
    ],
)
async def test_200_with_a_damaged_answer(body: bytes, detail: str) -> None:
    stage = Stage()
    stage.token.respond(200, content=body)
    error = await refused(stage)
    assert (type(error), error.reason) == (Unclear, Reason.UNREADABLE_ANSWER)
    assert error.detail == f"token endpoint: {detail}"


FROM = "from www.linkedin.test"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b"<html>Sign in</html>", f"HTTP 200, no content type, {FROM}: Sign in", id="a page"),
        pytest.param(b"", f"HTTP 200, no content type, {FROM}: an empty body", id="empty"),
        pytest.param(b"[1]", f"HTTP 200, no content type, {FROM}", id="an array"),
        pytest.param(b'"token"', f"HTTP 200, no content type, {FROM}", id="a text"),
        pytest.param(b'{"message":"Blocked"}', f"HTTP 200, no content type, {FROM}: Blocked", id="a gateway's JSON"),
    ],
)
async def test_200_with_somebody_elses_answer(body: bytes, detail: str) -> None:
    stage = Stage()
    stage.token.respond(200, content=body)
    error = await refused(stage)
    assert (type(error), error.reason, error.worth_repeating) == (Unclear, Reason.NOT_THE_API, True)
    assert error.detail == f"token endpoint: {detail}"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param(500, Reason.LINKEDIN_UNAVAILABLE, id="500 passes"),
        pytest.param(503, Reason.LINKEDIN_UNAVAILABLE, id="503 passes"),
        pytest.param(408, Reason.LINKEDIN_UNAVAILABLE, id="408 passes"),
        pytest.param(429, Reason.NOT_THE_API, id="429 of somebody in between"),
        pytest.param(302, Reason.NOT_THE_API, id="a redirect would carry the secret elsewhere"),
        pytest.param(307, Reason.NOT_THE_API, id="307 would send the form again"),
        pytest.param(204, Reason.NOT_THE_API, id="204 has no token"),
        pytest.param(400, Reason.NOT_THE_API, id="400"),
        pytest.param(401, Reason.NOT_THE_API, id="401 of a proxy that wants a login"),
        pytest.param(403, Reason.NOT_THE_API, id="403 of a filter"),
        pytest.param(407, Reason.NOT_THE_API, id="407"),
        pytest.param(418, Reason.NOT_THE_API, id="a status that no document knows"),
        pytest.param(451, Reason.NOT_THE_API, id="451"),
        pytest.param(999, Reason.NOT_THE_API, id="999 of LinkedIn's edge"),
    ],
)
@pytest.mark.parametrize("form", ["json", "page", "gateway", "half", "empty"])
async def test_other_statuses(form: str, status: int, reason: Reason) -> None:
    """Only OAuth's own words refuse a credential. A token in the body of any other status is not used or shown."""
    stage = Stage()
    body = {
        "json": b'{"access_token":"fr3sh","expires_in":1800}',
        "page": b"<html><title>error</title></html>",
        "gateway": b'{"timestamp":1,"status":%d,"error":"Forbidden","message":"Blocked","path":"/"}' % status,
        "half": b'{"error":"invalid_cl',
        "empty": b"",
    }[form]
    stage.token.respond(status, content=body, headers={"location": "https://elsewhere.test/"})
    error = await refused(stage)
    if form == "half" and reason is Reason.NOT_THE_API:
        reason = Reason.UNREADABLE_ANSWER
    assert (type(error), error.reason, error.worth_repeating) == (Unclear, reason, True)
    assert (error.detail or "").startswith(f"token endpoint: HTTP {status}")
    assert "fr3sh" not in str(error)


API_WORDS = {"message": "Not enough permissions to access: POST /accessToken", "serviceErrorCode": 100}


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (429, {"error": "temporarily_unavailable"}, Refused, Reason.THROTTLED),
        (400, {"error": "temporarily_unavailable"}, Unclear, Reason.LINKEDIN_UNAVAILABLE),
        (400, {"error": "server_error"}, Unclear, Reason.LINKEDIN_UNAVAILABLE),
        (429, API_WORDS, Refused, Reason.THROTTLED),
        (403, API_WORDS, Refused, Reason.REQUEST_REFUSED),
        (401, API_WORDS, Refused, Reason.REQUEST_REFUSED),
    ],
)
async def test_linkedins_words_that_refuse_no_credential(
    status: int, body: dict[str, Any], kind: type[LinkedInError], reason: Reason
) -> None:
    stage = Stage()
    stage.token.respond(status, json=body)
    error = await refused(stage)
    assert (type(error), error.reason) == (kind, reason)
    assert (error.detail or "").startswith(f"token endpoint: HTTP {status} ")


@pytest.mark.parametrize(("status", "seconds", "again"), [(429, "12", True), (503, "12", True), (429, "3600", False)])
async def test_retry_after_of_the_token_endpoint_reaches_whoever_waits(status: int, seconds: str, again: bool) -> None:
    stage = Stage()
    stage.token.respond(status, json={"error": "temporarily_unavailable"}, headers={"retry-after": seconds})
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
        pytest.param(
            {"error": "invalid_client", "error_description": "why\r\n not"}, "invalid_client why not", id="line"
        ),
        pytest.param(
            {"error": "invalid_request", "error_description": {"a": 1}}, "invalid_request", id="of another type"
        ),
        pytest.param({"error": "unauthorized_client"}, "unauthorized_client", id="not for this flow"),
        pytest.param({"error": "invalid_client_id"}, "invalid_client_id", id="LinkedIn's own"),
        pytest.param(
            {"error": "access_denied", "error_description": "This application is not allowed to create tokens"},
            "access_denied This application is not allowed to create tokens",
            id="LinkedIn's for an application without the permission",
        ),
    ],
)
async def test_words_of_a_refusal(body: dict[str, Any], detail: str) -> None:
    stage = Stage()
    stage.token.respond(400, json=body)
    error = await refused(stage)
    assert (type(error), error.reason) == (Refused, Reason.CREDENTIALS_REFUSED)
    assert error.detail == f"token endpoint: HTTP 400 {detail}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"error_description": "why not"}, id="a description alone"),
        pytest.param({"error": {"a": 1}}, id="an error of another type"),
        pytest.param({"error": "Forbidden"}, id="a gateway's error"),
        pytest.param({"error": "access_denied"}, id="what gateways say too"),
        pytest.param({"error": "policy_denied", "error_description": "no"}, id="an error that OAuth does not know"),
        pytest.param({"message": "not OAuth's shape"}, id="a message"),
        pytest.param({"title": "Error 1020", "status": 403, "cloudflare_error": True}, id="problem+json of an edge"),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403])
async def test_words_that_are_not_the_endpoints(body: dict[str, Any], status: int) -> None:
    stage = Stage()
    stage.token.respond(status, json=body)
    error = await refused(stage)
    assert (type(error), error.reason) == (Unclear, Reason.NOT_THE_API)
