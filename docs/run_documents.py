"""The documents of commands that run something, as types: see `docs/documents.py`."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from greenlight.domain.desired import SyncOutcome
from greenlight.domain.plan import Action
from greenlight.domain.provisioning import Provision
from greenlight.domain.reasons import Mover, Outcome, Reason
from greenlight.domain.report import Verdict
from greenlight.domain.status import Status
from greenlight.errors import Kind

#: In UTC and to the second.
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Count = Annotated[int, Field(ge=0)]


class Named(TypedDict):
    """One integration, by what every document names it."""

    customer_id: str
    integration_context: str
    integration_type: str
    tenant_type: str


class Requests(TypedDict):
    token: Count
    verify: Count
    enable: Count


class ReportItem(Named):
    integration_name: str
    observed: Status
    observed_at: Moment | None
    action: Action
    outcome: Outcome
    reason: Reason
    message: str
    remedy: str
    whose_move: Mover
    since: Moment | None
    next_try_at: Moment | None
    changed: bool


class NotDue(TypedDict):
    """What a scheduled run left out since it is not due for its recheck, and the day of the night that has the next."""

    count: Count
    next_on: str | None
    reason: Reason
    message: str
    remedy: str
    whose_move: Mover


class SourceFault(TypedDict):
    """`customer_id` is null where a bad row does not say whose it is."""

    customer_id: str | None
    line: int
    field: str
    why: str


class Source(TypedDict):
    """The sync with the source of what is wanted. `counts` are of all, the lists name the first 50 of each kind."""

    name: str
    outcome: SyncOutcome
    reason: Reason | None
    message: str | None
    remedy: str | None
    whose_move: Mover
    rows: Count
    customers: Count
    counts: dict[str, Count]
    added: list[dict[str, Any]]
    renamed: list[dict[str, Any]]
    withdrawn: list[dict[str, Any]]
    returned: list[dict[str, Any]]
    held_back: list[SourceFault]
    kept_out: list[dict[str, Any]]
    on_its_way: list[dict[str, Any]]


class Report(TypedDict):
    """Of `plan`, `apply`, `status` and `explain`. `counts` adds up to the number of `items`."""

    schema: Literal["greenlight.report/1"]
    command: Literal["plan", "apply", "status", "explain", "request"]
    run_id: str | None
    plan_id: str | None
    database: str | None
    verdict: Verdict
    changed: Count
    counts: dict[Outcome, Count]
    requests: Requests
    price: NotRequired[Requests]
    not_due: NotRequired[NotDue]
    source: NotRequired[Source]
    items: list[ReportItem]


class RowError(TypedDict):
    file: str
    line: int
    field: str
    why: str


class Error(TypedDict):
    """Of every command that could not run. `kind` says who must act; `errors` are an import's rows."""

    schema: Literal["greenlight.error/1"]
    kind: Kind
    message: str
    remedy: str
    errors: NotRequired[list[RowError]]


class Import(TypedDict):
    schema: Literal["greenlight.import/1"]
    command: Literal["import"]
    database: str
    customers: Count
    integrations: Count
    customers_added: Count
    customers_changed: Count
    integrations_added: Count
    integrations_renamed: Count
    integrations_returned: Count
    credentials_written: Count
    without_credentials: list[str]
    errors: list[RowError]


class ProvisionRequests(TypedDict):
    token: Count
    provision: Count


class Application(TypedDict):
    customer_id: str
    customer_name: str
    client_id: str | None
    application_urn: str | None
    application_name: str | None
    js_sdk_domains: list[str] | None
    reason: Reason
    message: str
    remedy: str
    whose_move: Mover


class ProvisionItem(Application):
    outcome: Provision


class RotateItem(Application):
    outcome: str


class ProvisionReport(TypedDict):
    """`database` stands in the command's own document, not where another has it inside."""

    schema: Literal["greenlight.provision/1"]
    command: Literal["provision"]
    run_id: str
    verdict: Verdict
    counts: dict[Provision, Count]
    requests: ProvisionRequests
    items: list[ProvisionItem]
    database: NotRequired[str]


class Rotate(TypedDict):
    schema: Literal["greenlight.rotate/1"]
    command: Literal["rotate"]
    run_id: str
    verdict: Verdict
    counts: dict[str, Count]
    requests: ProvisionRequests
    items: list[RotateItem]
    database: str


class Demo(TypedDict):
    """The demo's documents, each as its command prints it; `page` is what the customers' page says in the end."""

    schema: Literal["greenlight.demo/1"]
    command: Literal["demo"]
    provision: ProvisionReport
    page: dict[str, Any]
    plan: Report
    apply: NotRequired[Report]
    apply_again: NotRequired[Report]
    status: Report
