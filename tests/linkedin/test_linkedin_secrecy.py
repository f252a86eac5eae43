"""What LinkedIn says is shown on one printable line, and never with a secret or a token in it."""

import json
import traceback
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlight.domain.status import Observation
from greenlight.linkedin.errors import LinkedInError, clean
from tests.linkedin.stage import ACME, OWN, SECRET, TOKEN, Stage, body_of

NEEDLES = (SECRET, TOKEN)


def stage_with_one_token() -> Stage:
    stage = Stage()
    stage.token.respond(200, json={"access_token": TOKEN, "expires_in": 1800})
    return stage


def everything_told_by(error: BaseException) -> str:
    """All that a log could hold of an error and of those behind it."""
    told, one = "".join(traceback.format_exception(error)), error
    while one is not None:
        told += f"{one!r} {one} {one.args!r}"
        one = one.__cause__ or one.__context__
    return told + (f"{error.detail}" if isinstance(error, LinkedInError) else "")


def check(error: object) -> None:
    assert isinstance(error, LinkedInError)
    told = everything_told_by(error)
    assert not any(needle in told for needle in NEEDLES)
    assert error.detail is not None
    assert len(error.detail) <= 200
    assert error.detail.isprintable()
    assert error.detail == error.detail.strip()
    assert "  " not in error.detail


plain_text = st.text(st.characters(), max_size=60)
planted = st.lists(st.one_of(plain_text, st.sampled_from(NEEDLES), st.sampled_from(["\r\n", "\x1b[31m", "\u202e"])))
messages = st.one_of(
    planted.map("".join),
    # Long enough to be cut off, with a secret astride the place of the cut.
    st.tuples(st.integers(150, 210), st.sampled_from(NEEDLES)).map(lambda pair: "x" * pair[0] + pair[1] + "y" * 50),
)


@settings(deadline=None)
@given(message=messages, status=st.sampled_from([400, 401, 403, 404, 429, 500, 503, 302, 204]))
async def test_whole_request_errors(message: str, status: int) -> None:
    stage = stage_with_one_token()
    body = json.dumps({"message": message, "serviceErrorCode": 65600, "status": status}).encode()
    stage.look.respond(status, content=body)
    stage.change.respond(status, content=body)
    check(*(await stage.verify()).values())
    check(await stage.enable())


@settings(deadline=None)
@given(message=messages, status=st.sampled_from([400, 403, 404, 422, 500, 302]))
async def test_errors_of_one_key(message: str, status: int) -> None:
    stage = stage_with_one_token()
    body = body_of(errors={OWN: {"status": status, "message": message}})
    stage.look.respond(200, content=body)
    stage.change.respond(200, content=body)
    [seen] = (await stage.verify()).values()
    if status != 404:
        check(seen)
    else:
        assert isinstance(seen, Observation)
    check(await stage.enable())


@settings(deadline=None)
@given(error=messages, description=messages, status=st.sampled_from([400, 401, 403, 418, 429, 500, 200]))
async def test_token_errors(error: str, description: str, status: int) -> None:
    # Before there is a token, the secret is all that can be echoed.
    error, description = (text.replace(TOKEN, SECRET) for text in (error, description))
    stage = Stage()
    stage.token.respond(
        status, content=json.dumps({"error": error, "error_description": description, "access_token": SECRET + " "})
    )
    check(await stage.enable())
    with pytest.raises(LinkedInError) as caught:
        await stage.tokens.get(ACME)
    check(caught.value)


@settings(deadline=None)
@given(body=messages)
async def test_bodies_that_are_no_json(body: str) -> None:
    stage = stage_with_one_token()
    raw = ("<html>" + body).encode("utf-8", "replace")
    stage.look.respond(200, content=raw)
    stage.change.respond(200, content=raw)
    check(*(await stage.verify()).values())
    check(await stage.enable())


@pytest.mark.parametrize(
    "echo",
    [
        pytest.param(f"got client_id=a&client_secret={quote_plus(SECRET)}&x=1", id="the form, echoed as it was sent"),
        pytest.param(f"Authorization: Bearer {TOKEN}9", id="a token that is not this request's"),
        pytest.param(f'{{"access_token": "{TOKEN}9"}}', id="a token answer, quoted"),
        pytest.param(f"BEARER  {TOKEN}9", id="in other letters"),
        pytest.param(f"Token={TOKEN}9, rejected", id="by another name"),
        pytest.param(f"secret : '{TOKEN}9'", id="with blanks and quotes"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_though_it_is_not_known(echo: str) -> None:
    shown = clean(echo)
    assert TOKEN not in shown
    assert "s3cr3t" not in shown
    assert "[hidden]" in shown


def test_what_stands_beside_a_secret_is_kept() -> None:
    assert clean(f"app {SECRET} is blocked, client_secret=abc&grant=x", (SECRET,)) == (
        "app [hidden] is blocked, client_secret=[hidden]&grant=x"
    )
    assert clean("The token used in the request has expired") == "The token used in the request has expired"
    assert clean("Invalid access token") == "Invalid access token"


def test_an_empty_secret_hides_nothing() -> None:
    assert clean("as it was", ("", "other")) == "as it was"


@pytest.mark.parametrize(("length", "shown"), [(200, "x" * 200), (201, "x" * 197 + "...")])
def test_two_hundred_characters_are_shown(length: int, shown: str) -> None:
    assert clean("x" * length) == shown


@settings(deadline=None)
@given(text=st.text(st.characters(), max_size=400))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    shown = clean(text)
    assert shown.isprintable()
    assert len(shown) <= 200
    assert clean(shown) == shown or "[hidden]" in shown or shown.endswith("...")
