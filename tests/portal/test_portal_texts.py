"""What customers read: a sentence for every reason, a title for every type, and nothing of ours in between."""

import re

import pytest

from greenlight.domain.reasons import EXPLANATIONS, Mover, Reason
from portal.texts import REQUESTED, SLOW, STILL_ENABLED, TEXTS, TITLES, TURNS, WHO, PageText, place_of, title_of

INTERNALS = re.compile(
    r"client|secret|token|credential|HTTP|\b[45]\d\d\b|API\b|JSON|URN|urn:|greenlight|Prefect|worker|tenant|callback"
    r"|allow-?list|PARTNER_READY|onboarding|application|\bkey\b|_",
    re.IGNORECASE,
)

ALL = [*TEXTS.items(), ("requested", REQUESTED), ("slow", SLOW), ("still enabled", STILL_ENABLED)]


def test_every_reason_has_words() -> None:
    assert set(TEXTS) == set(Reason)


def test_every_mover_has_a_name_and_a_turn() -> None:
    assert set(WHO) == set(Mover)
    assert set(TURNS) == {*WHO.values(), "your_admin"}


@pytest.mark.parametrize(("of", "words"), ALL)
def test_words_are_sentences_without_internals(of: object, words: PageText) -> None:
    assert 0 < len(words.headline) <= 30, "fits on a badge at 360 pixels"
    assert not words.headline.endswith(".")
    assert words.explanation.endswith(".")
    assert INTERNALS.search(" ".join(words)) is None


@pytest.mark.parametrize("reason", [r for r in Reason if EXPLANATIONS[r].mover is Mover.US])
def test_what_we_have_to_mend_is_not_put_on_the_customer(reason: Reason) -> None:
    text = TEXTS[reason].explanation
    assert re.search(r"\b(we|our|us)\b", text, re.IGNORECASE)
    assert not re.search(r"\byou (must|have to|need to)\b", text)


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.ENABLED])
def test_only_enabled_is_called_enabled(reason: Reason) -> None:
    assert "enabled" not in TEXTS[reason].headline.lower()


@pytest.mark.parametrize(
    ("constant", "title"),
    [
        ("APPLY_WITH_LINKEDIN", "Apply with LinkedIn"),
        ("APPLY_CONNECT", "Apply Connect"),
        ("CSA_API", "Recruiter System Connect: contract access"),
        ("JOB_SYNC_API", "Job sync API"),
        ("LINKEDIN_ATS_2", "LinkedIn ATS 2"),
        ("X", "X"),
        ("", "Integration"),
        ("___", "Integration"),
        ("<img src=x>", "Img src x"),
    ],
)
def test_titles(constant: str, title: str) -> None:
    assert title_of(constant) == title


def test_titles_of_known_types_differ() -> None:
    assert len(set(TITLES.values())) == len(TITLES)


@pytest.mark.parametrize(
    ("context", "place"),
    [
        ("urn:li:organization:4gX03uw", "LinkedIn company 4gX03uw"),
        ("urn:li:contract:7hK", "LinkedIn contract 7hK"),
        ("urn:li:club:9", "LinkedIn 9"),
        ("nonsense", "LinkedIn"),
    ],
)
def test_places(context: str, place: str) -> None:
    assert place_of(context) == place
