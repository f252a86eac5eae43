"""The parameters that a person or a schedule starts a flow with. Never a secret: Prefect shows them to everybody.

Prefect's UI draws its forms from these: enumerations become drop-downs, descriptions the sentence under each field.
"""

import json
import shlex
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from greenlight.domain.budget import Lane
from greenlight.domain.selection import Selection
from greenlight.intake.values import BadValue, check_value

#: Enables of one run that nobody has to allow.
DEFAULT_MAX_CHANGES = 200

#: What the form offers; LinkedIn adds types without notice, so others are accepted from elsewhere.
_KNOWN_TYPES = [
    *("APPLY_WITH_LINKEDIN", "APPLY_CONNECT", "CSA_API", "IN_ATS_INDICATOR", "ONE_CLICK_EXPORT", "PROFILE_PLUGIN"),
    *("RECOMMENDED_MATCHES", "UNIFIED_SEARCH", "PREMIUM_JOB_POSTING"),
]


#: Something's name on one line; PostgreSQL cannot even look for one with a NUL in it.
Name = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]


class Who(StrEnum):
    ALL = "all"
    SOME = "some"
    EXCEPT = "except"


class What(StrEnum):
    PLAN = "plan"
    APPLY = "apply"


def _at(position: int, **more: Any) -> dict[str, Any]:
    return {"position": position, **more}


PlanOrApply = Annotated[
    What,
    Field(
        description="Plan only looks and stores what would be enabled; apply enables it, which cannot be undone.",
        json_schema_extra=_at(3),
    ),
]
MaxChanges = Annotated[
    int,
    Field(ge=0, description="The most enables that one run may make; the rest is held.", json_schema_extra=_at(5)),
]


class PlanRequest(BaseModel):
    """Whom to look at, and how much may be planned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Who = Field(
        default=Who.ALL,
        description="All customers, only some, or all but some; name those below.",
        json_schema_extra=_at(0),
    )
    customers: tuple[Name, ...] = Field(
        default=(), description="Customer ids, for some and for except.", json_schema_extra=_at(1)
    )
    types: tuple[Name, ...] = Field(
        default=(),
        description="Only these integration types; none means all.",
        json_schema_extra=_at(2, items={"type": "string", "enum": _KNOWN_TYPES}),
    )
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES

    @model_validator(mode="after")
    def _who_is_named(self) -> Self:
        if self.who is Who.ALL and self.customers:
            raise ValueError("customers are named, so choose some or except")
        if self.who is not Who.ALL and not self.customers:
            raise ValueError(f"{self.who} needs at least one customer")
        return self

    @property
    def selection(self) -> Selection:
        some = self.customers if self.who is Who.SOME else ()
        excluded = self.customers if self.who is Who.EXCEPT else ()
        return Selection(customers=some, excluded=excluded, types=self.types)

    @classmethod
    def of(cls, selection: Selection, **more: Any) -> Self:
        """The request for a selection; of customers that are both named and excluded, none is left."""
        left = tuple(customer for customer in selection.customers if customer not in selection.excluded)
        if left:
            return cls(who=Who.SOME, customers=left, types=selection.types, **more)
        if selection.excluded and not selection.customers:
            return cls(who=Who.EXCEPT, customers=selection.excluded, types=selection.types, **more)
        return cls(types=selection.types, **more)

    def title(self) -> str:
        who = ", ".join(self.customers[:3]) or "all customers"
        if len(self.customers) > 3:
            who += f" and {len(self.customers) - 3} more"
        parts = [f"all customers except {who}" if self.who is Who.EXCEPT else who]
        if self.types:
            parts.append(f"({', '.join(self.types)})")
        return " ".join(parts)

    def command(self) -> str:
        """The command line that does the same again."""
        return shlex.join(["greenlight", "plan", *self._options()])

    def _options(self) -> list[str]:
        flag = "--except" if self.who is Who.EXCEPT else "--customer"
        options = [word for customer in self.customers for word in (flag, customer)]
        options += [word for type in self.types for word in ("--type", type)]
        if self.max_changes != DEFAULT_MAX_CHANGES:
            options += ["--max-changes", str(self.max_changes)]
        return options


class ReconcileRequest(PlanRequest):
    """What to do, for whom, or which approved plan to apply exactly."""

    what: PlanOrApply = What.APPLY
    plan_id: Name | None = Field(
        default=None,
        description="Apply exactly what this approved plan enables, and nothing else.",
        json_schema_extra=_at(4),
    )
    lane: Lane = Field(
        default=Lane.OPERATOR,
        description="Whose share of the day's requests it uses. Nightly also leaves out what rests after failures.",
        json_schema_extra=_at(6),
    )

    @model_validator(mode="after")
    def _a_plan_stands_alone(self) -> Self:
        if self.plan_id is not None and (self.what is What.PLAN or self.selection != Selection()):
            raise ValueError("a plan is applied exactly as it is: give a plan id with apply and all customers alone")
        return self

    def title(self) -> str:
        return super().title() if self.plan_id is None else f"plan {self.plan_id}"

    def command(self) -> str:
        if self.plan_id is not None:
            return shlex.join(["greenlight", "apply", self.plan_id, "--yes"])
        if self.what is What.PLAN:
            return super().command()
        return shlex.join(["greenlight", "apply", *self._options(), "--yes"])


class BackfillRequest(BaseModel):
    """Who was migrated: named, in an import file on the worker, or by the day they came."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customers: tuple[Name, ...] = Field(default=(), description="Customer ids.", json_schema_extra=_at(0))
    file: str | None = Field(
        default=None,
        description="An import file on the worker, which brings the customers' existing keys in.",
        json_schema_extra=_at(1),
    )
    migrated_since: date | None = Field(
        default=None,
        description="Customers that came with their own keys on this UTC day or later.",
        json_schema_extra=_at(2),
    )
    what: PlanOrApply = What.PLAN
    waves: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(1, 5, 25), description="Customers in each wave; after these, all the rest.", json_schema_extra=_at(4)
    )
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES

    @model_validator(mode="after")
    def _one_way_to_name_them(self) -> Self:
        given = [bool(self.customers), self.file is not None, self.migrated_since is not None]
        if sum(given) != 1:
            raise ValueError("name the migrated customers in one way: customers, file or migrated_since")
        return self

    def title(self) -> str:
        if self.file is not None:
            return f"customers of {self.file}"
        if self.migrated_since is not None:
            return f"customers migrated since {self.migrated_since}"
        return PlanRequest(who=Who.SOME, customers=self.customers).title()

    def command(self) -> str:
        """What a shell that reaches the same Prefect server types to run the same deployment again."""
        request = json.dumps({"request": self.model_dump(mode="json", exclude_defaults=True)})
        return shlex.join(["prefect", "deployment", "run", "backfill/csa", "--params", request])


class AuditRequest(BaseModel):
    """How much of what is enabled to look at again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customers_per_run: int = Field(
        default=500,
        ge=1,
        le=5000,
        description="Customers in one run, those first that were not looked at for longest. One request each.",
        json_schema_extra=_at(0),
    )


class ApproveRequest(BaseModel):
    """Which plan may be applied, and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plan_id: Name = Field(
        description="The plan to approve; its artifact shows what it enables.", json_schema_extra=_at(0)
    )
    approved_by: Name = Field(min_length=1, max_length=200, description="Who approves it.", json_schema_extra=_at(1))
    hours: float = Field(
        default=24, gt=0, le=24, description="For how long the approval holds.", json_schema_extra=_at(2)
    )


class ProvisionRequest(BaseModel):
    """Whom to provision: the customers named, those that are new, or all that have no child application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customers: tuple[Name, ...] = Field(
        default=(), description="Only these customers, each compared with what LinkedIn has."
    )
    new: dict[str, str] = Field(default_factory=dict, description="Customers to put on record first: name by id.")

    @field_validator("new")
    @classmethod
    def _new(cls, value: dict[str, str]) -> dict[str, str]:
        checked: dict[str, str] = {}
        for customer_id, name in value.items():
            try:
                # Under the id as it is stored: of two that differ by normalisation alone, the second is refused.
                stored = check_value("customer_id", customer_id) or ""
                if stored in checked:
                    raise BadValue("is given twice")
                checked[stored] = check_value("customer_name", name) or ""
            except BadValue as error:
                raise ValueError(f"the new customer {customer_id[:80]!r} {error}") from None
        return checked

    def title(self) -> str:
        who = [*self.customers, *self.new]
        return (", ".join(who[:3]) or "all customers without one") + (
            f" and {len(who) - 3} more" if len(who) > 3 else ""
        )


def provision_name() -> str:
    """What this flow run is called in Prefect's UI."""
    request = flow_run.parameters["request"]
    return f"provision: {ProvisionRequest.model_validate(_plain(request)).title()}"


def backfill_name() -> str:
    """What this flow run is called in Prefect's UI."""
    return f"backfill: {BackfillRequest.model_validate(_plain(flow_run.parameters['request'])).title()}"


def approve_name() -> str:
    """What this flow run is called in Prefect's UI."""
    return f"approve: plan {ApproveRequest.model_validate(_plain(flow_run.parameters['request'])).plan_id}"


def run_name() -> str:
    """What this flow run is called in Prefect's UI: the flow, and whom it is about."""
    request = flow_run.parameters["request"]
    return f"{flow_run.flow_name}: {ReconcileRequest.model_validate(_plain(request)).title()}"


def _plain(request: BaseModel | dict[str, Any]) -> dict[str, Any]:
    # Prefect hands over the model from code, and its JSON from a deployment.
    return request.model_dump() if isinstance(request, BaseModel) else request
