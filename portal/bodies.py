"""Reading what a browser posts: bounded in size and time, and strict about JSON."""

import asyncio
import json
import math
from collections.abc import Collection
from typing import Any, NamedTuple, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from greenlight.ats.callbacks import MOST_INTEGRATIONS
from greenlight.domain.keys import IntegrationKey, InvalidKey
from greenlight.domain.nesting import is_too_deep
from portal.refusals import Refusal

_Callback = TypeVar("_Callback", bound="Callback")

#: Fifty integrations, as LinkedIn writes them, take half of it.
MAX_BODY = 16 * 1024
#: A phone on a bad line sends this much in a second or two.
BODY_SECONDS = 10.0
#: No number means anything to us; LinkedIn's ids are 64 bits at most.
_MAX_DIGITS = 20

# For readers of the schema alone: `greenlight.domain.keys` decides.
_CONTEXT: dict[str, Any] = {"pattern": "^urn:li:(organization|contract):[A-Za-z0-9_.-]{1,128}$"}
_CONSTANT: dict[str, Any] = {"pattern": "^[A-Z][A-Z0-9_]{0,63}$"}


class Entry(BaseModel):
    """One integration as the plugin's callback names it. LinkedIn may add parts without notice; they are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    integration_context: str = Field(alias="integrationContext", json_schema_extra=_CONTEXT)
    integration_type: str = Field(alias="integrationType", json_schema_extra=_CONSTANT)
    tenant_type: str = Field(alias="tenantType", json_schema_extra=_CONSTANT)


class Callback(BaseModel):
    """What the page posts. Whom it is for is the session's to say: nothing here can."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    #: Entries are read one by one: what is wrong with one is nothing against the others.
    integrations: list[Any] = Field(min_length=1, max_length=MOST_INTEGRATIONS)


class EmbeddedCallback(Callback):
    """What a page of the vendor's posts, which may have come to show another customer than LinkedIn's plugin does."""

    api_key: str = Field(alias="apiKey", min_length=1, max_length=256)


class Named(NamedTuple):
    """What a callback names: its integrations, each once, and how many of its entries name none."""

    keys: list[IntegrationKey]
    unreadable: int


#: As OpenAPI wants it, without references: one entry has to be readable.
CALLBACK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["integrations"],
    "properties": {
        "integrations": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_INTEGRATIONS,
            "items": {},
            "contains": Entry.model_json_schema(),
        }
    },
}


#: Beside them, for whose plugin it was requested.
EMBEDDED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["apiKey", "integrations"],
    "properties": {"apiKey": {"type": "string", "minLength": 1, "maxLength": 256}, **CALLBACK_SCHEMA["properties"]},
}


def check_declared(request: Request, media_types: Collection[str], limit: int) -> None:
    """Refuse a body by what its headers say, before any of it is read. Raises Refusal (415, 413, 400)."""
    given = request.headers.getlist("content-type")
    if len(given) != 1 or given[0].partition(";")[0].strip().lower() not in media_types:
        raise Refusal(415, f"The content type must be {' or '.join(media_types)}.")
    encodings = ",".join(request.headers.getlist("content-encoding")).lower()
    if encodings.strip() not in ("", "identity"):
        # Nothing is ever unpacked here, so nothing can swell.
        raise Refusal(415, "The body must not be compressed.")
    for length in request.headers.getlist("content-length"):
        if not (length.isascii() and length.isdigit()):
            raise Refusal(400, "The content length is not a number.")
        if len(length) > _MAX_DIGITS or int(length) > limit:
            raise _too_large(limit)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes and in time. Raises Refusal (413, 408, 400)."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                if len(body) + len(chunk) > limit:
                    raise _too_large(limit)
                body += chunk
    except TimeoutError:
        raise Refusal(408, "The body took too long.") from None
    except ClientDisconnect:
        raise Refusal(400, "The body ended early.") from None
    return bytes(body)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"The body is larger than {limit} bytes.")


def parse_json(body: bytes) -> Any:
    """JSON in plain UTF-8: no byte order mark, no repeated name, no number or character that JSON cannot carry,
    nothing nested deeper than `MAX_NESTING`.

    Raises Refusal (422).
    """
    try:
        text = body.decode("utf-8")
        if is_too_deep(text):
            raise ValueError("nested too deep")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_int=_integer,
            parse_float=_float,
        )
        # Half of a surrogate pair passes as an escape, and no database takes it.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError:
        raise Refusal(422, "The body is not the JSON that was expected.") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a number")


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("a huge number")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a huge number")
    return value


def parse_callback(body: bytes) -> Named:
    """What a callback names. Raises Refusal (422) with what is wrong where that is nothing."""
    return _named(_validated(Callback, body).integrations)


def parse_embedded(body: bytes) -> tuple[str, Named]:
    """For whose plugin it was requested, and what the callback names. Raises Refusal (422)."""
    callback = _validated(EmbeddedCallback, body)
    return callback.api_key, _named(callback.integrations)


def _validated(model: type[_Callback], body: bytes) -> _Callback:
    try:
        return model.model_validate(parse_json(body))
    except ValidationError as error:
        raise Refusal(422, _first(error, "")) from None


def _named(entries: list[Any]) -> Named:
    keys: list[IntegrationKey] = []
    wrong: list[str] = []
    for place, given in enumerate(entries):
        try:
            entry = Entry.model_validate(given)
            keys.append(IntegrationKey(entry.integration_context, entry.integration_type, entry.tenant_type))
        except ValidationError as error:
            wrong.append(_first(error, f"integrations.{place}"))
        except InvalidKey as error:
            wrong.append(f"{error}.")
    if not keys:
        raise Refusal(422, wrong[0])
    return Named(list(dict.fromkeys(keys)), len(wrong))


def _first(error: ValidationError, where: str) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in (where, *first["loc"]) if part != "") or "the body"
    return f"{place}: {first['msg']}."
