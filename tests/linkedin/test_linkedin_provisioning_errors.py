"""Every way in which a call of the Provisioning API can fail: whether it had an effect, why, and without a secret."""

import asyncio
import logging

import httpx
import pytest
from pydantic import SecretStr

from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered, Unclear
from greenlight.linkedin.oauth import Credentials
from greenlight.linkedin.provisioning import Created, Found, is_unsettled
from tests.linkedin.parent_stage import CHILD_SECRET, CREATED, PARENT, PARENT_SECRET, ROTATED, URN, ParentStage
from tests.linkedin.stage import TOKEN, bearer_of, says

CALLS = ["create", "find", "set", "rotate"]

STATUSES = [
    pytest.param(400, Refused, Reason.PROVISIONING_REFUSED, id="400"),
    pytest.param(403, Refused, Reason.PROVISIONING_REFUSED, id="403, the parent has no permission"),
    pytest.param(404, Refused, Reason.PROVISIONING_REFUSED, id="404"),
    pytest.param(409, Refused, Reason.PROVISIONING_REFUSED, id="409, the id is taken"),
    pytest.param(422, Refused, Reason.PROVISIONING_REFUSED, id="422"),
    pytest.param(429, Refused, Reason.THROTTLED, id="429"),
    pytest.param(408, Unclear, Reason.LINKEDIN_UNAVAILABLE, id="408"),
    pytest.param(500, Unclear, Reason.LINKEDIN_UNAVAILABLE, id="500"),
    pytest.param(503, Unclear, Reason.LINKEDIN_UNAVAILABLE, id="503"),
    pytest.param(302, Unclear, Reason.UNREADABLE_ANSWER, id="302 leads elsewhere and is not followed"),
]

#: What a status can mean of one call alone, whatever LinkedIn's words are.
_OF_A_CALL = {
    ("set", 404): Reason.APPLICATION_GONE,
    ("rotate", 404): Reason.APPLICATION_GONE,
    ("rotate", 409): Reason.TOO_MANY_SECRETS,
    ("rotate", 422): Reason.TOO_MANY_SECRETS,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("status", "kind", "reason"), STATUSES)
async def test_every_refusal(call: str, status: int, kind: type[LinkedInError], reason: Reason) -> None:
    stage = ParentStage()
    stage.answers({"message": "LinkedIn's own words", "serviceErrorCode": 100}, status, location="https://x.test/")
    error = await stage.error(call)
    assert (type(error), error.reason) == (kind, _OF_A_CALL.get((call, status), reason))
    assert error.detail == f"HTTP {status} (100) LinkedIn's own words"
    assert stage.sent() == (1, 1)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [400, 401, 403, 409, 429])
@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"x" * 1_000_001, b'{"message": "Forbidden"}'])
async def test_a_refusal_in_somebody_elses_words_is_none(call: str, body: bytes, status: int) -> None:
    """It may have been carried out all the same, and says nothing of the parent application."""
    stage = ParentStage()
    stage.answers(body, status)
    error = await stage.error(call)
    assert (type(error), error.reason, error.worth_repeating) == (Unclear, Reason.NOT_THE_API, True)
    assert stage.sent() == (1, 1)


@pytest.mark.parametrize(
    "words",
    ["modifying onboarding status for already enabled integration", "No record found", "Batch Request Mismatch"],
)
@pytest.mark.parametrize("status", [400, 404])
async def test_words_of_the_other_api_mean_nothing_here(status: int, words: str) -> None:
    """An application is not an integration that is enabled already."""
    stage = ParentStage()
    stage.answers({"message": words, "status": status}, status)
    assert (await stage.error("create")).reason is Reason.PROVISIONING_REFUSED


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [429, 503])
async def test_how_long_to_wait_reaches_whoever_waits(call: str, status: int) -> None:
    stage = ParentStage()
    stage.answers(says(status).content, status, **{"retry-after": "12"})
    error = await stage.error(call)
    assert (error.retry_after, error.worth_repeating) == (12, True)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "lost", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), OSError("x")]
)
async def test_no_answer_at_all(call: str, lost: Exception) -> None:
    """The request may even be still on its way, so it is not sent again from here."""
    stage = ParentStage()
    stage.api.mock(side_effect=lost)
    error = await stage.error(call)
    assert (type(error), error.reason) == (Unanswered, Reason.LINKEDIN_UNAVAILABLE)
    assert stage.sent() == (1, 1)


async def test_an_answer_that_does_not_come_in_time() -> None:
    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        return httpx.Response(200)

    stage = ParentStage(timeout_seconds=0.05)
    stage.api.mock(side_effect=slow)
    error = await stage.error("create")
    assert (type(error), error.detail) == (Unanswered, "no answer within 0.05 s")


@pytest.mark.parametrize("call", CALLS)
async def test_a_rejected_token_is_renewed_once(call: str) -> None:
    good = {"create": CREATED, "find": {"elements": []}, "set": {}, "rotate": ROTATED}[call]
    stage = ParentStage()
    stage.api.mock(side_effect=[says(401), httpx.Response(200, json=good)])
    await stage.do(call)
    assert stage.sent() == (2, 2)
    assert [bearer_of(c.request) for c in stage.api.calls] == [f"{TOKEN}1", f"{TOKEN}2"]
    first, second = (c.request for c in stage.api.calls)
    assert (first.method, first.url, first.content) == (second.method, second.url, second.content)


@pytest.mark.parametrize("call", CALLS)
async def test_a_fresh_token_that_is_rejected_too_is_a_refusal(call: str) -> None:
    stage = ParentStage()
    stage.answers({"message": "Invalid access token"}, 401)
    error = await stage.error(call)
    assert (type(error), error.reason) == (Refused, Reason.PROVISIONING_REFUSED)
    assert stage.sent() == (2, 2)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        pytest.param(401, b'{"error":"invalid_client"}', Reason.CREDENTIALS_REFUSED, id="the parent's secret is wrong"),
        pytest.param(429, b'{"error":"slow_down"}', Reason.THROTTLED, id="too many tokens"),
        pytest.param(500, b"", Reason.LINKEDIN_UNAVAILABLE, id="the endpoint is down"),
        pytest.param(200, b"<html>", Reason.NOT_THE_API, id="a page for a token"),
        pytest.param(403, b"<html>", Reason.NOT_THE_API, id="a filter's page"),
    ],
)
async def test_without_a_token_nothing_is_sent(call: str, status: int, body: bytes, reason: Reason) -> None:
    """Whatever became of the token, the request itself had no effect."""
    stage = ParentStage()
    stage.token.respond(status, content=body)
    error = await stage.error(call)
    assert (type(error), error.reason) == (Refused, reason)
    assert stage.sent() == (1, 0)


async def test_one_token_does_for_all_calls() -> None:
    stage = ParentStage()
    stage.answers({"elements": []})
    for _ in range(3):
        await stage.do("find")
    assert stage.sent() == (1, 3)


@pytest.mark.parametrize(
    ("status", "words", "reason"),
    [
        pytest.param(400, "Application has two secrets", Reason.TOO_MANY_SECRETS, id="two secrets"),
        pytest.param(409, "Maximum number of SECRETS reached", Reason.TOO_MANY_SECRETS, id="in capitals"),
        pytest.param(409, "Zwei Geheimnisse gibt es schon", Reason.TOO_MANY_SECRETS, id="a conflict in any language"),
        pytest.param(422, "Limit reached", Reason.TOO_MANY_SECRETS, id="cannot be carried out"),
        pytest.param(404, "No such application", Reason.APPLICATION_GONE, id="an application that was deleted"),
        pytest.param(410, "It was deleted", Reason.APPLICATION_GONE, id="one that is gone for good"),
        pytest.param(400, "childDeveloperApplication is not valid", Reason.PROVISIONING_REFUSED, id="another reason"),
        pytest.param(429, "too many secrets today", Reason.THROTTLED, id="a limit on requests passes by itself"),
        pytest.param(500, "secret service is down", Reason.LINKEDIN_UNAVAILABLE, id="a breakdown"),
        pytest.param(
            403,
            "Not enough permissions to access: developerApplicationsSecurity.ACTION-rollDeveloperApplicationSecret",
            Reason.PROVISIONING_REFUSED,
            id="no permission for the action, whose name has the word in it",
        ),
    ],
)
async def test_a_third_secret_is_told_apart(status: int, words: str, reason: Reason) -> None:
    """Somebody has to delete one of the two; of any other refusal that would be wrong, and an outage perhaps."""
    stage = ParentStage()
    stage.answers({"message": words, "status": status}, status)
    error = await stage.error("rotate")
    assert (error.reason, error.detail) == (reason, f"HTTP {status} {words}")
    assert isinstance(error, Unclear if status == 500 else Refused)


async def test_a_third_secret_is_told_by_its_code() -> None:
    """Rest.li has a word in `code` where the words are for people (docs/linkedin.md#error-bodies)."""
    stage = ParentStage()
    stage.answers({"message": "Das geht nicht", "code": "TOO_MANY_CLIENT_SECRETS", "status": 400}, 400)
    assert (await stage.error("rotate")).reason is Reason.TOO_MANY_SECRETS


async def test_domains_of_an_application_that_was_deleted() -> None:
    stage = ParentStage()
    stage.answers({"message": "No such application", "status": 404}, 404)
    assert (await stage.error("set")).reason is Reason.APPLICATION_GONE


@pytest.mark.parametrize("call", ["create", "find", "set"])
async def test_only_a_rotation_can_have_too_many_secrets(call: str) -> None:
    stage = ParentStage()
    stage.answers({"message": "two secrets", "status": 400}, 400)
    assert (await stage.error(call)).reason is Reason.PROVISIONING_REFUSED


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [400, 401, 403, 409, 429, 500, 302])
async def test_no_secret_is_told_though_linkedin_repeats_it(
    call: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The parent's secret makes applications for every customer."""
    caplog.set_level(logging.DEBUG)
    words = f"you sent {PARENT_SECRET} and {TOKEN}1 and client_secret={CHILD_SECRET}"
    for body in ({"message": words, "status": status}, f"<title>{words}</title>".encode(), {"message": words}):
        stage = ParentStage()
        stage.answers(body, status)
        error = await stage.error(call)
        # A page of a server's defect is not quoted.
        assert "[hidden]" in (error.detail or "") or status == 500
    assert not any(needle in caplog.text for needle in (PARENT_SECRET, CHILD_SECRET, TOKEN))


@pytest.mark.parametrize("call", ["create", "rotate"])
@pytest.mark.parametrize("readable", [True, False])
async def test_a_childs_secret_is_not_logged(call: str, readable: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage = ParentStage()
    if readable:
        stage.answers(CREATED if call == "create" else ROTATED)
        assert CHILD_SECRET not in repr(await stage.do(call))
    else:
        # A secret that came, in an answer that cannot be used.
        stage.answers(f'{{"credentials": {{"client_secret": "{CHILD_SECRET}"}}, "key": 7'.encode())
        await stage.error(call)
    assert not any(needle in caplog.text for needle in (PARENT_SECRET, CHILD_SECRET, TOKEN))


def test_reprs_hide_secrets() -> None:
    secret = SecretStr(CHILD_SECRET)
    values = [PARENT, Created(URN, Credentials("77", secret)), Found(URN, "77", None, (), secret)]
    assert "pl4nted" not in f"{values!r} {[str(value) for value in values]}"


@pytest.mark.parametrize(
    ("error", "unsettled"),
    [
        (Unclear(Reason.UNREADABLE_ANSWER), True),
        (Unclear(Reason.LINKEDIN_UNAVAILABLE), True),
        (Unanswered(Reason.LINKEDIN_UNAVAILABLE), True),
        (Refused(Reason.PROVISIONING_REFUSED), True),
        (Refused(Reason.THROTTLED), False),
        (Refused(Reason.LINKEDIN_UNAVAILABLE), False),
        (Refused(Reason.CREDENTIALS_REFUSED), False),
    ],
)
def test_after_which_errors_a_create_is_looked_for(error: LinkedInError, unsettled: bool) -> None:
    """A repeated id is refused with words that nobody documents, so any refusal may mean that it is there."""
    assert is_unsettled(error) is unsettled
