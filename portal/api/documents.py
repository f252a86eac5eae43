"""The API's JSON as types: what is answered is made of these, and `openapi.json` is generated from them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from greenlight.ats.customer_book import ApplicationState
from greenlight.ats.pauses import LONGEST_REASON
from greenlight.domain.reasons import Mover
from portal.api.explaining import OutcomeOnRecord, StatusOnRecord
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
    status: StatusOnRecord
    status_since: Moment | None
    looked_at: Moment | None
    outcome: OutcomeOnRecord
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
    status_before: StatusOnRecord
    status: StatusOnRecord
    outcome: OutcomeOnRecord
    reason: str
    whose_move: Mover
    detail: str | None


class Changes(Answer):
    """A page of changes; `next_after` is the `after` of the next call, `more` whether that has something now."""

    changes: list[Change]
    next_after: int
    more: bool


class Link(Answer):
    """A link that opens the customer's page once, in a browser. Whoever has it is the customer."""

    customer_id: str
    link: str
    expires_at: Moment


class EmbedToken(Answer):
    """A token with which a page of the vendor's shows the plugin to one customer, on one origin."""

    token: str
    expires_at: Moment


class Looks(Answer):
    """How many integrations the worker looks at now; what the last minute showed is not among them."""

    customer_id: str
    looks: int


class Withdrawal(Answer):
    """An integration that is looked at and enabled no more. At LinkedIn nothing has changed by that."""

    customer_id: str
    integration_context: str
    integration_type: str
    tenant_type: str
    withdrawn_at: Moment
    withdrawn_by: str
    status: StatusOnRecord
    reason: str
    whose_move: Mover
    message: str
    remedy: str


class Given(BaseModel):
    """What a caller sends. A field that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class CustomerGiven(Given):
    """A customer's name, by the rules of an import."""

    customer_name: str = Field(min_length=1, max_length=200)


class PauseGiven(Given):
    """Why nothing is to be enabled, and until when: a moment with its zone, within a year."""

    reason: str = Field(min_length=1, max_length=LONGEST_REASON)
    until: str = Field(json_schema_extra={"format": "date-time"})


class WithdrawalGiven(Given):
    """The key of an integration."""

    integration_context: str = Field(min_length=1, max_length=200)
    integration_type: str = Field(min_length=1, max_length=64)
    tenant_type: str = Field(min_length=1, max_length=64)


class EmbedTokenGiven(Given):
    """The origin of the page that shows the plugin, as browsers write it."""

    origin: str = Field(min_length=1, max_length=300)


class Problem(Answer):
    """Why a call was not answered as asked."""

    type: str
    title: str
    status: int
    detail: str
    reason: Code
    whose_move: Mover
    remedy: str


#: What routes name by reference alone.
REFERENCED: tuple[type[BaseModel], ...] = (Problem, CustomerGiven, PauseGiven, WithdrawalGiven, EmbedTokenGiven)


def answered(model: type[Answer], description: str, **headers: str) -> dict[str, Any]:
    """What OpenAPI is told of a good answer."""
    told: dict[str, Any] = {"model": model, "description": description}
    if headers:
        told["headers"] = {
            name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        }
    return told


def asked(model: type[Given]) -> dict[str, Any]:
    """What OpenAPI is told of a body."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    return {"requestBody": {"required": True, "content": content}}
