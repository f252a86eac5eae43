"""The API's JSON as types: what is answered is made of these, and `openapi.json` is generated from them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from greenlight.ats.api_keys import Scope
from greenlight.ats.customer_book import ApplicationState
from greenlight.domain.reasons import Mover, Outcome
from greenlight.domain.status import Status
from portal.api.problems import Code

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="UTC, to the second")]


class Answer(BaseModel):
    """More fields may come; ignore what you do not know."""

    model_config = ConfigDict(use_enum_values=True)


class Application(Answer):
    """The customer's child application at LinkedIn, its public id, and what came of the last try to get it."""

    state: ApplicationState
    client_id: str | None
    reason: str | None
    whose_move: Mover | None
    message: str | None
    remedy: str | None
    detail: str | None
    checked_at: Moment | None
    next_try_at: Moment | None


class PauseShown(Answer):
    """That nothing is enabled for the customer until then."""

    reason: str
    paused_by: str
    since: Moment
    until: Moment


class Counts(Answer):
    wanted: int
    withdrawn: int


class Customer(Answer):
    """A customer. One that has left stays on record without its name, and with `forgotten_at`."""

    customer_id: str
    customer_name: str
    created_at: Moment
    forgotten_at: Moment | None
    application: Application
    paused: PauseShown | None
    integrations: Counts


class Customers(Answer):
    """A page of customers; `next_cursor` is null on the last one."""

    customers: list[Customer]
    next_cursor: str | None


class Integration(Answer):
    """An integration: what LinkedIn showed last, where it is on its way, and whose move it is."""

    integration_context: str
    integration_type: str
    tenant_type: str
    integration_name: str
    wanted: bool
    withdrawn_at: Moment | None
    status: Status
    status_since: Moment | None
    looked_at: Moment | None
    outcome: Outcome
    reason: str
    whose_move: Mover
    message: str
    remedy: str
    detail: str | None
    reason_since: Moment | None
    requested_at: Moment | None


class Integrations(Answer):
    customer_id: str
    integrations: list[Integration]


class Change(Answer):
    """A change of an integration, as it was then."""

    number: int
    at: Moment
    customer_id: str
    integration_context: str
    integration_type: str
    tenant_type: str
    wanted: bool
    status_before: Status
    status: Status
    outcome: Outcome
    reason: str
    whose_move: Mover
    detail: str | None


class Changes(Answer):
    """A page of changes; `next_after` is the `after` of the next call, `more` whether that has something now."""

    changes: list[Change]
    next_after: int
    more: bool


class Problem(Answer):
    """Why a call was not answered as asked."""

    type: str
    title: str
    status: int
    detail: str
    reason: Code
    whose_move: Mover
    remedy: str
    scope: Scope | None = None


#: What routes name by reference alone.
REFERENCED: tuple[type[BaseModel], ...] = (Problem,)


def answered(model: type[Answer], description: str, **headers: str) -> dict[str, Any]:
    """What OpenAPI is told of a good answer."""
    told: dict[str, Any] = {"model": model, "description": description}
    if headers:
        told["headers"] = {
            name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        }
    return told
