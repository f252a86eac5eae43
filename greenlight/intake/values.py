"""The rules of one value and of one row.

A bad value is described, not quoted: in a shifted row it may be the secret. Only something that is plainly a URN is.
"""

import re
import unicodedata
from dataclasses import dataclass

from pydantic import SecretStr

from greenlight.domain.applications import is_client_id
from greenlight.domain.characters import confusable, named, unseen
from greenlight.domain.formatting import MAX_NAME, default_name
from greenlight.domain.keys import IntegrationKey, InvalidKey, parse_constant, parse_context
from greenlight.intake.problems import Problems
from greenlight.intake.rows import ImportRow

#: Characters of a customer's or client's id.
MAX_ID = 128
#: Characters of a value that a fault quotes.
MAX_QUOTED = 80

_CLIENT_SECRET = re.compile(r"[\x21-\x7e]{1,512}")
# Controls, and the lone surrogates that stand for bytes which are not UTF-8.
_BROKEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BLANKS = " \u3000"


class BadValue(ValueError):
    """Why a value is refused. The text holds no part of the value but code points and plain URNs."""


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """What is usable of one row; None is empty or was told of."""

    line: int
    customer_id: str | None
    customer_name: str | None
    client_id: str | None
    client_secret: str | None
    key: IntegrationKey | None
    integration_name: str | None

    def as_import_row(self) -> ImportRow | None:
        """The row as the outside sees it, or None if something it must have is not usable."""
        if self.customer_id is None or self.customer_name is None or self.key is None:
            return None
        name = self.integration_name or default_name(self.customer_name, self.key.integration_type)
        secret = None if self.client_secret is None else SecretStr(self.client_secret)
        return ImportRow(self.line, self.customer_id, self.customer_name, self.client_id, secret, self.key, name)


def check_row(line: int, values: dict[str, str | None], problems: Problems) -> CheckedRow:
    """Check each value of a row on its own and tell of every bad one. `values` has every column; None is skipped."""
    good: dict[str, str | None] = {}
    for field, value in values.items():
        good[field] = None
        if value is None:
            continue
        try:
            good[field] = check_value(field, value, values.get("client_secret"))
        except BadValue as error:
            problems.add(line, field, str(error))
    _check_both_halves(line, values, problems)
    key = None
    context, kind, tenant = good["integration_context"], good["integration_type"], good["tenant_type"]
    if context is not None and kind is not None and tenant is not None:
        key = IntegrationKey(context, kind, tenant)
    return CheckedRow(
        line=line,
        customer_id=good["customer_id"],
        customer_name=good["customer_name"],
        client_id=good["client_id"],
        client_secret=good["client_secret"],
        key=key,
        integration_name=good["integration_name"],
    )


def _check_both_halves(line: int, values: dict[str, str | None], problems: Problems) -> None:
    for empty, given in (("client_id", "client_secret"), ("client_secret", "client_id")):
        if values[empty] == "" and values[given] != "":
            problems.add(line, empty, f"is empty while {given} is given; give both or neither")


def check_value(field: str, value: str, secret: str | None = None) -> str | None:
    """The value as it is stored, None for a value that may be empty and is; raises BadValue."""
    if not value:
        if field in ("client_id", "client_secret", "integration_name"):
            return None
        raise BadValue("is empty")
    if field != "client_secret" and (found := _BROKEN.search(value)) is not None:
        raise BadValue(_broken(found[0]))
    is_name = field in ("customer_name", "integration_name")
    if field == "customer_id" or is_name:
        value = unicodedata.normalize("NFC", value)
        if value != value.strip(_BLANKS):
            raise BadValue("begins or ends with a blank")
    if not value.isascii() and (char := unseen(value, in_name=is_name)) is not None:
        raise BadValue(f"holds {named(char)}, which {_fault(char)}")
    match field:
        case "customer_id":
            if (char := confusable(value)) is not None:
                raise BadValue(f"holds {named(char)}, which can be mistaken for another character; write a plain one")
            return _text(value, MAX_ID)
        case "customer_name" | "integration_name":
            return _text(value, MAX_NAME)
        case "client_id":
            return _client_id(value)
        case "client_secret":
            return _client_secret(value)
        case "integration_context":
            return _context(value, secret)
        case _:
            return _constant(value)


def _fault(char: str) -> str:
    if unicodedata.category(char) == "Zs":
        return "is no ordinary blank; take it out or write one"
    return "does not print; take it out"


def _broken(char: str) -> str:
    if "\ud800" <= char <= "\udfff":
        return "is not UTF-8 text; save the file as UTF-8"
    if char == "\0":
        return "holds a NUL character; save the file as UTF-8"
    if char in "\r\n":
        return "holds a line break; write it on one line (or is a quote left open?)"
    return f"holds the control character U+{ord(char):04X}; take it out"


def _text(value: str, most: int) -> str:
    if len(value) > most:
        raise BadValue(f"has {len(value)} characters, at most {most} are allowed")
    return value


def _client_id(value: str) -> str:
    if not is_client_id(value):
        raise BadValue("must be 1 to 128 of the characters A-Z a-z 0-9 . _ -")
    return value


def _client_secret(value: str) -> str:
    if _CLIENT_SECRET.fullmatch(value) is None:
        raise BadValue("must be 1 to 512 printable ASCII characters without blanks")
    return value


def _context(value: str, secret: str | None) -> str:
    plain = value.lower().startswith("urn:") and value.isascii() and len(value) <= MAX_QUOTED
    quotable = plain and not (secret and secret in value)
    try:
        return parse_context(value)
    except InvalidKey as error:
        why = "is not a URN of the form urn:li:organization:ID or urn:li:contract:ID"
        raise BadValue(str(error) if quotable else why) from None


def _constant(value: str) -> str:
    try:
        return parse_constant(value)
    except InvalidKey:
        raise BadValue("is not a constant like APPLY_WITH_LINKEDIN or JOBS (capitals, digits and _)") from None
