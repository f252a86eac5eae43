"""How long a token lives: `expires_in` as documented, and as others write it."""

import json

import pytest

from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import LinkedInError, Unclear
from tests.linkedin.stage import ACME, Stage

GOOD_LIVES = [
    pytest.param(1800, id="as documented"),
    pytest.param("1800", id="numeric text, seen in public"),
    pytest.param("1799.5", id="with a fraction"),
    pytest.param(0.5, id="half a second is a life"),
    pytest.param(10**30, id="a huge number that still is one"),
    pytest.param(0, id="zero: a life that is not known"),
    pytest.param("0", id="zero as text"),
    pytest.param(-1, id="negative"),
    pytest.param("-1800", id="negative as text"),
    pytest.param(None, id="null"),
    pytest.param(1_800_000, id="milliseconds"),
]
BAD_LIVES = [
    pytest.param("soon", id="words"),
    pytest.param("", id="empty text"),
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
    with pytest.raises(LinkedInError) as caught:
        await stage.tokens.get(ACME)
    error = caught.value
    assert (type(error), error.reason) == (Unclear, Reason.UNREADABLE_ANSWER)
    assert error.detail == "token endpoint: expires_in is no number of seconds"


async def test_a_token_without_a_life_is_used() -> None:
    stage = Stage()
    stage.token.respond(200, json={"access_token": "AQX-no-life"})
    assert await stage.tokens.get(ACME) == "AQX-no-life"
    assert await stage.tokens.get(ACME) == "AQX-no-life"
    assert stage.sent() == (1, 0, 0)
