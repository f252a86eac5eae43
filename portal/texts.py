"""What a customer's admin reads, in each language of `portal/catalogue`: titles, and words for every reason.

No HTTP, no ids, no internals.
"""

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from greenlight.domain.reasons import Mover, Reason

CATALOGUE = Path(__file__).with_name("catalogue")
#: What is spoken where nobody says otherwise, and where a language is asked for that we do not have.
DEFAULT_LANGUAGE = "en"

#: Words that a title made from a constant does not write in lower case.
_PROPER = {"linkedin": "LinkedIn", "ats": "ATS", "crm": "CRM", "api": "API", "csa": "CSA", "hr": "HR"}

#: Who a mover is, seen by the customer.
WHO = {Mover.CUSTOMER: "you", Mover.US: "us", Mover.LINKEDIN: "linkedin", Mover.NOBODY: "nobody"}


class Wording(StrEnum):
    """What is said of a state for which there is no reason of its own."""

    #: A request that we have stored and the worker has not dealt with yet.
    REQUESTED = "REQUESTED"
    #: Nobody has come to it for minutes.
    NOT_REACHED = "NOT_REACHED"
    #: LinkedIn has the request, but it is not on after minutes.
    SLOW = "SLOW"
    #: LinkedIn showed ENABLED, and the newest look failed.
    STILL_ENABLED = "STILL_ENABLED"


class PageText(NamedTuple):
    """A few words that fit on a badge, and one or two sentences: what it means, what happens next."""

    headline: str
    explanation: str


class Texts:
    """The texts of one language. `page` has those of the page's script, by their names."""

    def __init__(self, language: str, catalogue: Mapping[str, Any]) -> None:
        self.language = language
        self.page: Mapping[str, str] = catalogue["page"]
        #: Who acts next, as the page says it.
        self.turns: Mapping[str, str] = catalogue["turns"]
        self._titles: Mapping[str, str] = catalogue["titles"]
        self._places: Mapping[str, str] = catalogue["places"]
        self._words = {**_words(Reason, catalogue["reasons"]), **_words(Wording, catalogue["states"])}

    def of(self, what: Reason | Wording) -> PageText:
        return self._words[what]

    def title_of(self, integration_type: str) -> str:
        """The name of an integration type; one that is new to us is made readable: `JOB_SYNC_API` is "Job sync API"."""
        known = self._titles.get(integration_type)
        if known is not None:
            return known
        words = [_PROPER.get(word, word) for word in re.split(r"[\W_]+", integration_type.lower()) if word]
        text = " ".join(words) or "Integration"
        return text[0].upper() + text[1:]

    def place_of(self, integration_context: str) -> str:
        """Which company or contract it is for: `urn:li:contract:7hK` is "LinkedIn contract 7hK"."""
        _, _, rest = integration_context.partition("urn:li:")
        entity, _, id_ = rest.partition(":")
        return self._places.get(entity, self._places["other"]).format(id=id_).strip()


def _words(names: type[Reason] | type[Wording], catalogue: Mapping[str, Mapping[str, str]]) -> dict[Any, PageText]:
    return {name: PageText(**catalogue[name.value]) for name in names}


def _all_texts() -> dict[str, Texts]:
    files = sorted(CATALOGUE.glob("*.json"))
    return {file.stem: Texts(file.stem, json.loads(file.read_text("utf-8"))) for file in files}


#: By language, as `<html lang>` writes it.
TEXTS: Mapping[str, Texts] = _all_texts()


def texts_in(*wanted: str) -> Texts:
    """The texts of the first of these languages that we have, also for a country's own: `de-AT` is German."""
    return next((TEXTS[each] for each in _without_countries(wanted) if each in TEXTS), TEXTS[DEFAULT_LANGUAGE])


def _without_countries(languages: Sequence[str]) -> Sequence[str]:
    return [re.split("[-_]", language.strip().lower(), maxsplit=1)[0] for language in languages]


#: Reasons that pass without anybody mending anything; the page shows them without alarm.
CALM = frozenset(
    {
        Reason.ALREADY_ENABLED,
        Reason.THROTTLED,
        Reason.SHARE_SPENT,
        Reason.NOT_DUE,
        Reason.LINKEDIN_UNAVAILABLE,
        Reason.UNREADABLE_ANSWER,
        Reason.NOT_THE_API,
        Reason.OUTCOME_UNKNOWN,
        Reason.CONFIRMED_NOT_SHOWN,
        Reason.HELD_BY_CAP,
        Reason.CHANGED_SINCE_PLAN,
        Reason.CUSTOMER_BUSY,
        Reason.PAUSED,
        Reason.WITHOUT_EVIDENCE,
        Reason.CLAIMED_TWICE,
        Reason.SUDDENLY_EMPTY,
        Reason.WANTED_SET_JUMPED,
        Reason.NOT_DONE,
        Reason.WITHDRAWN,
        Reason.ENABLED_BUT_WITHDRAWN,
        Reason.RESTING,
        Reason.NOT_LOOKED_AT,
        Reason.APPLICATION_WORKS,
        Reason.APPLICATION_NOT_READY,
    }
)
