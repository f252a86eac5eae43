"""What does not print, what looks like another character, and where text may be cut."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.characters import confusable, cut, named, unseen
from tests.domain.things import QUIET

ASTRONAUT = "👩🏽\u200d🚀"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


def test_a_character_is_named_by_its_number_also_where_it_has_no_name() -> None:
    assert named("\u200d") == "U+200D ZERO WIDTH JOINER"
    assert named("\x07") == "U+0007"


@pytest.mark.parametrize(
    "char",
    ["\u200b", "\u00ad", "\ufeff", "\u202e", "\u2800", "\ufffd", "\u00a0", "\u2003", "\u3000",
     "\ue000", "\ufdd0", "\U0001ffff", "\u0085"],
)  # fmt: skip
def test_what_does_not_print_is_found_wherever_it_stands(char: str) -> None:
    for text in (char, f"a{char}", f"{char}a", f"a{char}a"):
        assert unseen(text) == char
    assert unseen("ac me") is None


@pytest.mark.parametrize("char", ["\u0378", "\U0002ebf0"])
def test_a_character_that_this_python_does_not_know_yet_is_no_fault(char: str) -> None:
    assert unseen(f"a{char}") is None


@pytest.mark.parametrize(
    "name",
    [ASTRONAUT, SCOTLAND, "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3", "می\u200cخواهم", "क्\u200dष", "葛\U000e0100城",
     "葛\ufe00", "Ａｃｍｅ\u3000社"],
)  # fmt: skip
def test_a_name_keeps_what_joins_or_varies_something(name: str) -> None:
    assert unseen(name, in_name=True) is None


@pytest.mark.parametrize(
    "name",
    ["\u200da", "a\u200d", "a\u200db", "a\u200cb", "م\u200c", "م\u200ca", "🚀\u200da", "\ufe0f", "a\ufe0f",
     "a\U000e0100",
     "a\U000e0067", "🚀\u200c🚀", "\U000e0100", "a\u200b", "a\u00a0b"],
)  # fmt: skip
def test_the_same_character_that_joins_nothing_is_found_in_a_name(name: str) -> None:
    assert unseen(name, in_name=True) is not None


@pytest.mark.parametrize("char", ["Ａ", "ｱ", "\u0323", "\u20dd"])
def test_what_looks_like_another_character_is_found(char: str) -> None:
    assert confusable(f"ac{char}me") == char
    assert confusable("Café Ωmega 9") is None


@pytest.mark.parametrize(
    "last", [ASTRONAUT, SCOTLAND, "🇩🇪", "e\u0332", "❤\ufe0f", "👍🏽", "1\ufe0f\u20e3", "क्ष", "\u0300"]
)
def test_text_is_cut_before_or_after_a_character_and_never_inside(last: str) -> None:
    for most in range(len(last)):
        assert cut(last, most) == ""
        assert cut(f"x{last}", most + 1) == ("x" if not unicodedata.combining(last[0]) or most else "")
    assert cut(last, len(last)) == last
    assert cut(f"{last}y", len(last)) == last


def test_flags_are_cut_between_flags() -> None:
    assert [cut("🇩🇪🇫🇷", most) for most in range(5)] == ["", "", "🇩🇪", "🇩🇪", "🇩🇪🇫🇷"]


def test_a_virama_joins_letters_alone() -> None:
    assert cut("क्a", 2) == "क्"


@QUIET
@given(st.text(max_size=30), st.integers(min_value=0, max_value=31))
def test_what_is_cut_is_a_beginning_that_fits(text: str, most: int) -> None:
    short = cut(text, most)
    assert text.startswith(short)
    assert len(short) <= most
