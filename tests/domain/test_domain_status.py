"""LinkedIn's words for the state of an integration."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from greenlight.domain.status import NOT_REQUESTED, Observation, Status, parse_onboarding_status
from tests.domain.things import QUIET

WORDS = {
    Status.REQUESTED: ["requested"],
    Status.PARTNER_READY: ["partner", "ready"],
    Status.ENABLED: ["enabled"],
}

blanks = st.text(" \t\n\r\u00a0", max_size=3)
separators = st.sampled_from([" ", "_", "-", "  ", " _ ", "\t"])


@st.composite
def written(draw: st.DrawFn, status: Status) -> str:
    words = ["".join(draw(st.sampled_from([c, c.upper()])) for c in word) for word in WORDS[status]]
    return draw(blanks) + draw(separators).join(words) + draw(blanks)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("REQUESTED", Status.REQUESTED, id="the constant"),
        pytest.param("Requested", Status.REQUESTED, id="LinkedIn's prose"),
        pytest.param("PARTNER_READY", Status.PARTNER_READY, id="the constant of the middle state"),
        pytest.param("Partner Ready", Status.PARTNER_READY, id="LinkedIn's prose with a blank"),
        pytest.param("ENABLED", Status.ENABLED, id="the constant of LinkedIn's sample answer"),
        pytest.param("Enabled", Status.ENABLED, id="LinkedIn's prose of the last state"),
    ],
)
def test_the_documented_words_are_read(text: str, status: Status) -> None:
    assert parse_onboarding_status(text) == Observation(status)


@QUIET
@given(st.sampled_from(sorted(WORDS)), st.data())
def test_neither_letter_case_nor_blanks_count(status: Status, data: st.DataObject) -> None:
    assert parse_onboarding_status(data.draw(written(status))) == Observation(status, None)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="an empty word says nothing"),
        pytest.param("   ", id="blanks say nothing"),
        pytest.param("PAUSED", id="LinkedIn adds values without notice"),
        pytest.param("NOT_REQUESTED", id="ours and not LinkedIn's: LinkedIn says it by leaving the entry out"),
        pytest.param("UNKNOWN", id="ours and not LinkedIn's"),
        pytest.param("NOT ENABLED", id="a known word inside another does not count"),
        pytest.param("ENABLED!", id="nothing is guessed from a beginning"),
        pytest.param("RE QUESTED", id="a blank inside a word makes another word"),
        pytest.param("PARTNERREADY", id="the blank between two words is part of the name"),
    ],
)
def test_an_unknown_word_is_kept_as_it_was_said(text: str) -> None:
    assert parse_onboarding_status(text) == Observation(Status.UNKNOWN, raw=text)


@QUIET
@given(st.text(st.characters()))
def test_any_text_is_an_observation(text: str) -> None:
    letters = "".join(c for c in text if c.isalpha()).upper()
    assume(letters not in ("REQUESTED", "PARTNERREADY", "ENABLED"))
    assert parse_onboarding_status(text) == Observation(Status.UNKNOWN, raw=text)


def test_an_integration_without_an_entry_is_not_requested() -> None:
    assert Observation(Status.NOT_REQUESTED, None) == NOT_REQUESTED


def test_the_states_are_those_of_the_interface() -> None:
    assert [str(s) for s in Status] == ["NOT_REQUESTED", "REQUESTED", "PARTNER_READY", "ENABLED", "UNKNOWN"]


@pytest.mark.parametrize("text", ["reque\ufb06ed", "reque\u017fted"])
def test_letters_that_only_look_the_same_are_another_status(text: str) -> None:
    """They are the same in upper case, and nothing is enabled on such a resemblance."""
    assert parse_onboarding_status(text).status is Status.UNKNOWN
