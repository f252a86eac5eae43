"""Integration keys as both versions of Rest.li's protocol write them (docs/linkedin.md#key-encoding).

1.0: in a URL a key is flattened, `ids[0].integrationContext=...&ids[0].integrationType=...`. In a JSON body and in an
answer it is one string, `integrationContext=...&integrationType=...&tenantType=...&dataProvider=ATS`.
2.0: `ids=List((integrationContext:...,integrationType:...),(...))` in a URL, each of these pairs of brackets elsewhere.
"""

import random
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

PART_NAMES = ("integrationContext", "integrationType", "tenantType", "dataProvider")

_INDEXED = re.compile(r"ids\[(\d{1,6})\]\.(.+)", re.DOTALL)
_TWICE = re.compile(r"%25[0-9A-Fa-f]{2}")
# What java.net.URI refuses in a query; brackets it lets through.
# In 2.0 brackets, commas and colons are structure alone; an empty value is two quotes.
_PAIR = r"[^(),:']+:(?:[^(),:']+|'')"
_OBJECT = re.compile(rf"\({_PAIR}(?:,{_PAIR})*\)")
_LIST = re.compile(rf"List\(({_OBJECT.pattern}(?:,{_OBJECT.pattern})*)\)")
# All that is escaped in a body or an answer of 2.0.
_REDUCED = re.compile(r"%2[789C]|%3A", re.IGNORECASE)
_ILLEGAL = re.compile(r'[\x00-\x20\x7f"<>\\^`{|}#]|%(?![0-9A-Fa-f]{2})')


class KeySyntaxError(ValueError):
    """Text that Rest.li cannot read as a key or as a list of keys."""


class IncompleteKeyError(ValueError):
    """A key without all four parts, or with a part that has no value."""


class Key(NamedTuple):
    """The four parts that identify one integration, in the order of LinkedIn's parameter table."""

    integration_context: str
    integration_type: str
    tenant_type: str
    data_provider: str = "ATS"

    @property
    def canonical(self) -> str:
        """Parts sorted by name, values URL-encoded: how Rest.li itself prints a key."""
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(self.parts))

    def in_brackets(self, *, backwards: bool = False) -> str:
        """How protocol 2.0 prints a key, with its parts sorted by name."""
        parts = sorted(self.parts, reverse=backwards)
        return "(" + ",".join(f"{name}:{_escaped(value)}" for name, value in parts) + ")"

    @property
    def parts(self) -> list[tuple[str, str]]:
        return list(zip(PART_NAMES, self, strict=True))


def spell(key: Key, rng: random.Random) -> str:
    """A key of an answer by 1.0: samples vary the order and the encoding (docs/linkedin.md#key-encoding)."""
    parts = key.parts
    rng.shuffle(parts)
    encoded = rng.random() < 0.5
    return "&".join(f"{name}={quote(value, safe='' if encoded else ':')}" for name, value in parts)


def two_spellings(key: Key) -> tuple[str, str]:
    """The same key written in two ways that differ as text."""
    return key.canonical, "&".join(
        f"{name}={quote(value, safe=':')}" for name, value in sorted(key.parts, reverse=True)
    )


def is_double_encoded(text: str) -> bool:
    """An escape inside an escape. No key part LinkedIn hands out contains a percent sign of its own."""
    return _TWICE.search(text) is not None


def query_pairs(query: str) -> list[tuple[str, str]]:
    """`a=1&b=2` to decoded pairs, each name and value percent-decoded exactly once."""
    if found := _ILLEGAL.search(query):
        raise KeySyntaxError(f"Illegal character in query at index {found.start()}")
    pairs = [item.partition("=") for item in query.split("&") if item]
    return [(_decode(name), _decode(value)) for name, _, value in pairs]


def keys_of_query(pairs: Iterable[tuple[str, str]]) -> list[Key]:
    """The batch ids of a decoded query, ordered by index. Indices only order, so holes are fine.

    Other parameters than `ids...` are left alone, as Rest.li does.
    """
    items: dict[int, dict[str, str]] = {}
    for name, value in pairs:
        if not name.startswith("ids"):
            continue
        match = _INDEXED.fullmatch(name)
        if match is None:
            raise KeySyntaxError(f"Parameter '{name}' is invalid")
        item = items.setdefault(int(match[1]), {})
        if match[2] in item:
            raise KeySyntaxError(f"Duplicate parameter '{name}'")
        item[match[2]] = value
    return [_key(items[index]) for index in sorted(items)]


def key_of_text(text: str) -> Key:
    """One key of a request body. It is read like a URL query, so percent-decoding applies once and order is free."""
    parts: dict[str, str] = {}
    for name, value in query_pairs(text):
        if name in parts:
            raise KeySyntaxError(f"Duplicate key part '{name}'")
        parts[name] = value
    return _key(parts)


def keys_of_list(query: str) -> list[Key]:
    """The batch ids of a query that is not decoded yet, as protocol 2.0 writes them; none where it names none.

    Other parameters than `ids` are left alone.
    """
    if found := _ILLEGAL.search(query):
        raise KeySyntaxError(f"Illegal character in query at index {found.start()}")
    given = [value for name, _, value in (item.partition("=") for item in query.split("&")) if _decode(name) == "ids"]
    if not given:
        return []
    listed = _LIST.fullmatch(given[0])
    if listed is None or len(given) > 1:
        raise KeySyntaxError("Parameter 'ids' is invalid")
    return [_key_of_object(each[0], _decode) for each in _OBJECT.finditer(listed[1])]


def key_of_object(text: str) -> Key:
    """One key of a request body by protocol 2.0."""
    if _OBJECT.fullmatch(text) is None:
        raise KeySyntaxError(f"Key '{text}' is invalid")
    return _key_of_object(text, lambda part: _REDUCED.sub(lambda escape: _decode(escape[0]), part))


def _key_of_object(text: str, decode: Callable[[str], str]) -> Key:
    parts: dict[str, str] = {}
    for name, _, value in (pair.partition(":") for pair in text[1:-1].split(",")):
        if decode(name) in parts:
            raise KeySyntaxError(f"Duplicate key part '{decode(name)}'")
        parts[decode(name)] = "" if value == "''" else decode(value)
    return _key({"dataProvider": "ATS", **parts})


def _escaped(value: str) -> str:
    return re.sub(r"[(),:']", lambda char: f"%{ord(char[0]):02X}", value)


def _key(parts: dict[str, str]) -> Key:
    if unknown := sorted(parts.keys() - set(PART_NAMES)):
        raise KeySyntaxError(f"Unknown key part '{unknown[0]}'")
    if not all(parts.get(name) for name in PART_NAMES):
        raise IncompleteKeyError
    return Key(*(parts[name] for name in PART_NAMES))


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise KeySyntaxError("Percent escapes that are not UTF-8") from None
