"""The integration key and its wire forms (Rest.li protocol 1.0, docs/linkedin.md#key-encoding).

A key is four parts. LinkedIn answers with the parts in any order and the URN percent-encoded or not, so keys are
compared as parsed values and never as strings.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus

DATA_PROVIDER = "ATS"
PARTS = ("integrationContext", "integrationType", "tenantType", "dataProvider")

_ALL_PARTS = frozenset(PARTS)
#: More than a key has, so that a few too many are told from what is no key at all.
_MOST_PAIRS = 8

#: Past this many characters LinkedIn's own clients no longer send a plain GET (docs/linkedin.md#batches).
MAX_QUERY_CHARACTERS = 4_000

#: The `integrationType`s of LinkedIn's documentation; others come without notice (docs/linkedin.md#integration-keys).
DOCUMENTED_TYPES = (
    *("APPLY_WITH_LINKEDIN", "APPLY_CONNECT", "CSA_API", "IN_ATS_INDICATOR", "ONE_CLICK_EXPORT", "PROFILE_PLUGIN"),
    *("RECOMMENDED_MATCHES", "UNIFIED_SEARCH", "PREMIUM_JOB_POSTING"),
    *("CRM_CSA_API", "CRM_ONE_CLICK_EXPORT", "IN_CRM_INDICATOR"),
)

_URN = re.compile(r"urn:li:(?P<entity>[A-Za-z]+):(?P<id>[A-Za-z0-9_.-]{1,128})")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CONTEXT_ENTITIES = ("organization", "contract")


class InvalidKey(ValueError):
    """A key, or a part of one, that LinkedIn would not take. The text says what and why, in one sentence."""


def parse_context(text: str) -> str:
    """Return `text` if it is an `integrationContext` LinkedIn accepts, else raise InvalidKey.

    The one place where this is decided. Organization URNs carry the company-level types, contract URNs the
    contract-level ones; ids are opaque and case-sensitive.
    """
    match = _URN.fullmatch(text)
    if match is None:
        raise InvalidKey(f"{_shown(text)} is not a URN of the form urn:li:organization:ID or urn:li:contract:ID")
    entity = match["entity"]
    if entity == "company":
        raise InvalidKey(f"{_shown(text)} is the legacy form; use urn:li:organization:{match['id']}")
    if entity not in _CONTEXT_ENTITIES:
        raise InvalidKey(f"{_shown(text)} names a {entity}; an integration context is an organization or a contract")
    return text


def parse_constant(text: str) -> str:
    """Return `text` if it can be an `integrationType` or `tenantType`, else raise InvalidKey.

    The set of values is LinkedIn's and grows without notice, so only the form is checked.
    """
    if _CONSTANT.fullmatch(text) is None:
        raise InvalidKey(f"{_shown(text)} is not a constant like APPLY_WITH_LINKEDIN (capitals, digits and _)")
    return text


@dataclass(frozen=True, slots=True, order=True)
class IntegrationKey:
    """What identifies one ATS integration: context, type and tenant; `dataProvider` is always ATS."""

    integration_context: str
    integration_type: str
    tenant_type: str

    def __post_init__(self) -> None:
        parse_context(self.integration_context)
        parse_constant(self.integration_type)
        parse_constant(self.tenant_type)

    def parts(self) -> tuple[tuple[str, str], ...]:
        values = (self.integration_context, self.integration_type, self.tenant_type, DATA_PROVIDER)
        return tuple(zip(PARTS, values, strict=True))

    def as_body_key(self) -> str:
        """The key of `entities` in an enable request, as LinkedIn's page prints it."""
        return "&".join(f"{name}={value}" for name, value in self.parts())

    def __str__(self) -> str:
        return f"{self.integration_type} of {self.integration_context} ({self.tenant_type})"


def as_query(keys: Sequence[IntegrationKey]) -> str:
    """The indexed query `ids[0].integrationContext=…&…`, percent-encoded, for a URL that has no other query."""
    return "&".join([_indexed(index, key) for index, key in enumerate(keys)])


def _indexed(index: int, key: IntegrationKey) -> str:
    # Quoting is quick where nothing is to be quoted, and a URN's colons are mostly all that is.
    return "&".join(
        [f"ids%5B{index}%5D.{name}={quote(value, safe=':').replace(':', '%3A')}" for name, value in key.parts()]
    )


def split_for_query(keys: Iterable[IntegrationKey], limit: int = MAX_QUERY_CHARACTERS) -> list[list[IntegrationKey]]:
    """Cut `keys` into runs whose query stays within `limit` characters; a key too long alone still gets a run."""
    runs: list[list[IntegrationKey]] = []
    length = 0
    for key in keys:
        if runs:
            # Nothing is counted for a customer with one key, as most are.
            length = (length or len(as_query(runs[-1]))) + len(f"&{_indexed(len(runs[-1]), key)}")
        if runs and length <= limit:
            runs[-1].append(key)
        else:
            runs.append([key])
            length = 0
    return runs


def parse_response_key(text: str) -> IntegrationKey:
    """Read a key of `results`, `errors` or `statuses`: parts in any order, values percent-encoded once or not.

    Raises InvalidKey for a missing, repeated or foreign part, another data provider, or a value no key can have.
    """
    try:
        pairs = _pairs(text)
    except ValueError:
        raise InvalidKey(f"{_shown(text)} is not an integration key") from None
    values = dict(pairs)
    if len(values) != len(pairs) or values.keys() != _ALL_PARTS:
        raise InvalidKey(f"{_shown(text)} does not have each part of an integration key exactly once")
    if values["dataProvider"] != DATA_PROVIDER:
        raise InvalidKey(f"{_shown(text)} has another data provider than {DATA_PROVIDER}")
    return IntegrationKey(values["integrationContext"], values["integrationType"], values["tenantType"])


def _pairs(text: str) -> list[tuple[str, str]]:
    """What a strict parse_qsl reads, without its price. Raises ValueError."""
    if text.count("&") >= _MOST_PAIRS:
        raise ValueError("too many")
    pairs = [(name, value) for name, value in (pair.split("=", 1) for pair in text.split("&"))]
    if "%" not in text and "+" not in text:
        return pairs
    return [(unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")) for name, value in pairs]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
