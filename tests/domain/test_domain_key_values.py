"""What an integration key may be made of: decided once, by one parser."""

import dataclasses
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.keys import IntegrationKey, InvalidKey, parse_constant, parse_context, parse_response_key
from tests.domain.things import AWLI, CSA, QUIET, constants, contexts, read

ATTACKS = [
    pytest.param("urn:li:person:4gX03uw", id="a member is not an integration context"),
    pytest.param("urn:li:developerApplication:4gX03uw", id="an application appears in LinkedIn's texts but is none"),
    pytest.param("urn:li:Organization:4gX03uw", id="the entity is case-sensitive"),
    pytest.param("URN:LI:organization:4gX03uw", id="the prefix is written small"),
    pytest.param("urn:li:organization:", id="an empty id would match nothing or everything"),
    pytest.param("urn:li:organization", id="an id is missing altogether"),
    pytest.param("", id="an empty text is no URN"),
    pytest.param("4gX03uw", id="a bare id does not say what it identifies"),
    pytest.param("urn:li:organization:1%2C2", id="an encoded comma could become two ids after one more decoding"),
    pytest.param("urn:li:company:4gX03uw", id="the legacy form is refused and not silently rewritten"),
    pytest.param("urn:li:organization:(1)", id="parentheses are structure in Rest.li 2.0"),
    pytest.param("urn:li:organization:1,2", id="a comma is structure in Rest.li 2.0"),
    pytest.param("urn:li:organization:1&tenantType=RECRUITER", id="an ampersand would begin another part"),
    pytest.param("urn:li:organization:1=2", id="an equals sign would end the part's name"),
    pytest.param("urn:li:organization:%", id="a percent sign would begin an escape"),
    pytest.param("urn:li:organization:1+2", id="a plus sign decodes to a space"),
    pytest.param("urn:li:organization:1#x", id="a hash would end the query"),
    pytest.param("urn:li:organization:1;x", id="a semicolon separates pairs for some servers"),
    pytest.param("urn:li:organization:1/../2", id="a slash could change the path"),
    pytest.param("urn:li:organization:1\n", id="a trailing newline gets past a pattern that ends in a dollar sign"),
    pytest.param("urn:li:organization:1\r\nX-Evil: 1", id="a line break could add a header"),
    pytest.param("urn:li:organization:\x00", id="PostgreSQL does not take a NUL byte"),
    pytest.param(" urn:li:organization:1", id="a leading blank is not trimmed away silently"),
    pytest.param("urn:li:organization:１２", id="full-width digits look like digits but are other characters"),
    pytest.param("urn:li:organization:é", id="an accented letter is a letter for a Unicode-minded pattern"),
    pytest.param("urn:li:organization:\ud800", id="a lone surrogate cannot be written as UTF-8"),
    pytest.param("urn:li:organization:" + "1" * 10_000, id="ten kilobytes would be sent in every query"),
    pytest.param("urn:li:organization:" + "1" * 129, id="one character more than an id may have"),
    pytest.param("urn:li:organization:1:2", id="a colon would nest a second URN"),
    pytest.param("xurn:li:organization:1", id="the pattern is anchored at the beginning"),
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_context_that_is_none_is_refused_everywhere(attack: str) -> None:
    with pytest.raises(InvalidKey) as refusal:
        parse_context(attack)
    text = str(refusal.value)
    assert len(text) < 300, "the message stays readable whatever was in the value"
    assert text.isprintable(), "the message is one line: no control character of the value gets through"
    with pytest.raises(InvalidKey):
        IntegrationKey(attack, "APPLY_WITH_LINKEDIN", "JOBS")
    wire = quote(attack, safe="", errors="surrogatepass")
    with pytest.raises(InvalidKey):
        parse_response_key(f"integrationContext={wire}&integrationType=CSA_API&tenantType=JOBS&dataProvider=ATS")


def test_the_refusal_of_the_legacy_form_says_what_to_write_instead() -> None:
    with pytest.raises(InvalidKey, match=r"'urn:li:company:77' is the legacy form; use urn:li:organization:77$"):
        parse_context("urn:li:company:77")


def test_the_refusal_of_another_entity_names_it() -> None:
    with pytest.raises(InvalidKey, match=r"'urn:li:person:77' names a person"):
        parse_context("urn:li:person:77")


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        pytest.param(80, "x" * 80, id="up to eighty characters are shown whole"),
        pytest.param(81, "x" * 77 + "...", id="more are cut to eighty with a mark"),
    ],
)
def test_a_refused_value_is_shown_up_to_eighty_characters(length: int, shown: str) -> None:
    with pytest.raises(InvalidKey) as refusal:
        parse_context("x" * length)
    form = "urn:li:organization:ID or urn:li:contract:ID"
    assert str(refusal.value) == f"'{shown}' is not a URN of the form {form}"


@pytest.mark.parametrize(
    "context",
    [
        pytest.param("urn:li:organization:4gX03uw", id="of LinkedIn's page: ids are opaque and not numbers"),
        pytest.param("urn:li:organization:1", id="the shortest id"),
        pytest.param("urn:li:organization:" + "1" * 128, id="the longest id"),
        pytest.param("urn:li:contract:7hK", id="contract-level types carry a contract"),
        pytest.param("urn:li:organization:a_B.c-9", id="every punctuation that an id may have"),
    ],
)
def test_a_context_is_returned_as_it_is(context: str) -> None:
    assert parse_context(context) == context


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing is no constant"),
        pytest.param("apply_with_linkedin", id="constants are capitals"),
        pytest.param("1_CLICK", id="a constant begins with a letter"),
        pytest.param("_CLICK", id="a constant does not begin with an underscore"),
        pytest.param("A B", id="a blank inside"),
        pytest.param("JOBS\n", id="a trailing newline gets past a dollar sign"),
        pytest.param("JOBS&dataProvider=X", id="an ampersand would begin another part"),
        pytest.param("JOBS=X", id="an equals sign would end the name"),
        pytest.param("JOBS%41", id="a percent sign would begin an escape"),
        pytest.param("ＪＯＢＳ", id="full-width capitals are other characters"),
        pytest.param("A" * 65, id="one character too many"),
    ],
)
def test_what_is_no_constant_is_refused_as_type_and_as_tenant(text: str) -> None:
    with pytest.raises(InvalidKey, match=r"is not a constant like APPLY_WITH_LINKEDIN \(capitals, digits and _\)$"):
        parse_constant(text)
    with pytest.raises(InvalidKey):
        IntegrationKey(AWLI.integration_context, text, "JOBS")
    with pytest.raises(InvalidKey):
        IntegrationKey(AWLI.integration_context, "CSA_API", text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("APPLY_WITH_LINKEDIN", id="a type of LinkedIn's page"),
        pytest.param("A", id="the shortest"),
        pytest.param("A" * 64, id="the longest"),
        pytest.param("NEW_IN_2027", id="LinkedIn's list grows, so a new one of the right form is taken"),
    ],
)
def test_a_constant_is_returned_as_it_is(text: str) -> None:
    assert parse_constant(text) == text


@QUIET
@given(contexts, constants, constants)
def test_a_key_keeps_each_of_its_parts_in_its_place(context: str, type_: str, tenant: str) -> None:
    key = IntegrationKey(context, type_, tenant)
    assert key.parts() == (
        ("integrationContext", context),
        ("integrationType", type_),
        ("tenantType", tenant),
        ("dataProvider", "ATS"),
    )
    assert str(key) == f"{type_} of {context} ({tenant})"


@QUIET
@given(st.text(st.characters()))
def test_any_text_is_either_taken_unchanged_or_refused(text: str) -> None:
    """A parser that raises something else would end a run over one bad row."""
    for parse in (parse_context, parse_constant):
        value, refusal = read(parse, text)
        assert value == text or (value is None and refusal)
        assert refusal.isprintable()


def test_a_refusal_can_be_caught_as_a_value_error() -> None:
    """Validators of the import turn a ValueError into a row's error."""
    assert issubclass(InvalidKey, ValueError)


def test_keys_are_values_equal_hashable_sorted_and_unchangeable() -> None:
    """Keys index what was observed and order what is shown, so two equal ones must be one."""
    again = IntegrationKey(*[value for _, value in AWLI.parts()[:3]])
    assert again == AWLI
    assert {again, AWLI} == {AWLI}
    assert sorted([AWLI, CSA]) == [CSA, AWLI], "ordered by context first"
    with pytest.raises(dataclasses.FrozenInstanceError):
        AWLI.tenant_type = "RECRUITER"  # type: ignore[misc]
