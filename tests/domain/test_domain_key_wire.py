"""The wire forms of a key: whatever the spelling, the same key; whatever the value, four parts."""

import re
from itertools import pairwise
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from greenlight.domain.keys import (
    MAX_QUERY_CHARACTERS,
    IntegrationKey,
    InvalidKey,
    as_query,
    parse_response_key,
    split_for_query,
)
from tests.domain.things import AWLI, CSA, PART_NAMES, QUIET, keys, read, spelled, values_of

# One key in LinkedIn's own forms, made with LinkedIn's own encoder where there is one.
QUERY = (
    "ids%5B0%5D.integrationContext=urn%3Ali%3Aorganization%3A4gX03uw&ids%5B0%5D.integrationType=APPLY_WITH_LINKEDIN"
    "&ids%5B0%5D.tenantType=JOBS&ids%5B0%5D.dataProvider=ATS"
)
BODY_KEY = (
    "integrationContext=urn:li:organization:4gX03uw&integrationType=APPLY_WITH_LINKEDIN&tenantType=JOBS"
    "&dataProvider=ATS"
)
CANONICAL = (
    "dataProvider=ATS&integrationContext=urn%3Ali%3Aorganization%3A4gX03uw&integrationType=APPLY_WITH_LINKEDIN"
    "&tenantType=JOBS"
)
FROM_ENABLE = (
    "integrationType=APPLY_WITH_LINKEDIN&tenantType=JOBS&dataProvider=ATS"
    "&integrationContext=urn%3Ali%3Aorganization%3A4gX03uw"
)

hostile = st.text("&=%#+;?/[]()., :\n\x00A1", max_size=12)


def test_the_query_is_the_published_vector() -> None:
    assert as_query([AWLI]) == QUERY


def test_the_body_key_is_as_the_seed_prints_it() -> None:
    assert AWLI.as_body_key() == BODY_KEY


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BODY_KEY, id="verify's sample answer: the URN raw"),
        pytest.param(FROM_ENABLE, id="enable's sample answer: another order, the URN encoded"),
        pytest.param(CANONICAL, id="Rest.li's canonical form: sorted and encoded"),
    ],
)
def test_the_published_response_keys_are_one_key(text: str) -> None:
    assert parse_response_key(text) == AWLI


@QUIET
@given(keys, st.data())
def test_every_spelling_of_a_key_reads_as_that_key(key: IntegrationKey, data: st.DataObject) -> None:
    assert parse_response_key(data.draw(spelled(key))) == key


@QUIET
@given(keys, st.data())
def test_a_doubly_encoded_key_is_never_read(key: IntegrationKey, data: st.DataObject) -> None:
    """Rest.li decodes once. To decode twice would take an answer about one key for an answer about another."""
    with pytest.raises(InvalidKey):
        parse_response_key(data.draw(spelled(key, twice=True)))


@QUIET
@given(keys, keys)
def test_different_keys_never_share_a_spelling(one: IntegrationKey, other: IntegrationKey) -> None:
    assume(one != other)
    assert parse_response_key(one.as_body_key()) != other
    assert as_query([one]) != as_query([other])


@QUIET
@given(st.lists(keys, max_size=6))
def test_the_query_decodes_to_exactly_four_parts_for_each_index(chosen: list[IntegrationKey]) -> None:
    expected = [
        (f"ids[{index}].{name}", value)
        for index, key in enumerate(chosen)
        for name, value in zip(PART_NAMES, values_of(key), strict=True)
    ]
    query = as_query(chosen)
    assert parse_qsl(query, keep_blank_values=True) == expected
    by_hand = [tuple(map(unquote, pair.split("=", 1))) for pair in query.split("&") if pair]
    assert by_hand == expected, "nothing hangs on how one library reads a query"
    assert re.fullmatch(r"[A-Za-z0-9_.~%=&-]*", query), "no character that a proxy could read as structure"
    address = urlsplit(f"https://api.linkedin.com/v2/atsIntegrations?{query}")
    assert (address.query, address.fragment) == (query, "")


@QUIET
@given(hostile, hostile, hostile)
def test_no_value_splits_a_key_or_adds_a_parameter(context: str, type_: str, tenant: str) -> None:
    """A hostile value is refused; what is taken comes back whole, as one value."""
    for values in (
        (f"urn:li:organization:{context}", "CSA_API", "JOBS"),
        ("urn:li:organization:1", f"A{type_}", "JOBS"),
        ("urn:li:organization:1", "CSA_API", f"A{tenant}"),
    ):
        try:
            key = IntegrationKey(*values)
        except InvalidKey:
            continue
        assert [value for _, value in parse_qsl(as_query([key]))] == [*values, "ATS"]
        assert key.as_body_key().count("&") == 3
        assert key.as_body_key().count("=") == 4
        assert parse_response_key(key.as_body_key()) == key


@QUIET
@given(hostile)
def test_the_query_would_hold_even_if_the_check_of_values_let_something_through(text: str) -> None:
    """The second of two walls: the encoding alone keeps a value in its place."""
    key = IntegrationKey("urn:li:organization:1", "CSA_API", "JOBS")
    object.__setattr__(key, "tenant_type", text)
    pairs = parse_qsl(as_query([key]), keep_blank_values=True)
    assert [value for _, value in pairs] == ["urn:li:organization:1", "CSA_API", text, "ATS"]


@QUIET
@given(st.lists(keys, max_size=12), st.integers(-5, 1500))
def test_splitting_keeps_order_loses_nothing_and_respects_the_limit(chosen: list[IntegrationKey], limit: int) -> None:
    runs = split_for_query(iter(chosen), limit)
    assert [key for run in runs for key in run] == chosen
    for run in runs:
        assert len(run) == 1 or len(as_query(run)) <= limit, "only a key too long alone may pass the limit"
        assert run, "an empty run would be a request about nothing"
    for run, following in pairwise(runs):
        assert len(as_query([*run, following[0]])) > limit, "no more requests than needed: they are the scarce good"


def test_a_run_may_fill_the_limit_to_the_last_character() -> None:
    exactly = len(as_query([AWLI, CSA]))
    assert split_for_query([AWLI, CSA], exactly) == [[AWLI, CSA]]
    assert split_for_query([AWLI, CSA], exactly - 1) == [[AWLI], [CSA]]


def test_by_default_a_query_stays_within_four_thousand_characters() -> None:
    """23 keys of the documented length take 3,869 characters, 24 take 4,039."""
    assert [len(run) for run in split_for_query([AWLI] * 47)] == [23, 23, 1]
    assert MAX_QUERY_CHARACTERS == 4_000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("=", id="a pair without name and value"),
        pytest.param("&", id="a separator without pairs"),
        pytest.param("integrationContext", id="a name without a value"),
        pytest.param(BODY_KEY.replace("&dataProvider=ATS", ""), id="a part is missing"),
        pytest.param(BODY_KEY + "&tenantType=JOBS", id="a part is repeated, if with the same value"),
        pytest.param(BODY_KEY + "&tenantType=RECRUITER", id="a part is repeated with another value"),
        pytest.param(BODY_KEY + "&extra=1", id="a foreign part"),
        pytest.param(BODY_KEY.replace("tenantType", "tenanttype"), id="a name in other letter case"),
        pytest.param(BODY_KEY.replace("=ATS", "="), id="an empty value"),
        pytest.param(BODY_KEY.replace("=ATS", "=CRM"), id="another data provider"),
        pytest.param(BODY_KEY.replace("=ATS", "=ats"), id="the data provider in other letter case"),
        pytest.param(BODY_KEY.replace("=JOBS", "=JO+BS"), id="a plus sign decodes to a blank"),
        pytest.param(BODY_KEY.replace("=JOBS", "=JO%26BS"), id="an encoded ampersand stays in its value"),
        pytest.param(BODY_KEY.replace("=JOBS", "=%FF"), id="bytes that are not UTF-8"),
        pytest.param(BODY_KEY.replace("&", ";"), id="another separator"),
        pytest.param(BODY_KEY + "&", id="a dangling separator"),
        pytest.param("?" + BODY_KEY, id="a query's question mark"),
        pytest.param(BODY_KEY + "\n", id="a trailing newline"),
        pytest.param(QUERY, id="a query is not a body key"),
        pytest.param("(integrationContext:urn%3Ali%3Aorganization%3A1,tenantType:JOBS)", id="Rest.li 2.0's form"),
    ],
)
def test_what_is_not_an_integration_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidKey):
        parse_response_key(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("tenantType", "is not an integration key", id="no pairs at all"),
        pytest.param(
            BODY_KEY + "&tenantType=JOBS",
            "does not have each part of an integration key exactly once",
            id="pairs, but not ours",
        ),
        pytest.param(BODY_KEY.replace("=ATS", "=CRM"), "has another data provider than ATS", id="not of an ATS"),
    ],
)
def test_the_refusal_of_a_response_key_says_why(text: str, why: str) -> None:
    """The sentence is all that whoever reads an unreadable answer has to go by."""
    shown = text if len(text) <= 80 else text[:77] + "..."
    assert read(parse_response_key, text) == (None, f"{shown!r} {why}")


def test_a_flood_of_parts_is_refused_before_it_is_read() -> None:
    """An answer is foreign text: its size must not decide how much work it makes."""
    with pytest.raises(InvalidKey, match=r"is not an integration key$"):
        parse_response_key("&".join(["tenantType=JOBS"] * 9))


pieces = st.sampled_from([*PART_NAMES, *values_of(AWLI), "=", "&", "%", "%25", "%C3", "+", ";", "\n", "\ud800"])


@QUIET
@given(st.text(st.characters()) | st.lists(pieces, max_size=24).map("".join))
def test_arbitrary_text_is_read_as_a_key_or_refused(text: str) -> None:
    """Keys of an answer are foreign text: one of them must not end a run."""
    key, refusal = read(parse_response_key, text)
    assert refusal.isprintable()
    assert (key is None) == bool(refusal)
    assert key is None or parse_response_key(key.as_body_key()) == key
