"""The documents that commands print with `--json`, as types; `docs/schemas/` is generated from them."""

from typing import Any, Literal, NotRequired

from api_documents import ApiKeys
from pydantic import TypeAdapter
from run_documents import Count, Demo, Error, Import, Moment, Named, ProvisionReport, Report, Rotate
from typing_extensions import TypedDict
from webhook_documents import Webhooks

from cli.checks import State as CheckState
from greenlight.ats.stored_plans import PlanState
from greenlight.domain.plan import Action
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status

_FromTo = TypedDict("_FromTo", {"from": str | None, "to": str})


class Migrate(_FromTo):
    """Revisions of the schema: `from` is null where there was no database."""

    schema: Literal["greenlight.migrate/1"]
    command: Literal["migrate"]
    database: str
    changed: bool


_From = TypedDict("_From", {"from": str})


class Setting(_From):
    """`from` is `environment`, `default`, or begins with `file`. A secret's value is masked."""

    name: str
    value: str | int | float | bool | list[str] | list[float] | None
    secret: bool


class Config(TypedDict):
    schema: Literal["greenlight.config/1"]
    command: Literal["config"]
    settings: list[Setting]


class StoredPlan(TypedDict):
    """`enables` of `items` integrations; who approved it, which run used it, who discarded it."""

    plan_id: str
    state: PlanState
    created_at: Moment
    expires_at: Moment | None
    enables: Count
    items: Count
    approved_by: str | None
    used_by_run: str | None
    used_at: Moment | None
    discarded_by: str | None
    discarded_at: Moment | None


class Plans(TypedDict):
    """`counts` is of all that are kept, also where only some are listed."""

    schema: Literal["greenlight.plans/1"]
    command: Literal["plans list", "plans discard"]
    database: str
    counts: NotRequired[dict[PlanState, Count]]
    plans: list[StoredPlan]


class PlanLine(Named):
    action: Action
    reason: Reason


class Plan(TypedDict):
    """All of one stored plan."""

    schema: Literal["greenlight.plan/1"]
    plan_id: str
    enables: Count
    plan: StoredPlan
    items: list[PlanLine]
    database: str


class Approval(TypedDict):
    schema: Literal["greenlight.approval/1"]
    command: Literal["approve"]
    plan_id: str
    approved_by: str
    approved_at: Moment
    expires_at: Moment
    enables: Count


_Since = TypedDict("_Since", {"from": NotRequired[Moment]})


class Pause(_Since):
    """Of `pause`, and of `resume`, which has the customer alone."""

    schema: Literal["greenlight.pause/1"]
    command: Literal["pause", "resume"]
    customer_id: str
    reason: NotRequired[str]
    paused_by: NotRequired[str]
    until: NotRequired[Moment]


class Hold(Named):
    reason: Reason
    saw: str
    since: Moment


class HeldSource(TypedDict):
    name: str
    reason: Reason
    saw: str
    since: Moment


class Tripwires(TypedDict):
    """What is held, or with `lifted_by` what was until now. `source` is that of what is wanted, where it is held."""

    schema: Literal["greenlight.tripwires/1"]
    database: str
    holds: list[Hold]
    source: HeldSource | None
    lifted_by: NotRequired[str]


class Withdrawal(Named):
    observed: Status
    reason: Reason
    withdrawn_at: Moment
    withdrawn_by: str


class Withdraw(Withdrawal):
    schema: Literal["greenlight.withdraw/1"]


class Forget(TypedDict):
    schema: Literal["greenlight.forget/1"]
    customer_id: str
    forgotten_at: Moment
    secret_deleted: bool
    sessions_ended: Count
    withdrawn: list[Withdrawal]


class Session(TypedDict):
    customer_id: str
    opened_at: Moment
    expires_at: Moment


class Sessions(TypedDict):
    """`sessions` of `sessions list`; `customer_id` and `ended` of `sessions end`."""

    schema: Literal["greenlight.sessions/1"]
    sessions: NotRequired[list[Session]]
    customer_id: NotRequired[str]
    ended: NotRequired[Count]


class Check(TypedDict):
    name: str
    state: CheckState
    found: str
    tried: str
    remedy: str
    customers: list[str]


class Doctor(TypedDict):
    schema: Literal["greenlight.doctor/1"]
    command: Literal["doctor"]
    database: str | None
    counts: dict[CheckState, Count]
    checks: list[Check]


class Prune(TypedDict):
    """`deleted` is rows by table."""

    schema: Literal["greenlight.prune/1"]
    command: Literal["prune"]
    database: str
    before: Moment
    deleted: dict[str, Count]


class BlockName(TypedDict):
    type: str
    name: str


class Keys(TypedDict):
    """Of `keys export` (`blocks` by type) and of `keys restore`."""

    schema: Literal["greenlight.keys/1"]
    command: Literal["keys export", "keys restore"]
    file: str
    blocks: NotRequired[dict[str, Count]]
    other_blocks: NotRequired[Count]
    written: NotRequired[Count]
    there_already: NotRequired[Count]
    removed_unreadable: NotRequired[Count]
    left_newer: NotRequired[list[BlockName]]


class Credentials(TypedDict):
    schema: Literal["greenlight.credentials/1"]
    customer_id: str
    client_id: str
    database: str


class Parent(TypedDict):
    schema: Literal["greenlight.parent/1"]
    command: Literal["parent"]
    client_id: str


class Link(TypedDict):
    schema: Literal["greenlight.link/1"]
    command: Literal["link"]
    customer_id: str
    link: str


class Serving(TypedDict):
    """Printed once it serves; the process goes on."""

    schema: Literal["greenlight.serving/1"]
    command: Literal["portal", "worker", "sandbox"]
    url: NotRequired[str]
    host: NotRequired[str]
    port: NotRequired[int]
    database: NotRequired[str]


DOCUMENTS: tuple[Any, ...] = (
    Approval,
    Config,
    Credentials,
    Demo,
    Doctor,
    Error,
    Forget,
    Import,
    Keys,
    Link,
    Migrate,
    Parent,
    Pause,
    Plan,
    Plans,
    ProvisionReport,
    Prune,
    Report,
    Rotate,
    Serving,
    Sessions,
    Tripwires,
    Webhooks,
    ApiKeys,
    Withdraw,
)


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON schema of each document, by the name that stands in its `schema`."""
    found: dict[str, dict[str, Any]] = {}
    for document in DOCUMENTS:
        made = _untitled(TypeAdapter(document).json_schema())
        name = made["properties"]["schema"]["const"]
        found[name] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **made}
    return found


def _untitled(made: Any) -> Any:
    """Without the titles that are the names of what they title."""
    if isinstance(made, list):
        return [_untitled(each) for each in made]
    if not isinstance(made, dict):
        return made
    return {key: _untitled(value) for key, value in made.items() if key != "title" or not isinstance(value, str)}
