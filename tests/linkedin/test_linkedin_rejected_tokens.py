"""A token that the API rejects: one renewal, a moment for a fresh one, and no token that is sent again."""

import httpx
import pytest

from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear
from tests.linkedin.stage import ACME, AWLI, NAME, OWN, TOKEN, Stage, bearer_of, body_of, says

REQUESTED = body_of(results={OWN: {"onboardingStatus": "REQUESTED"}})


@pytest.mark.parametrize("operation", ["verify", "enable"])
async def test_one_renewal_on_401_and_the_same_request_again(operation: str) -> None:
    stage = Stage()
    route = stage.look if operation == "verify" else stage.change
    good = REQUESTED if operation == "verify" else body_of(results={OWN: {"status": 204}})
    route.mock(side_effect=[says(401), httpx.Response(200, content=good)])
    if operation == "verify":
        assert await stage.verify() == {AWLI: Observation(Status.REQUESTED)}
    else:
        assert await stage.enable() is None
    first, second = (call.request for call in route.calls)
    assert (bearer_of(first), bearer_of(second)) == (f"{TOKEN}1", f"{TOKEN}2")
    assert (first.method, first.url, first.content) == (second.method, second.url, second.content)
    assert {k: v for k, v in first.headers.items() if k != "authorization"} == {
        k: v for k, v in second.headers.items() if k != "authorization"
    }
    assert sum(stage.sent()) == 4


@pytest.mark.parametrize("operation", ["verify", "enable"])
@pytest.mark.parametrize(
    ("second", "reason"),
    [
        pytest.param(403, Reason.WRONG_CREDENTIALS, id="the second answer is the one that counts"),
        pytest.param(503, Reason.LINKEDIN_UNAVAILABLE, id="a failure after the renewal is not repeated here"),
    ],
)
async def test_no_second_renewal(operation: str, second: int, reason: Reason) -> None:
    stage = Stage()
    route = stage.look if operation == "verify" else stage.change
    route.mock(side_effect=[says(401), says(second)])
    error = (await stage.verify())[AWLI] if operation == "verify" else await stage.enable()
    assert isinstance(error, LinkedInError)
    assert error.reason is reason
    assert stage.sent() == ((2, 2, 0) if operation == "verify" else (2, 0, 2))


async def answered(stage: Stage, operation: str, *answers: httpx.Response) -> LinkedInError | None:
    """The error of one call that is answered like this, one request after another; None where it went well."""
    route = stage.look if operation == "verify" else stage.change
    route.mock(side_effect=answers)
    outcome = (await stage.verify())[AWLI] if operation == "verify" else await stage.enable()
    return outcome if isinstance(outcome, LinkedInError) else None


GOOD = {"verify": REQUESTED, "enable": body_of(results={OWN: {"status": 204}})}


@pytest.mark.parametrize("operation", ["verify", "enable"])
async def test_a_fresh_token_that_is_rejected_may_need_a_moment(operation: str) -> None:
    """The API may hear of a token after the endpoint has given it out. No token is sent again once it was rejected."""
    stage = Stage()
    good = httpx.Response(200, content=GOOD[operation])
    rejected = [says(401, "revoked by the user", 65601) for _ in range(2)]
    assert await answered(stage, operation, *rejected, good) is None
    assert stage.slept == [1.0]
    assert stage.sent() == ((3, 3, 0) if operation == "verify" else (3, 0, 3))
    route = stage.look if operation == "verify" else stage.change
    assert [bearer_of(call.request) for call in route.calls] == [f"{TOKEN}1", f"{TOKEN}2", f"{TOKEN}3"]


@pytest.mark.parametrize("operation", ["verify", "enable"])
async def test_a_token_that_had_its_moment_and_is_rejected_is_the_end(operation: str) -> None:
    stage = Stage()
    error = await answered(stage, operation, *[says(401, "revoked by the user", 65601) for _ in range(3)])
    assert isinstance(error, Refused)
    assert error.reason is Reason.TOKEN_REJECTED
    assert stage.slept == [1.0]
    assert stage.sent() == ((3, 3, 0) if operation == "verify" else (3, 0, 3))


async def test_a_moment_that_there_is_no_time_for_ends_as_what_was_answered() -> None:
    """Past its time an enable may not leave; the last answer to it was a refusal, and is the reason."""
    stage = Stage()
    stage.change.mock(return_value=says(401, "revoked by the user", 65601))

    def still() -> bool:
        return stage.change.call_count < 2

    with pytest.raises(Refused) as caught:
        await stage.enabler.enable(ACME, AWLI, NAME, still)
    assert caught.value.reason is Reason.TOKEN_REJECTED
    assert stage.change.call_count == 2


@pytest.mark.parametrize("operation", ["verify", "enable"])
@pytest.mark.parametrize("code", [65600, 65602, None])
async def test_a_fresh_token_that_is_refused_otherwise_is_not_waited_for(operation: str, code: int | None) -> None:
    """Expired or invalid does not pass by being asked again: never a third request."""
    stage = Stage()
    error = await answered(stage, operation, *[says(401, "Invalid access token", code) for _ in range(2)])
    assert isinstance(error, Refused)
    assert error.reason is Reason.TOKEN_REJECTED
    assert stage.slept == []
    assert stage.sent() == ((2, 2, 0) if operation == "verify" else (2, 0, 2))


@pytest.mark.parametrize("operation", ["verify", "enable"])
async def test_a_401_in_somebody_elses_words_rejects_no_token(operation: str) -> None:
    """A proxy that wants a login knows nothing of LinkedIn's tokens: nothing is renewed, sent again or forgotten."""
    stage = Stage()
    page = httpx.Response(401, content=b"<title>Sign in</title>", headers={"content-type": "text/html"})
    error = await answered(stage, operation, page, httpx.Response(200, content=GOOD[operation]))
    assert type(error) is Unclear
    assert error.reason is Reason.NOT_THE_API
    assert await stage.tokens.get(ACME) == f"{TOKEN}1"
    assert stage.sent() == ((1, 1, 0) if operation == "verify" else (1, 0, 1))
