"""The key parser on any text at all: a key or InvalidKey, and what is taken means the same everywhere.

GREENLIGHT_FUZZ multiplies the number of examples (`tests/fuzz/effort.py`).
"""

from urllib.parse import parse_qsl, quote

from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.keys import PARTS, IntegrationKey, InvalidKey, as_query, parse_context, parse_response_key
from sandbox.keys import Key
from tests.fuzz.effort import effort

PIECES = [
    *("urn:li:organization:", "urn:li:contract:", "urn:li:company:", "URN:LI:", "4gX03uw"),
    *("%3A", "%2C", "%25", "%", ":"),
    *("&", "=", ",", "(", ")", "?", "#", ";", "+", " ", "\n", "\r", "\0", "\x1b", "\u202e", "\ud800", "１", "é", "😀"),
    *("APPLY_WITH_LINKEDIN", "JOBS", "ATS", "a", "_", ".", "-", *(f"{part}=" for part in PARTS), *PARTS),
]  # fmt: skip
soup = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=3), max_size=20).map("".join)
anything = st.one_of(st.text(st.characters()), soup)


def taken(context: str, type_: str, tenant: str) -> IntegrationKey | None:
    """The key, if these parts make one; any error but InvalidKey fails the test."""
    try:
        return IntegrationKey(context, type_, tenant)
    except InvalidKey as error:
        refusal = str(error)
    assert refusal.isprintable()
    assert len(refusal) < 700, "a refusal is a sentence, not a copy of what was sent"
    return None


@effort(400)
@given(anything, anything, anything)
def test_any_three_texts_are_a_key_or_none(context: str, type_: str, tenant: str) -> None:
    """What is a key reads back from every one of its spellings and never adds a parameter to the query."""
    for key in (taken(context, type_, tenant), taken(context, "A", "B"), taken("urn:li:contract:1", type_, tenant)):
        if key is None:
            continue
        assert parse_response_key(key.as_body_key()) == key
        encoded = "&".join(f"{name}={quote(value, safe='')}" for name, value in reversed(key.parts()))
        assert parse_response_key(encoded) == key
        assert [value for _, value in parse_qsl(as_query([key, key]), strict_parsing=True)] == [
            value for _, value in key.parts()
        ] * 2


@effort(400)
@given(anything)
def test_any_text_is_a_context_unchanged_or_none(text: str) -> None:
    try:
        assert parse_context(text) == text
    except InvalidKey:
        return
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set("&=,()%?#+ ")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A key as LinkedIn writes it, with a few characters changed."""
    text = draw(
        st.sampled_from(
            [
                IntegrationKey("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS").as_body_key(),
                "dataProvider=ATS&integrationContext=urn%3Ali%3Acontract%3A77&integrationType=CSA_API&tenantType=X",
            ]
        )
    )
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(st.sampled_from(["", *PIECES])) + text[start + draw(st.integers(0, 4)) :]
    return text


@effort(600)
@given(st.one_of(anything, damaged()))
def test_any_key_of_an_answer_is_read_or_refused(text: str) -> None:
    """An answer's keys are foreign text; one that is read names exactly four parts, by whichever parser."""
    key, refusal = None, ""
    try:
        key = parse_response_key(text)
    except InvalidKey as error:
        refusal = str(error)
    assert refusal.isprintable()
    if key is None:
        return
    assert taken(*(value for _, value in key.parts()[:3])) == key
    assert dict(parse_qsl(text, keep_blank_values=True)) == dict(key.parts())
    assert tuple(Key(*(value for _, value in key.parts()[:3]))) == tuple(value for _, value in key.parts())
