"""The stand-in's own reading of Rest.li 1.0 keys."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.keys import (
    PART_NAMES,
    IncompleteKeyError,
    Key,
    KeySyntaxError,
    is_double_encoded,
    key_of_text,
    keys_of_query,
    query_pairs,
    spell,
    two_spellings,
)

DOCUMENTED_KEY = Key("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS", "ATS")

identifiers = st.text("abcXYZ019_-", min_size=1, max_size=12)
keys = st.builds(
    Key,
    st.builds("urn:li:{}:{}".format, st.sampled_from(["organization", "contract"]), identifiers),
    st.sampled_from(["APPLY_WITH_LINKEDIN", "CSA_API", "ONE_CLICK_EXPORT"]),
    st.sampled_from(["JOBS", "RECRUITER"]),
    st.just("ATS"),
)


def written(draw: st.DrawFn, text: str) -> str:
    """Some of the characters percent-encoded, in either case; the others raw."""

    def one(character: str) -> str:
        form = draw(st.sampled_from(["%{:02X}", "%{:02x}", "raw"]))
        return character if form == "raw" else form.format(ord(character))

    return "".join(one(character) for character in text)


@st.composite
def keys_as_text(draw: st.DrawFn) -> tuple[Key, str]:
    key = draw(keys)
    parts = draw(st.permutations(list(zip(PART_NAMES, key, strict=True))))
    return key, "&".join(f"{written(draw, name)}={written(draw, value)}" for name, value in parts)


@st.composite
def keys_as_query(draw: st.DrawFn) -> tuple[list[Key], str]:
    chosen = draw(st.lists(keys, min_size=1, max_size=3))
    holes = draw(st.lists(st.integers(0, 50), min_size=len(chosen), max_size=len(chosen), unique=True))
    indices = sorted(holes)
    items = [
        (f"ids[{index}].{name}", value)
        for index, key in zip(indices, chosen, strict=True)
        for name, value in zip(PART_NAMES, key, strict=True)
    ]
    shuffled = draw(st.permutations(items))
    return chosen, "&".join(f"{written(draw, name)}={written(draw, value)}" for name, value in shuffled)


@given(keys_as_text())
def test_a_body_key_means_the_same_in_any_order_and_encoding(case: tuple[Key, str]) -> None:
    key, text = case
    assert key_of_text(text) == key


@settings(max_examples=60)
@given(keys_as_query())
def test_a_query_means_the_same_in_any_order_encoding_and_with_holes(case: tuple[list[Key], str]) -> None:
    chosen, text = case
    assert keys_of_query(query_pairs(text)) == chosen


@given(keys)
def test_a_double_encoded_key_is_another_key_and_is_noticed(key: Key) -> None:
    twice = key.canonical.replace("%", "%25")
    assert key_of_text(twice) != key
    assert is_double_encoded(twice)
    assert not is_double_encoded(key.canonical)


@given(keys, st.integers())
def test_every_spelling_of_an_answer_reads_back(key: Key, seed: int) -> None:
    assert key_of_text(spell(key, random.Random(seed))) == key
    first, second = two_spellings(key)
    assert first != second
    assert key_of_text(first) == key_of_text(second) == key


def test_spellings_vary_in_order_and_in_encoding() -> None:
    spellings = {spell(DOCUMENTED_KEY, random.Random(seed)) for seed in range(60)}
    assert len({text.partition("=")[0] for text in spellings}) == 4
    assert {"%3A" in text for text in spellings} == {True, False}


@pytest.mark.parametrize(
    "text",
    [
        "dataProvider=ATS&integrationContext=urn%3Ali%3Aorganization%3A4gX03uw&integrationType=APPLY_WITH_LINKEDIN"
        "&tenantType=JOBS",
        "integrationContext=urn:li:organization:4gX03uw&integrationType=APPLY_WITH_LINKEDIN&tenantType=JOBS"
        "&dataProvider=ATS",
    ],
)
def test_the_attested_forms_are_the_same_key(text: str) -> None:
    assert key_of_text(text) == DOCUMENTED_KEY
    assert DOCUMENTED_KEY.canonical.startswith("dataProvider=ATS&integrationContext=urn%3Ali%3A")


WHOLE = "ids[0].integrationContext=urn:li:organization:1&ids[0].integrationType=A&ids[0].tenantType=JOBS"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (f"{WHOLE}&ids[0].tenantType=JOBS&ids[0].dataProvider=ATS", KeySyntaxError),
        (f"{WHOLE}&ids%5B0%5D.tenantType=X&ids[0].dataProvider=ATS", KeySyntaxError),
        (f"{WHOLE}&ids[0].dataProvider=ATS&ids[0].colour=red", KeySyntaxError),
        (f"{WHOLE}&ids[x].dataProvider=ATS", KeySyntaxError),
        (f"{WHOLE}&ids%255B0%255D.dataProvider=ATS", KeySyntaxError),
        ("ids=List((integrationContext:urn%3Ali%3Aorganization%3A1))", KeySyntaxError),
        (f"{WHOLE}&ids[0].dataProvider=A TS", KeySyntaxError),
        (f"{WHOLE}&ids[0].dataProvider=A|TS", KeySyntaxError),
        (f"{WHOLE}&ids[0].dataProvider=A%ZZ", KeySyntaxError),
        (f"{WHOLE}&ids[0].dataProvider=%FF", KeySyntaxError),
        (WHOLE, IncompleteKeyError),
        (f"{WHOLE}&ids[0].dataProvider=", IncompleteKeyError),
        (f"{WHOLE}&ids[1].dataProvider=ATS", IncompleteKeyError),
    ],
)
def test_what_rest_li_cannot_read_is_refused(query: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        keys_of_query(query_pairs(query))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"{DOCUMENTED_KEY.canonical}&tenantType=JOBS", KeySyntaxError),
        (DOCUMENTED_KEY.canonical.replace("dataProvider", "ids[0].dataProvider"), KeySyntaxError),
        (DOCUMENTED_KEY.canonical.replace("JOBS", "JO BS"), KeySyntaxError),
        (DOCUMENTED_KEY.canonical.replace("tenantType=JOBS", "tenantType"), IncompleteKeyError),
        ("", IncompleteKeyError),
    ],
)
def test_a_body_key_that_is_none_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        key_of_text(text)


def test_other_parameters_and_a_plus_sign() -> None:
    """Rest.li leaves parameters alone that are not its own, and reads a plus sign as a space."""
    assert query_pairs("a=b+c&&d") == [("a", "b c"), ("d", "")]
    assert keys_of_query([("fields", "x")]) == []
