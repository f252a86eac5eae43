"""Every row of LinkedIn's two error tables, and every other HTTP status, as the reason it comes to."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from greenlight.domain.reasons import Reason
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear
from tests.linkedin.stage import OWN, Stage, body_of, enabled_by, seen_in

ALREADY = (
    "One or more of your update keys are violating update rule : "
    "modifying onboarding status for already enabled integration is not allowed"
)
MISMATCH = (
    "Batch request mismatch. Entity key dataProvider=urn:li:developerApplication:123&integrationContext="
    "urn:li:company:456&integrationType=APPLY_WITH_LINKEDIN&tenantType=JOBS not found in the query parameter"
)
INCOMPLETE = "Integration key parts are incomplete"
BAD_URN = "Invalid integration context urn"
EXPIRED = "The token used in the request has expired"
NO_RECORD = "No record found to partial update"
FORBIDDEN = "Not enough permissions to access: POST /atsIntegrations"


def plain(status: int, message: str, code: int | None = None) -> dict[str, Any]:
    return {"message": message, "status": status} | ({} if code is None else {"serviceErrorCode": code})


ENABLE_ROWS = [
    pytest.param(400, plain(400, ALREADY), Reason.ALREADY_ENABLED, id="already enabled: verify decides"),
    pytest.param(400, plain(400, MISMATCH), Reason.KEY_MISMATCH, id="URL and body differ: our own defect"),
    pytest.param(
        400,
        plain(400, "Duplicate key in batch request body: 'a=b'"),
        Reason.KEY_MISMATCH,
        id="Rest.li's other word for a key given wrongly",
    ),
    pytest.param(400, plain(400, INCOMPLETE), Reason.KEY_INCOMPLETE, id="a part of the key is missing"),
    pytest.param(400, plain(400, BAD_URN), Reason.INVALID_CONTEXT, id="not in enable's table, but says what is wrong"),
    pytest.param(403, plain(403, FORBIDDEN, 100), Reason.WRONG_CREDENTIALS, id="another application's token"),
    pytest.param(401, plain(401, EXPIRED, 65602), Reason.TOKEN_REJECTED, id="expired, and so is the fresh one"),
    pytest.param(
        401, plain(401, "Invalid access Token", 65600), Reason.TOKEN_REJECTED, id="spelled as on LinkedIn's page"
    ),
    pytest.param(401, plain(401, "revoked by the user", 65601), Reason.TOKEN_REJECTED, id="revoked, not in the table"),
]
VERIFY_ROWS = [
    pytest.param(400, plain(400, BAD_URN), Reason.INVALID_CONTEXT, id="the context is not LinkedIn's"),
    pytest.param(400, plain(400, INCOMPLETE), Reason.KEY_INCOMPLETE, id="a part is missing or wrong"),
    pytest.param(401, plain(401, EXPIRED, 65602), Reason.TOKEN_REJECTED, id="expired, and so is the fresh one"),
    pytest.param(401, plain(401, "Invalid access token", 65600), Reason.TOKEN_REJECTED, id="tampered with"),
    pytest.param(403, plain(403, "me.GET.NO_VERSION", 100), Reason.WRONG_CREDENTIALS, id="403 counts, not its text"),
]
RESPELLED = [
    pytest.param(str, id="as written"),
    pytest.param(str.upper, id="LinkedIn's letter case varies"),
    pytest.param(str.lower, id="all small"),
    pytest.param(lambda text: text.replace(" ", "\n"), id="LinkedIn's page breaks the lines of these texts"),
    pytest.param(lambda text: f"  {text}.  ".replace(" ", "\u00a0\t "), id="blanks of all kinds"),
]
Respell = Callable[[str], str]


def check(error: Seen | None, kind: type[LinkedInError], reason: Reason) -> LinkedInError:
    assert isinstance(error, LinkedInError)
    assert (type(error), error.reason) == (kind, reason)
    return error


@pytest.mark.parametrize("respell", RESPELLED)
@pytest.mark.parametrize(("status", "payload", "reason"), ENABLE_ROWS)
async def test_enable_table(status: int, payload: dict[str, Any], reason: Reason, respell: Respell) -> None:
    payload = payload | {"message": respell(payload["message"])}
    error = check(await enabled_by(json.dumps(payload).encode(), status), Refused, reason)
    assert not error.worth_repeating
    code = f" ({payload['serviceErrorCode']})" if "serviceErrorCode" in payload else ""
    # LinkedIn's own words on one line, so that its support can be asked.
    words = f"HTTP {status}{code} {' '.join(payload['message'].split())}"
    assert error.detail == (words if len(words) <= 200 else words[:197] + "...")


@pytest.mark.parametrize("respell", RESPELLED)
@pytest.mark.parametrize(("status", "payload", "reason"), VERIFY_ROWS)
async def test_verify_table(status: int, payload: dict[str, Any], reason: Reason, respell: Respell) -> None:
    payload = payload | {"message": respell(payload["message"])}
    check(await seen_in(json.dumps(payload).encode(), status), Refused, reason)


@pytest.mark.parametrize("respell", RESPELLED)
@pytest.mark.parametrize("place", ["results", "errors"])
async def test_enable_row_of_a_never_requested_integration(place: str, respell: Respell) -> None:
    """HTTP 200 with a 404 inside; Rest.li allows either map, and LinkedIn does not say which."""
    entry = {"status": 404, "message": respell(NO_RECORD)} if place == "errors" else {"status": 404}
    error = check(await enabled_by(body_of(**{place: {OWN: entry}})), Refused, Reason.NOT_REQUESTED)
    assert error.detail is not None
    assert error.detail.startswith("HTTP 200, status 404")


OTHER_STATUSES = [
    pytest.param(400, Refused, Reason.REQUEST_REFUSED, False, id="400 with an unknown text"),
    pytest.param(402, Refused, Reason.REQUEST_REFUSED, False, id="402 has no row"),
    pytest.param(404, Refused, Reason.REQUEST_REFUSED, False, id="404 of the whole request is a wrong address"),
    pytest.param(405, Refused, Reason.REQUEST_REFUSED, False, id="405 has no row"),
    pytest.param(409, Refused, Reason.REQUEST_REFUSED, False, id="409 has no row"),
    pytest.param(426, Refused, Reason.REQUEST_REFUSED, False, id="426 a version that is no more"),
    pytest.param(499, Refused, Reason.REQUEST_REFUSED, False, id="499 the last refusal"),
    pytest.param(401, Refused, Reason.TOKEN_REJECTED, False, id="401 whatever its words"),
    pytest.param(403, Refused, Reason.WRONG_CREDENTIALS, False, id="403 whatever its words"),
    pytest.param(429, Refused, Reason.THROTTLED, True, id="429 was not carried out, and passes"),
    pytest.param(408, Unclear, Reason.LINKEDIN_UNAVAILABLE, True, id="408 may have been carried out"),
    pytest.param(500, Unclear, Reason.LINKEDIN_UNAVAILABLE, True, id="500 may have been carried out"),
    pytest.param(503, Unclear, Reason.LINKEDIN_UNAVAILABLE, True, id="503 may have been carried out"),
    pytest.param(504, Unclear, Reason.LINKEDIN_UNAVAILABLE, True, id="504 is a proxy giving up on a live request"),
    pytest.param(599, Unclear, Reason.LINKEDIN_UNAVAILABLE, True, id="599 nobody's status, still a server's"),
    pytest.param(201, Unclear, Reason.UNREADABLE_ANSWER, True, id="201 is not the documented success"),
    pytest.param(206, Unclear, Reason.UNREADABLE_ANSWER, True, id="206 is half an answer"),
    pytest.param(301, Unclear, Reason.UNREADABLE_ANSWER, True, id="301 is not followed"),
    pytest.param(307, Unclear, Reason.UNREADABLE_ANSWER, True, id="307 would send an enable twice"),
]


@pytest.mark.parametrize(("status", "kind", "reason", "again"), OTHER_STATUSES)
async def test_every_other_status(status: int, kind: type[LinkedInError], reason: Reason, again: bool) -> None:
    headers = {"location": "https://elsewhere.test/"} if 300 <= status < 400 else None
    body = json.dumps(plain(status, "words that no document has")).encode()
    for seen in (await seen_in(body, status, headers), await enabled_by(body, status, headers)):
        error = check(seen, kind, reason)
        assert error.worth_repeating is again
        assert error.detail == f"HTTP {status} words that no document has"


@pytest.mark.parametrize("words", [ALREADY, MISMATCH, INCOMPLETE, BAD_URN, NO_RECORD])
async def test_words_of_one_status_do_not_change_another(words: str) -> None:
    """The texts tell the rows of 400 apart; a 403 or a 500 that quotes one stays what it is."""
    for status, reason in ((403, Reason.WRONG_CREDENTIALS), (500, Reason.LINKEDIN_UNAVAILABLE)):
        body = json.dumps(plain(status, words)).encode()
        error = await enabled_by(body, status)
        assert error is not None
        assert error.reason is reason


async def test_404_of_the_whole_request_with_the_seeds_words_is_the_seeds_row() -> None:
    """The table's second column is a status of its own; LinkedIn may yet send it as the HTTP status."""
    check(await enabled_by(json.dumps(plain(404, NO_RECORD.upper())).encode(), 404), Refused, Reason.NOT_REQUESTED)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        pytest.param(65602, "HTTP 400 (65602) no", id="a number helps LinkedIn's support"),
        pytest.param(0, "HTTP 400 no", id="0 is Rest.li's way of saying none"),
        pytest.param("65602", "HTTP 400 no", id="text is not a code"),
        pytest.param(None, "HTTP 400 no", id="null"),
    ],
)
async def test_service_error_code_is_shown(code: object, shown: str) -> None:
    error = await enabled_by(json.dumps({"message": "no", "serviceErrorCode": code, "status": 400}).encode(), 400)
    assert error is not None
    assert error.detail == shown
    assert str(error) == f"REQUEST_REFUSED: {shown}"


async def test_a_request_that_could_not_be_sent_for_want_of_a_token_is_refused_not_unclear() -> None:
    """Whatever the token endpoint did, nothing was asked of the integration."""
    stage = Stage()
    stage.token.respond(503, json={"error": "server_error"})
    error = check(await stage.enable(), Refused, Reason.LINKEDIN_UNAVAILABLE)
    assert error.worth_repeating
    assert stage.sent() == (1, 0, 0)
