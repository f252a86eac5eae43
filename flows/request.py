"""The parameters that a person or a schedule starts a flow with. Never a secret: Prefect shows them to everybody.

Each field is a parameter of the flow by the same name, so that what a deployment says of one stays when a run gives
another. Prefect's UI draws its forms from the flows' signatures: enumerations become drop-downs, and the sentence under
each field is the docstring's.
"""

import json
import shlex
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from prefect.runtime import flow_run
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from flows.fields import (
    DEFAULT_MAX_CHANGES,
    Applier,
    Approver,
    Count,
    Hours,
    MaxChanges,
    Name,
    Names,
    PlanId,
    RunId,
    Types,
    Waves,
    names_by_id,
    or_nothing,
)
from greenlight.domain.budget import Lane
from greenlight.domain.report import first_ten
from greenlight.domain.selection import Selection
from greenlight.errors import BadInput
from greenlight.intake.values import BadValue, check_value


class What(StrEnum):
    PLAN = "plan"
    APPLY = "apply"


class BadParameters(BadInput):
    """Parameters that no run can be made of; the text is one sentence."""


class Request(BaseModel):
    """The parameters of one run of a flow, checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def does(self) -> str:
        """What the run does, in a word or two."""
        return str(flow_run.flow_name)

    def title(self) -> str:
        """Whom or what the run is about, on one line."""
        raise NotImplementedError


Kind = TypeVar("Kind", bound=Request)


def checked(kind: type[Kind], **given: Any) -> Kind:
    """The request of these parameters. Raises BadParameters."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise BadParameters(sentence(error)) from None


def sentence(error: ValidationError) -> str:
    """What is wrong with which parameters, without what was given."""
    parts = [
        (".".join(map(str, each["loc"])) + ": " if each["loc"] else "") + each["msg"].removeprefix("Value error, ")
        for each in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(parts)


class PlanRequest(Request):
    """Whom to look at, and how much may be planned."""

    customers: Names = ()
    except_customers: Names = ()
    types: Types = ()
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES

    @model_validator(mode="after")
    def _somebody_is_left(self) -> Self:
        if self.customers and not set(self.customers) - set(self.except_customers):
            raise ValueError("customers and except_customers name the same, so nobody is left")
        return self

    @property
    def selection(self) -> Selection:
        return Selection(customers=self.customers, excluded=self.except_customers, types=self.types)

    @classmethod
    def of(cls, selection: Selection, **more: Any) -> Self:
        """The request for a selection."""
        who = {"customers": selection.customers, "except_customers": selection.excluded}
        return cls(**who, types=selection.types, **more)

    def title(self) -> str:
        title = first_ten(self.customers, 3) or "all customers"
        if self.except_customers:
            title += f" except {first_ten(self.except_customers, 3)}"
        return f"{title} ({', '.join(self.types)})" if self.types else title

    def command(self) -> str:
        """The command line that does the same again."""
        return shlex.join(["greenlight", "plan", *self._options()])

    def _options(self) -> list[str]:
        named = (("--customer", self.customers), ("--except", self.except_customers), ("--type", self.types))
        options = [word for flag, values in named for value in values for word in (flag, value)]
        if self.max_changes != DEFAULT_MAX_CHANGES:
            options += ["--max-changes", str(self.max_changes)]
        return options


class ReconcileRequest(PlanRequest):
    """What to do, and for whom."""

    what: What = What.PLAN
    lane: Lane = Lane.OPERATOR

    def does(self) -> str:
        return f"nightly {self.what}" if self.lane is Lane.NIGHTLY else self.what.value

    def command(self) -> str:
        if self.what is What.PLAN:
            return super().command()
        return shlex.join(["greenlight", "apply", *self._options(), "--yes"])


class ApplyRequest(Request):
    """Which approved plan to apply."""

    plan_id: PlanId
    applied_by: Applier = ""

    @field_validator("applied_by")
    @classmethod
    def _by(cls, value: str) -> str:
        return value.strip()

    def title(self) -> str:
        return f"approved plan {self.plan_id}"

    def command(self) -> str:
        return shlex.join(["greenlight", "apply", self.plan_id, "--yes"])


class BackfillRequest(Request):
    """Who was migrated: named, in an import file on the worker, or by the day they came."""

    what: What = What.PLAN
    customers: Names = ()
    file: Annotated[str | None, BeforeValidator(or_nothing)] = None
    migrated_since: Annotated[date | None, BeforeValidator(or_nothing)] = None
    waves: Waves = (1, 5, 25)
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES

    def does(self) -> str:
        return f"backfill {self.what}"

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
        return first_ten(self.customers, 3)

    def command(self) -> str:
        """What a shell that reaches the same Prefect server types to run the same deployment again."""
        parameters = json.dumps(self.model_dump(mode="json", exclude_defaults=True))
        return shlex.join(["prefect", "deployment", "run", "backfill/csa", "--params", parameters])


class ApproveRequest(Request):
    """Which plan may be applied, and who says so."""

    plan_id: PlanId
    approved_by: Approver
    hours: Hours = 24
    enables: Count = -1

    def title(self) -> str:
        return f"plan {self.plan_id}"


class ProvisionRequest(Request):
    """Whom to provision: the customers named, those that are new, or all that have no child application."""

    customers: Names = ()
    new: Annotated[dict[str, str], BeforeValidator(names_by_id)] = Field(default_factory=dict)
    look: bool = False
    change_domains: bool = False
    as_shown: Name = ""
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES

    @property
    def only_looks(self) -> bool:
        """Whether it is to compare what is there, and to change and make nothing."""
        return self.look and not self.customers and not self.new

    def does(self) -> str:
        return "compare" if self.only_looks else super().does()

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
        everybody = "all applications" if self.only_looks else "all customers without an application"
        return first_ten([*self.customers, *self.new], 3) or everybody


class HelpRequest(Request):
    """Which run to help."""

    run_id: RunId

    def title(self) -> str:
        return f"run {self.run_id}"


class RotateRequest(Request):
    """Whose secrets to replace: the customers named, or all whose applications provisioning made."""

    customers: Names = ()
    all_customers: bool = False

    def does(self) -> str:
        return "new secrets"

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.all_customers == bool(self.customers):
            raise ValueError("name customers, or say all_customers")
        return self

    def title(self) -> str:
        return first_ten(self.customers, 3) or "all customers"


def named_after(kind: type[Request]) -> Callable[[], str]:
    """What a flow run is called in Prefect's UI: what it does, and for whom."""

    def name() -> str:
        try:
            request = checked(kind, **flow_run.parameters)
            return f"{request.does()}: {request.title()}"
        except BadParameters:
            # The run itself says what is wrong.
            return str(flow_run.flow_name)

    return name
