"""Integrations, spellings of keys and looks, for the tests of the pure core."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from hypothesis import settings
from hypothesis import strategies as st

from greenlight.domain.conditions import Condition
from greenlight.domain.keys import DATA_PROVIDER, IntegrationKey, InvalidKey
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Observation, Status

#: A busy machine is no reason to fail.
QUIET = settings(deadline=None)

AWLI = IntegrationKey("urn:li:organization:4gX03uw", "APPLY_WITH_LINKEDIN", "JOBS")
CSA = IntegrationKey("urn:li:contract:7hK", "CSA_API", "RECRUITER")

T = TypeVar("T")

PART_NAMES = ("integrationContext", "integrationType", "tenantType", "dataProvider")

ids = st.text("abcXYZ019_.-", min_size=1, max_size=20)
contexts = st.builds("urn:li:{}:{}".format, st.sampled_from(["organization", "contract"]), ids)
constants = st.builds("{}{}".format, st.sampled_from("AJZ"), st.text("AZ09_", max_size=20))
keys = st.builds(IntegrationKey, contexts, constants, constants)
#: A few that meet again and again, so that the same key stands under several customers.
items = st.sampled_from(
    [
        Item(customer, IntegrationKey(f"urn:li:organization:{id_}", type_, "JOBS"))
        for customer in ("acme", "globex", "initech")
        for id_ in ("4gX03uw", "77")
        for type_ in ("APPLY_WITH_LINKEDIN", "APPLY_CONNECT")
    ]
)

details = st.none() | st.just("LinkedIn's own words")
conditions = st.builds(Condition, st.sampled_from(Outcome), st.sampled_from(Reason), details)
observations = st.sampled_from([*map(Observation, Status), Observation(Status.UNKNOWN, "PAUSED")])


def values_of(key: IntegrationKey) -> tuple[str, str, str, str]:
    return (key.integration_context, key.integration_type, key.tenant_type, DATA_PROVIDER)


def read(parse: Callable[[str], T], text: str) -> tuple[T | None, str]:
    """What `parse` returns and "", or None and the words with which it refuses; anything else that it raises stays."""
    try:
        return parse(text), ""
    except InvalidKey as refusal:
        return None, str(refusal)


def encoded_once(character: str) -> str:
    return f"%{ord(character):02X}"


def encoded_twice(character: str) -> str:
    return quote(encoded_once(character), safe="")


@st.composite
def spelled(draw: st.DrawFn, key: IntegrationKey, twice: bool = False) -> str:
    """A body key: parts in any order, any characters percent-encoded; with `twice` at least one of them doubly."""
    parts = draw(st.permutations(list(zip(PART_NAMES, values_of(key), strict=True))))
    letters = [(c, place) for place, words in enumerate(w for part in parts for w in part) for c in words]
    chosen = draw(st.integers(0, len(letters) - 1)) if twice else None
    forms = draw(st.binary(min_size=len(letters), max_size=len(letters)))
    words = [""] * (2 * len(parts))
    for index, (character, place) in enumerate(letters):
        if index == chosen:
            words[place] += encoded_twice(character)
        else:
            once = encoded_once(character)
            words[place] += (character, once, once.lower())[forms[index] % 3]
    return "&".join(f"{name}={value}" for name, value in zip(words[::2], words[1::2], strict=True))
