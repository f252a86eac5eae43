"""Cases that once went wrong, each in the smallest form that shows it."""

import asyncio

import httpx
import pytest

from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.errors import LinkedInError, Unanswered, Unclear
from tests.linkedin.raw_server import TOKEN_ANSWER, a_client, answer, listening
from tests.linkedin.stage import (
    ACME,
    AWLI,
    CONNECT,
    CSA,
    EXPORT,
    NAME,
    OWN,
    SECRET,
    TOKEN,
    Stage,
    body_of,
    says,
    seen_in,
)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"HTTP/1.1 200 \xff\r\ncontent-length: 2\r\n\r\n{}", id="a status line that no text can hold"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="not HTTP at all"),
    ],
)
async def test_what_is_not_http_is_no_answer(raw: bytes) -> None:
    """An enable that ends like this is unclear, never an error that nobody expects."""

    async def talk(request: bytes) -> tuple[bytes, bool]:
        return (answer(TOKEN_ANSWER), True) if b"accessToken" in request else (raw, False)

    async with listening(talk) as server, a_client(server.url) as (client, _):
        with pytest.raises(Unanswered) as caught:
            await client.enable(ACME, AWLI, NAME)
        assert caught.value.reason is Reason.LINKEDIN_UNAVAILABLE
        assert isinstance((await client.verify(ACME, [AWLI]))[AWLI], LinkedInError)


@pytest.mark.parametrize("leads", ["http://xn--/", "http://[::1", "//", "http://a b/\\"])
async def test_a_redirect_that_leads_nowhere_is_an_answer_that_is_not_the_api(leads: str) -> None:
    """Nobody follows it, so nobody needs to understand where it leads."""

    async def talk(request: bytes) -> tuple[bytes, bool]:
        head = f"HTTP/1.1 302 Found\r\nlocation: {leads}\r\ncontent-length: 0\r\n\r\n".encode()
        return (answer(TOKEN_ANSWER), True) if b"accessToken" in request else (head, False)

    async with listening(talk) as server, a_client(server.url) as (client, _):
        with pytest.raises(Unclear) as caught:
            await client.enable(ACME, AWLI, NAME)
    assert caught.value.reason is Reason.NOT_THE_API
    assert "HTTP 302" in caught.value.detail


async def test_headers_that_no_text_can_hold_are_shown_as_text() -> None:
    """Whoever is in between writes its name in any encoding; what is shown goes to a database and a terminal."""
    odd = b"server: caf\xff\r\nlocation: http://log\xffin.corp/\r\ncontent-type: text/ht\xffml\r\nretry-after: \xff\r\n"

    async def talk(request: bytes) -> tuple[bytes, bool]:
        head = b"HTTP/1.1 302 Found\r\n" + odd + b"content-length: 0\r\n\r\n"
        return (answer(TOKEN_ANSWER), True) if b"accessToken" in request else (head, False)

    async with listening(talk) as server, a_client(server.url) as (client, _):
        with pytest.raises(Unclear) as caught:
            await client.enable(ACME, AWLI, NAME)
    assert caught.value.reason is Reason.NOT_THE_API
    detail = caught.value.detail or ""
    assert detail.encode().decode() == detail
    assert "server caf" in detail
    assert "leads to log" in detail


async def test_a_refused_credential_is_asked_for_once_however_many_keys() -> None:
    """A refusal of the token endpoint is not one bad key's fault, so nothing is asked key by key."""
    stage = Stage()
    stage.token.respond(410, json={"error": "invalid_client"})
    await stage.verify(AWLI, CONNECT, EXPORT, CSA)
    assert stage.sent() == (1, 0, 0)


async def test_a_status_of_the_future_that_echoes_secrets() -> None:
    """LinkedIn's own word for a status is shown to people, so it is cleaned like any other foreign text."""
    seen = await seen_in(body_of(results={OWN: {"onboardingStatus": f"SUSPENDED {TOKEN}1 {SECRET}"}}))
    assert seen == Observation(Status.UNKNOWN, "SUSPENDED [hidden] [hidden]")


async def test_a_token_that_was_rejected_twice_is_not_sent_again() -> None:
    stage = Stage()
    stage.look.mock(return_value=says(401))
    await stage.verify(AWLI)
    await stage.verify(AWLI)
    bearers = [call.request.headers["authorization"] for call in stage.look.calls]
    assert len(bearers) == len(set(bearers)) == 4


async def test_the_same_text_handed_out_again_is_a_renewal() -> None:
    """30 requests rejected at once cost one renewal, also where the endpoint repeats itself."""
    stage = Stage()
    stage.token.respond(200, json={"access_token": "same", "expires_in": 1800})
    arrived, all_there = 0, asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal arrived
        arrived += 1
        first_round = arrived <= 30
        if arrived == 30:
            all_there.set()
        await all_there.wait()
        return says(401) if first_round else httpx.Response(200, json={"results": {}})

    stage.look.mock(side_effect=answer)
    await asyncio.gather(*(stage.verify(AWLI) for _ in range(30)))
    assert stage.sent() == (2, 60, 0)


async def test_a_status_without_an_entry_concludes_nothing() -> None:
    """A 200 in `statuses` says that the entity is there, so it is not called never requested."""
    seen = await seen_in(body_of(statuses={OWN: 200}))
    assert isinstance(seen, LinkedInError)
    assert seen.reason is Reason.UNREADABLE_ANSWER
