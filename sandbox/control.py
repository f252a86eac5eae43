"""`/sandbox/...`: what no LinkedIn has. Moves the world along, and shows what was written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.faults import Fault
from sandbox.state import NoSuchThingError, as_json, iso
from sandbox.wire import sandbox_of
from sandbox.world import IntegrationKey, World, sentence_of

_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_Model = TypeVar("_Model", bound=BaseModel)


def loopback_only(request: Request) -> None:
    if request.client is None or request.client.host not in _LOOPBACK:
        raise HTTPException(403, "the control calls answer loopback addresses only")


router = APIRouter(prefix="/sandbox", dependencies=[Depends(loopback_only)])


class _Named(IntegrationKey):
    """A client_id beside the three parts of a key."""

    client_id: str = Field(alias="client_id")


class _Faults(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_id: str
    faults: list[Fault]


class _WhichSecret(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_id: str
    which: Literal["oldest", "newest"]


class _Admin(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_id: str
    admin: bool


class _Clock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(ge=0, le=1_000_000_000)


async def _read(request: Request, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(400, sentence_of(error)) from None


@contextmanager
def _conflicts_told() -> Iterator[None]:
    try:
        yield
    except NoSuchThingError as error:
        raise HTTPException(409, str(error)) from None


@router.post("/world")
async def replace_world(request: Request) -> dict[str, Any]:
    """Body: a world. A new start: log, violations and tokens are forgotten."""
    sandbox_of(request).replace(await _read(request, World))
    return sandbox_of(request).state()


@router.get("/state")
async def state(request: Request) -> dict[str, Any]:
    """Applications with their integrations, statuses and counts of enables."""
    return sandbox_of(request).state()


@router.get("/log")
async def log(request: Request) -> list[dict[str, Any]]:
    """Every request, oldest first."""
    return [as_json(entry) for entry in sandbox_of(request).log]


@router.get("/violations")
async def violations(request: Request) -> list[dict[str, Any]]:
    """Every breach of the protocol, oldest first; the rules are `sandbox.watch.RULES`."""
    return [as_json(violation) for violation in sandbox_of(request).violations]


@router.post("/request")
async def customer_requests(request: Request) -> dict[str, Any]:
    """Body: client_id, integrationContext, integrationType, tenantType."""
    named = await _read(request, _Named)
    with _conflicts_told():
        sandbox_of(request).request(named.client_id, named.key)
    return sandbox_of(request).state()


@router.post("/customer-switches-on")
async def customer_switches_on(request: Request) -> dict[str, Any]:
    """Body as for /sandbox/request; only a PARTNER_READY integration can be switched on."""
    named = await _read(request, _Named)
    with _conflicts_told():
        sandbox_of(request).customer_switches_on(named.client_id, named.key)
    return sandbox_of(request).state()


@router.post("/faults")
async def replace_faults(request: Request) -> dict[str, Any]:
    """Body: client_id and faults, which replace those the application had."""
    wanted = await _read(request, _Faults)
    with _conflicts_told():
        sandbox_of(request).set_faults(wanted.client_id, wanted.faults)
    return {"client_id": wanted.client_id, "faults": len(wanted.faults)}


@router.post("/delete-secret")
async def delete_secret(request: Request) -> dict[str, Any]:
    """Body: client_id and which, "oldest" or "newest"; the last secret stays."""
    wanted = await _read(request, _WhichSecret)
    with _conflicts_told():
        sandbox_of(request).delete_secret(wanted.client_id, wanted.which)
    return sandbox_of(request).state()


@router.post("/admin")
async def set_admin(request: Request) -> dict[str, Any]:
    """Body: client_id and admin, whether the customer's person at the plugin has the permissions."""
    wanted = await _read(request, _Admin)
    with _conflicts_told():
        sandbox_of(request).set_admin(wanted.client_id, wanted.admin)
    return sandbox_of(request).state()


@router.post("/clock")
async def advance_clock(request: Request) -> dict[str, Any]:
    """Body: seconds to move the clock forward by, for token expiry and the UTC day."""
    return {"now": iso(sandbox_of(request).advance((await _read(request, _Clock)).seconds))}
