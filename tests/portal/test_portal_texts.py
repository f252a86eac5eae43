"""What customers read, in every language: a sentence for every reason, a title for every type, nothing of ours."""

import json
import re
import string
from typing import Any

import pytest

from greenlight.domain.reasons import EXPLANATIONS, Mover, Reason
from portal.texts import CATALOGUE, TEXTS, WHO, Wording, texts_in

INTERNALS = re.compile(
    r"client|secret|token|credential|HTTP|\b[45]\d\d\b|API\b|JSON|URN|urn:|greenlight|Prefect|worker|tenant|callback"
    r"|allow-?list|PARTNER_READY|onboarding|application|\bkey\b|_",
    re.IGNORECASE,
)
LANGUAGES = ["de", "en", "ja"]
ENGLISH = texts_in("en")
#: Of what is not said of a person's own state.
NO_SENTENCES = ("titles", "places", "turns")
#: How "we" is said, and that somebody has to do something.
OURS = {"de": r"\b[Ww]ir\b|\b[Uu]ns", "en": r"\b(we|our|us)\b|\b(We|Our)\b", "ja": "当社"}
ALL = [*Reason, *Wording]


def catalogue(language: str) -> dict[str, Any]:
    return json.loads((CATALOGUE / f"{language}.json").read_text("utf-8"))


def flat(value: Any, path: str = "") -> dict[str, str]:
    """Every text of a catalogue by where it stands."""
    if isinstance(value, str):
        return {path: value}
    return {name: text for key, part in value.items() for name, text in flat(part, f"{path}.{key}").items()}


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_these_languages_are_there() -> None:
    assert sorted(TEXTS) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_places_to_fill(language: str) -> None:
    english, texts = flat(catalogue("en")), flat(catalogue(language))
    assert list(texts) == list(english), "in the same order, so that two can be laid side by side"
    assert {name for name, text in texts.items() if not text.strip()} == set()
    assert {name: fields(text) for name, text in texts.items()} == {n: fields(text) for n, text in english.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_every_turn_has_words_and_nothing_else_has(language: str) -> None:
    texts = catalogue(language)
    assert set(texts["reasons"]) == {reason.value for reason in Reason}
    assert set(texts["states"]) == {wording.value for wording in Wording}
    assert set(texts["turns"]) == {*WHO.values(), "your_admin"}
    assert set(WHO) == set(Mover)


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_it_is_translated(language: str) -> None:
    """What is a name of LinkedIn's stays; no sentence does."""
    english, texts = catalogue("en"), catalogue(language)
    # Of signs alone, it may be written the same.
    assert english["page"].pop("change_said") == "{title}: {headline}."
    for section in english.keys() - set(NO_SENTENCES):
        same = [name for name, text in flat(english[section]).items() if flat(texts[section])[name] == text]
        assert same == [], section


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("of", ALL)
def test_words_are_sentences_without_internals(language: str, of: Reason | Wording) -> None:
    words = TEXTS[language].of(of)
    assert 0 < len(words.headline) <= 30, "fits on a badge at 360 pixels"
    assert not words.headline.endswith((".", "。"))
    assert words.explanation.endswith((".", "。"))
    assert INTERNALS.search(" ".join(words)) is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", [r for r in Reason if EXPLANATIONS[r].mover is Mover.US])
def test_what_we_have_to_mend_is_not_put_on_the_customer(language: str, reason: Reason) -> None:
    text = TEXTS[language].of(reason).explanation
    assert re.search(OURS[language], text)
    assert not re.search(r"\byou (must|have to|need to)\b|\bSie müssen (?!nichts)", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.ENABLED])
def test_only_enabled_is_called_enabled(language: str, reason: Reason) -> None:
    enabled = TEXTS[language].of(Reason.ENABLED).headline.lower()
    assert enabled not in TEXTS[language].of(reason).headline.lower()


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (["de"], "de"),
        (["de-AT"], "de"),
        (["JA_jp"], "ja"),
        (["fr", "de"], "de"),
        (["fr"], "en"),
        ([""], "en"),
        ([], "en"),
        (["../de", "%s", "x" * 9999], "en"),
    ],
)
def test_a_language_is_picked(wanted: list[str], language: str) -> None:
    assert texts_in(*wanted).language == language


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
    assert ENGLISH.title_of(constant) == title


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_of_known_types_differ(language: str) -> None:
    titles = catalogue(language)["titles"]
    assert len(set(titles.values())) == len(titles)


@pytest.mark.parametrize(
    ("context", "place"),
    [
        ("urn:li:organization:4gX03uw", "LinkedIn company 4gX03uw"),
        ("urn:li:contract:7hK", "LinkedIn contract 7hK"),
        ("urn:li:club:9", "LinkedIn 9"),
        ("urn:li:contract:{0.__class__}", "LinkedIn contract {0.__class__}"),
        ("nonsense", "LinkedIn"),
    ],
)
def test_places(context: str, place: str) -> None:
    assert ENGLISH.place_of(context) == place
