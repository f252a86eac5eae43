"""What a call brings: whom it names, its body, the values in that, each by the rules of an import."""

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from fastapi import Request
from pydantic import ValidationError

from greenlight.ats.api_keys import Caller
from greenlight.ats.pauses import LONGEST
from greenlight.ats.store import UnknownCustomer
from greenlight.intake.values import BadValue, check_value
from greenlight.linkedin.errors import clean
from portal.api.documents import Given
from portal.api.problems import ApiProblem, Code
from portal.api.repeating import Call
from portal.bodies import MAX_BODY, check_declared, parse_json, read_body

_Given = TypeVar("_Given", bound=Given)


def named(customer_id: str) -> str:
    """The id as it is stored. Raises UnknownCustomer for what can be none."""
    try:
        return check_value("customer_id", customer_id) or ""
    except BadValue:
        raise UnknownCustomer("no such id can be on record") from None


async def call_of(request: Request, caller: Caller, idempotency_key: str | None) -> Call:
    """A call that needs no body; what it has of one is a part of what is repeated."""
    return Call(request, caller, await read_body(request, MAX_BODY), idempotency_key)


async def body_of(request: Request) -> bytes:
    """The bytes of a JSON body, bounded. Raises Refusal."""
    check_declared(request, ("application/json",), MAX_BODY)
    return await read_body(request, MAX_BODY)


def parsed(model: type[_Given], body: bytes) -> _Given:
    """The body as its type. Raises ApiProblem, and Refusal for what is no JSON."""
    try:
        return model.model_validate(parse_json(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80] or "the body"
        raise ApiProblem(Code.INVALID_INPUT, f"{clean(place)}: {first['msg']}.") from None


def checked(field: str, value: str) -> str:
    """A value as it is stored, by the rules of an import. Raises ApiProblem."""
    try:
        return check_value(field, value) or ""
    except BadValue as why:
        raise ApiProblem(Code.INVALID_INPUT, f"{field}: {why}.") from None


def until_of(text: str, now: datetime) -> datetime:
    """When a pause ends. Raises ApiProblem."""
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        until = now.replace(tzinfo=None)
    if until.tzinfo is None:
        raise ApiProblem(Code.INVALID_INPUT, "until: is no moment like 2026-03-01T12:00:00Z.")
    if not timedelta() < until - now <= LONGEST:
        raise ApiProblem(Code.INVALID_INPUT, "until: must be after now and within a year.")
    return until.astimezone(UTC)
