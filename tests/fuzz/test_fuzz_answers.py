"""LinkedIn's answers, as any bytes and any JSON: typed errors and nothing else, and never "enabled" from garbage.

GREENLIGHT_FUZZ multiplies the number of examples (`tests/fuzz/effort.py`).
"""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.keys import IntegrationKey
from greenlight.domain.status import NOT_REQUESTED, Observation, Status
from greenlight.linkedin.answers import NotJson, Seen, read_enable, read_object, read_verify
from greenlight.linkedin.errors import LinkedInError
from tests.fuzz.effort import effort
from tests.linkedin.stage import AWLI, FOREIGN, OWN, OWN_CANONICAL, OWN_ENCODED

SPELLINGS = (OWN, OWN_ENCODED, OWN_CANONICAL)
HIDDEN = "pl4nted-s3cret"
OTHER = IntegrationKey("urn:li:contract:77", "CSA_API", "RECRUITER")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([200, 204, 299, 400, 404, 429, 500, -1, 10**30, "204", "ENABLED", "REQUESTED", "enabled", HIDDEN]),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
)
names = st.one_of(
    st.sampled_from(["status", "message", "onboardingStatus", "results", "errors", "statuses", *SPELLINGS, FOREIGN]),
    st.text(max_size=8),
)
jsons = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=25
)
#: Shaped like an answer at least at the top, so that what is below is reached.
maps = st.dictionaries(st.sampled_from([*SPELLINGS, FOREIGN, OWN + "&", ""]), jsons, max_size=4)
answers = st.one_of(
    jsons,
    st.fixed_dictionaries({"results": maps | jsons}, optional={"errors": maps | jsons, "statuses": maps | jsons}),
)


def looked(body: bytes | None) -> dict[IntegrationKey, Seen]:
    seen = read_verify(body, [AWLI, OTHER], (HIDDEN,))
    assert seen.keys() == {AWLI, OTHER}, "each that was asked for, and nobody else"
    for one in seen.values():
        assert isinstance(one, Observation | LinkedInError)
        told = f"{one!r} {one} {getattr(one, 'raw', '')} {getattr(one, 'detail', '')}"
        assert HIDDEN not in told
        assert getattr(one, "raw", None) is None or one.raw.isprintable()  # type: ignore[union-attr]
    return seen


def confirmed(body: bytes | None) -> bool:
    """Whether an enable of AWLI is taken for done; any error but LinkedInError fails the test."""
    told = None
    try:
        read_enable(body, AWLI, (HIDDEN,))
    except LinkedInError as error:
        told = f"{error!r} {error} {error.detail}"
    assert HIDDEN not in (told or "")
    return told is None


def _said(answer: Any, name: str, spellings: tuple[str, ...] = SPELLINGS) -> list[Any]:
    found = answer.get(name) if isinstance(answer, dict) else None
    return [value for key, value in found.items() if key in spellings] if isinstance(found, dict) else []


def _says(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, dict) else None


@effort(600)
@given(answers)
def test_any_json_is_read_and_enabled_is_only_what_it_says(answer: Any) -> None:
    """ENABLED needs a result under our own key that says so; "done" needs a 2xx there and no error beside it."""
    body = json.dumps(answer).encode()
    seen = looked(body)
    results, errors = _said(answer, "results"), _said(answer, "errors")
    statuses = {str(_says(entry, "onboardingStatus")).strip().upper() for entry in results}
    if seen[AWLI] == Observation(Status.ENABLED):
        assert statuses == {"ENABLED"}
        assert errors == []
    if seen[AWLI] == Observation(Status.REQUESTED):
        assert statuses == {"REQUESTED"}
    assert isinstance(seen[OTHER], LinkedInError) or seen[OTHER] == NOT_REQUESTED, "nobody spoke of it"
    if confirmed(body):
        assert results
        assert all(isinstance(_says(entry, "status"), int) for entry in results)
        assert all(200 <= _says(entry, "status") < 300 for entry in results)
        assert errors == []


@effort(300)
@given(st.one_of(st.binary(), st.text().map(str.encode), st.none()))
def test_any_bytes_are_an_error(body: bytes | None) -> None:
    """Chance does not write an answer about our key."""
    assert not any(isinstance(one, Observation) and one != NOT_REQUESTED for one in looked(body).values())
    assert not confirmed(body)
    why = "an object"
    try:
        read_object(body)
    except NotJson as error:
        why = str(error)
    assert why in {"an object", "the body is too long", "the body is not JSON", "the body is not a JSON object"}


@effort(400)
@given(st.data(), answers)
def test_a_damaged_answer_is_never_more_than_the_whole_one(data: st.DataObject, answer: Any) -> None:
    """Bytes that are cut out, put in or changed raise nothing else and make up no key."""
    body = bytearray(json.dumps(answer).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        body[start : start + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    whole = bytes(body)
    seen, done = looked(whole), confirmed(whole)
    if done or seen[AWLI] == Observation(Status.ENABLED):
        assert b"4gX03uw" in whole
        assert b"APPLY_WITH_LINKEDIN" in whole


@effort(300)
@given(jsons, st.sampled_from(["results", "errors"]), st.sampled_from(SPELLINGS))
def test_only_a_plain_2xx_confirms_an_enable(entry: Any, where: str, spelling: str) -> None:
    """One entry under our key, whatever it is: in errors it never confirms, in results only a whole number of 2xx."""
    body = json.dumps({"results": {}, where: {spelling: entry}}).encode()
    status = _says(entry, "status")
    expected = where == "results" and isinstance(status, int) and not isinstance(status, bool) and 200 <= status < 300
    assert confirmed(body) == expected
