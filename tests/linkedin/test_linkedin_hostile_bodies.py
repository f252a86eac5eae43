"""Bodies that are not what they should be: always a LinkedInError, and never "enabled"."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlight.domain.nesting import MAX_NESTING
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.errors import LinkedInError, Unclear
from greenlight.linkedin.transport import MAX_BODY_BYTES
from tests.linkedin.stage import FOREIGN, OWN, OWN_CANONICAL, OWN_ENCODED, body_of, enabled_by, seen_in

#: Good for both calls, so that whatever is wrapped around it would pass if the wrapping were overlooked.
ENTRY = {"status": 204, "onboardingStatus": "ENABLED"}
GOOD = body_of(results={OWN: ENTRY})
ENTRY_TEXT = json.dumps(ENTRY)
BOM = b"\xef\xbb\xbf"

BODIES = [
    pytest.param(b"", id="empty"),
    pytest.param(b" \r\n", id="blank"),
    pytest.param(b"[" + GOOD + b"]", id="an array around it"),
    pytest.param(b"null", id="null"),
    pytest.param(b"204", id="a number"),
    pytest.param(b"true", id="a bool"),
    pytest.param(b'"ENABLED"', id="a text"),
    pytest.param(json.dumps(GOOD.decode()).encode(), id="JSON inside of JSON"),
    pytest.param(b"<!DOCTYPE html><html>ENABLED</html>", id="a page"),
    pytest.param(b"\x00\xff" + GOOD, id="garbage before it"),
    pytest.param(GOOD + GOOD, id="two answers"),
    pytest.param(GOOD + b"\x00", id="NUL after it"),
    pytest.param(GOOD[:-1], id="one byte short"),
    pytest.param(GOOD[: len(GOOD) // 2], id="half of it"),
    pytest.param(BOM + BOM + GOOD, id="two byte order marks"),
    pytest.param(BOM + GOOD[:-1], id="a byte order mark and one byte short"),
    pytest.param(GOOD.decode().encode("utf-16"), id="UTF-16"),
    pytest.param(GOOD.replace(b"ENABLED", b"ENABLED\xff"), id="invalid UTF-8 in a value"),
    pytest.param(GOOD.replace(b'"errors"', b'"err\xc3\x28"'), id="invalid UTF-8 in a name"),
    pytest.param(b")]}',\n" + GOOD, id="a guard against script inclusion"),
    pytest.param(b"for(;;);" + GOOD, id="another such guard"),
    pytest.param(GOOD.replace(b'"', b"'"), id="Python's quotes"),
    pytest.param(b'{"results":{},' + GOOD[1:], id="results named twice, the good one last"),
    pytest.param(GOOD[:-1] + b',"results":{}}', id="results named twice, the good one first"),
    pytest.param(f'{{"results":{{"{OWN}":{ENTRY_TEXT},"{OWN}":{ENTRY_TEXT}}}}}'.encode(), id="the key named twice"),
    pytest.param(GOOD.replace(b'{"status": 204', b'{"status": 404, "status": 204'), id="status named twice"),
    pytest.param(GOOD.replace(ENTRY_TEXT.encode(), b"NaN"), id="NaN for the entry"),
    pytest.param(b"[" * 100_000 + b"]" * 100_000, id="nested very deep"),
    pytest.param(b'{"results":' * 20_000 + b"{}" + b"}" * 20_000, id="results in results, very deep"),
    pytest.param(b'{"errors":' + b"[" * 5_000 + b"]" * 5_000 + b"," + GOOD[1:], id="deep where nobody looks"),
    pytest.param(b'{"x":' + b"[" * MAX_NESTING + b"]" * MAX_NESTING + b"," + GOOD[1:], id="just too deep there"),
    pytest.param(b'{"x":' + b"9" * 10_000 + b"," + GOOD[1:], id="a number longer than Python reads"),
    pytest.param(GOOD + b" " * (MAX_BODY_BYTES + 1 - len(GOOD)), id="one byte over the limit"),
]


@pytest.mark.parametrize("body", BODIES)
async def test_body_under_http_200(body: bytes) -> None:
    for error in (await seen_in(body), await enabled_by(body)):
        assert isinstance(error, Unclear)
        assert error.worth_repeating
        # What begins as the API's answer does may be it, damaged; what does not is somebody else's.
        if len(body) <= MAX_BODY_BYTES and not body.removeprefix(BOM).startswith(b"{"):
            assert error.reason is Reason.NOT_THE_API
            continue
        assert error.reason is Reason.UNREADABLE_ANSWER
        assert error.detail in {
            "the body is not JSON",
            "the body is too long",
            "the body has no results",
            "an entry of results has no onboardingStatus",
            "the answer has no status for the integration",
        }


async def test_the_good_body_that_the_others_are_made_of_is_good() -> None:
    """Else the cases above would prove nothing; so would a limit on length that stands one byte too low."""
    just_not_too_deep = b'{"x":' + b"[" * (MAX_NESTING - 1) + b"]" * (MAX_NESTING - 1) + b"," + GOOD[1:]
    for body in (GOOD, BOM + GOOD, GOOD + b" " * (MAX_BODY_BYTES - len(GOOD)), just_not_too_deep):
        assert await seen_in(body) == Observation(Status.ENABLED)
        assert await enabled_by(body) is None


@pytest.mark.parametrize("status", ["NaN", "Infinity", "-Infinity", "204.5", '"NaN"'])
async def test_numbers_that_are_no_status(status: str) -> None:
    body = f'{{"errors":{{}},"results":{{"{OWN}":{{"status":{status}}}}}}}'.encode()
    assert isinstance(await enabled_by(body), Unclear)
    assert isinstance(await seen_in(body), Unclear)


STATUSES = st.sampled_from([200, 200, 200, 201, 204, 206, 301, 307, 400, 401, 403, 404, 408, 429, 500, 503])


@settings(deadline=None)
@given(body=st.binary(max_size=300), status=STATUSES)
async def test_no_bytes_enable_anything_or_raise_anything_else(body: bytes, status: int) -> None:
    assert isinstance(await enabled_by(body, status), LinkedInError)
    assert isinstance(await seen_in(body, status), LinkedInError)


@settings(deadline=None)
@given(data=st.data(), status=STATUSES)
async def test_no_damage_to_a_good_body_raises_anything_else(data: st.DataObject, status: int) -> None:
    """A byte here and there changed, cut out or put in; what it says afterwards is judged by the tables alone."""
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body) - 1))
        body[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    enabled, seen = await enabled_by(bytes(body), status), await seen_in(bytes(body), status)
    assert enabled is None or isinstance(enabled, LinkedInError)
    assert isinstance(seen, Observation | LinkedInError)
    if status != 200:
        assert isinstance(enabled, LinkedInError)
        assert isinstance(seen, LinkedInError)


scalars = st.sampled_from([None, True, 0, 200, 204, 404, 500, 1.5, "204", "ENABLED", "REQUESTED", ""])
entries = st.one_of(
    st.fixed_dictionaries({}, optional={"status": scalars, "message": scalars, "onboardingStatus": scalars}),
    scalars,
    st.lists(scalars, max_size=2),
)
maps = st.one_of(st.dictionaries(st.sampled_from([OWN, OWN_ENCODED, OWN_CANONICAL, FOREIGN, "x"]), entries), scalars)
answers = st.fixed_dictionaries({}, optional={"results": maps, "errors": maps, "statuses": maps})


def said_of_us(answer: dict[str, Any], name: str) -> list[Any]:
    found = answer.get(name)
    return [value for key, value in found.items() if key not in (FOREIGN, "x")] if isinstance(found, dict) else []


@settings(deadline=None, max_examples=150)
@given(answer=answers)
async def test_enabled_is_only_what_every_word_about_the_key_says(answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    results, errors = said_of_us(answer, "results"), said_of_us(answer, "errors")
    if await enabled_by(body) is None:
        assert results
        assert not errors
        assert all(type(entry["status"]) is int and entry["status"] in (200, 204) for entry in results)
    seen = await seen_in(body)
    if seen == Observation(Status.ENABLED):
        assert results
        assert not errors
        assert all(entry["onboardingStatus"] == "ENABLED" for entry in results)
        assert all(status in (200, 204) for status in said_of_us(answer, "statuses"))
