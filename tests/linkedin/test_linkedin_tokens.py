"""Access tokens: how many are asked for, whose they are, and when they are renewed."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from pydantic import SecretStr

from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear
from greenlight.linkedin.oauth import Credentials
from tests.linkedin.stage import ACME, AWLI, OWN, SECRET, TOKEN, Stage, bearer_of, body_of, says

REQUESTED = body_of(results={OWN: {"onboardingStatus": "REQUESTED"}})
INVALID_CLIENT = {"error": "invalid_client", "error_description": "Client authentication failed"}
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


def token_answer(name: str, seconds: object = 1800) -> httpx.Response:
    return httpx.Response(200, json={"access_token": name, "expires_in": seconds})


async def failure(stage: Stage, credentials: Credentials = ACME) -> LinkedInError:
    with pytest.raises(LinkedInError) as caught:
        await stage.tokens.get(credentials)
    return caught.value


async def test_thirty_callers_at_once_cost_one_token_request() -> None:
    stage = Stage()

    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.02)
        return token_answer("one")

    stage.token.mock(side_effect=slow)
    assert await asyncio.gather(*(stage.tokens.get(ACME) for _ in range(30))) == ["one"] * 30
    assert stage.sent() == (1, 0, 0)


async def test_thirty_401s_at_once_cost_one_renewal() -> None:
    """All thirty are on their way under the first token before any of them is answered."""
    stage, together = Stage(), asyncio.Barrier(30)

    async def reject_the_first(request: httpx.Request) -> httpx.Response:
        if bearer_of(request) == f"{TOKEN}1":
            await together.wait()
            return httpx.Response(401, json={"message": "expired", "serviceErrorCode": 65602, "status": 401})
        return httpx.Response(200, content=REQUESTED)

    stage.look.mock(side_effect=reject_the_first)
    seen = await asyncio.wait_for(asyncio.gather(*(stage.verify() for _ in range(30))), 10)
    assert seen == [{AWLI: Observation(Status.REQUESTED)}] * 30
    assert stage.sent() == (2, 60, 0)


async def test_a_late_401_about_an_old_token_renews_nothing() -> None:
    stage = Stage()
    first = await stage.tokens.get(ACME)
    second = await stage.tokens.get(ACME, rejected=first)
    assert (first, second) == (f"{TOKEN}1", f"{TOKEN}2")
    assert await stage.tokens.get(ACME, rejected=first) == second
    assert stage.sent() == (2, 0, 0)


async def test_a_renewal_that_is_refused_ends_the_enable_as_refused() -> None:
    """The 401 had no effect, so nothing is in doubt; the secret may have been rotated meanwhile."""
    stage = Stage()
    stage.token.mock(side_effect=[token_answer("one"), httpx.Response(401, json=INVALID_CLIENT)])
    stage.change.mock(return_value=says(401))
    error = await stage.enable()
    assert isinstance(error, Refused)
    assert error.reason is Reason.CREDENTIALS_REFUSED
    assert stage.sent() == (2, 0, 1)


async def test_each_client_id_and_each_secret_has_a_token_of_its_own() -> None:
    """A rotated secret must not find the old token, and no customer another one's."""
    stage = Stage()
    others = [Credentials("zeta-app", SecretStr(SECRET)), Credentials("acme-app", SecretStr("rotated"))]
    tokens = [await stage.tokens.get(one) for one in (ACME, *others)]
    assert tokens == [f"{TOKEN}1", f"{TOKEN}2", f"{TOKEN}3"]
    same_again = Credentials("acme-app", SecretStr(SECRET))
    assert [await stage.tokens.get(one) for one in (same_again, *others)] == tokens
    assert stage.sent() == (3, 0, 0)


async def test_a_fingerprint_tells_secrets_apart_without_being_one() -> None:
    assert ACME.fingerprint() != Credentials("acme-app", SecretStr(SECRET + "x")).fingerprint()
    assert SECRET not in ACME.fingerprint()
    assert SECRET not in repr(ACME)


@pytest.mark.parametrize(
    ("lifetime", "good_for"),
    [
        pytest.param(1800, 1770, id="LinkedIn's half hour: 30 s before its end"),
        pytest.param(300, 270, id="the last life with 30 s to spare"),
        pytest.param(60, 54, id="a short life: a tenth, else it would be renewed all the time"),
        pytest.param("1800", 1770, id="a numeric text counts the same"),
        pytest.param(1e300, 1770, id="huge: no longer than LinkedIn documents, and nothing overflows"),
        pytest.param(5_184_000, 1770, id="the life of a member's token, which this is not"),
        pytest.param(1_800_000, 1770, id="half an hour in milliseconds"),
        pytest.param(300_000, 270, id="five minutes in milliseconds"),
        pytest.param("300000", 270, id="the same as text"),
        pytest.param(86_400, 1770, id="a day in seconds is taken for seconds"),
        pytest.param(None, 1770, id="null is an unknown life, so the documented one"),
        pytest.param(0, 1770, id="and so is zero"),
        pytest.param(-1, 1770, id="and a negative one"),
        pytest.param("0", 1770, id="and zero as text"),
    ],
)
async def test_renewal_shortly_before_the_end(lifetime: object, good_for: float) -> None:
    stage = Stage()
    stage.token.mock(side_effect=[token_answer("one", lifetime), token_answer("two", lifetime)])
    start = stage.clock.now
    assert await stage.tokens.get(ACME) == "one"
    stage.clock.now = start + good_for - 0.01
    assert await stage.tokens.get(ACME) == "one"
    assert stage.sent() == (1, 0, 0)
    stage.clock.now = start + good_for
    assert await stage.tokens.get(ACME) == "two"
    stage.clock.now += good_for - 0.01
    assert await stage.tokens.get(ACME) == "two"
    assert stage.sent() == (2, 0, 0)


async def test_a_token_without_any_life_is_used_and_asked_for_again_after_a_401() -> None:
    stage = Stage()
    stage.token.mock(side_effect=[httpx.Response(200, json={"access_token": name}) for name in ("one", "two", "three")])
    stage.look.mock(side_effect=[says(401, "expired", 65602), httpx.Response(200, content=REQUESTED)])
    assert await stage.verify() == {AWLI: Observation(Status.REQUESTED)}
    assert await stage.tokens.get(ACME) == "two"
    stage.clock.now += 1800
    assert await stage.tokens.get(ACME) == "three"


async def test_a_token_past_its_end_is_not_given_out_when_the_renewal_fails() -> None:
    stage = Stage()
    stage.token.mock(side_effect=[token_answer("one"), httpx.Response(503), token_answer("two")])
    await stage.tokens.get(ACME)
    stage.clock.now += 1800
    assert (await failure(stage)).reason is Reason.LINKEDIN_UNAVAILABLE
    assert await stage.tokens.get(ACME) == "two"


async def test_a_rejected_token_is_not_given_out_when_the_renewal_fails() -> None:
    """It may have half an hour left by the clock, but LinkedIn has said that it is dead."""
    stage = Stage()
    stage.token.mock(side_effect=[token_answer("one"), httpx.Response(503), token_answer("two")])
    stage.look.mock(return_value=says(401))
    error = (await stage.verify())[AWLI]
    assert isinstance(error, Refused)
    assert error.reason is Reason.LINKEDIN_UNAVAILABLE
    assert await stage.tokens.get(ACME) == "two"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
async def test_a_refused_credential_costs_one_request_however_many_items_hang_on_it(status: int) -> None:
    stage = Stage()
    stage.token.respond(status, json=INVALID_CLIENT)
    seen = await asyncio.gather(*(stage.verify() for _ in range(30)))
    error = await stage.enable()
    assert isinstance(error, Refused)
    for one in [*(each[AWLI] for each in seen), error]:
        assert isinstance(one, Refused)
        assert one.reason is Reason.CREDENTIALS_REFUSED
        assert one.detail == f"token endpoint: HTTP {status} invalid_client Client authentication failed"
        assert not one.worth_repeating
    assert stage.sent() == (1, 0, 0)


async def test_a_refused_credential_is_no_other_credentials_fault() -> None:
    """Neither the corrected secret of the same customer nor another customer suffers from it."""
    stage = Stage()
    stage.token.mock(side_effect=[httpx.Response(401, json=INVALID_CLIENT), token_answer("a"), token_answer("b")])
    assert (await failure(stage)).reason is Reason.CREDENTIALS_REFUSED
    assert await stage.tokens.get(Credentials("acme-app", SecretStr("corrected"))) == "a"
    assert await stage.tokens.get(Credentials("zeta-app", SecretStr(SECRET))) == "b"


@pytest.mark.parametrize(
    "passing",
    [
        pytest.param(httpx.Response(429), id="too many requests"),
        pytest.param(httpx.Response(503), id="down"),
        pytest.param(httpx.Response(200, content=b"<html>"), id="a page"),
        pytest.param(httpx.ConnectError("no"), id="no connection"),
        pytest.param(httpx.ReadTimeout("no"), id="no answer"),
    ],
)
async def test_what_may_pass_is_not_remembered(passing: httpx.Response | Exception) -> None:
    stage = Stage()
    stage.token.mock(side_effect=[passing, token_answer("two")])
    assert (await failure(stage)).worth_repeating
    assert await stage.tokens.get(ACME) == "two"


async def test_a_customer_whose_token_is_slow_holds_up_no_other() -> None:
    stage, go_on = Stage(), asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if b"acme" in request.content:
            await go_on.wait()
        return token_answer("any")

    stage.token.mock(side_effect=answer)
    slow = asyncio.create_task(stage.tokens.get(ACME))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(stage.tokens.get(Credentials("zeta-app", SecretStr("z"))), 2) == "any"
    assert not slow.done()
    go_on.set()
    assert await slow == "any"


async def test_a_caller_that_is_cancelled_leaves_the_others_their_turn() -> None:
    stage, asked, go_on = Stage(), asyncio.Event(), asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        asked.set()
        await go_on.wait()
        return token_answer("second-try")

    stage.token.mock(side_effect=answer)
    first, second = (asyncio.create_task(stage.tokens.get(ACME)) for _ in range(2))
    await asked.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go_on.set()
    assert await asyncio.wait_for(second, 2) == "second-try"


async def test_tokens_says_unclear_of_what_it_could_not_make_out() -> None:
    """It is the caller who knows that nothing else was sent."""
    stage = Stage()
    stage.token.respond(500)
    assert type(await failure(stage)) is Unclear
