"""The world as it is written down: applications, their customers' integrations and the faults that await them."""

import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from sandbox.edges import Variation
from sandbox.faults import HEADER_TEXT, PROVISIONING, Fault
from sandbox.keys import Key

_RECRUITER_TYPES = frozenset(
    {"CSA_API", "IN_ATS_INDICATOR", "ONE_CLICK_EXPORT", "PROFILE_PLUGIN", "RECOMMENDED_MATCHES", "UNIFIED_SEARCH"}
)
# See docs/linkedin.md#integration-keys.
KNOWN_TYPES = _RECRUITER_TYPES | {
    "APPLY_WITH_LINKEDIN",
    "APPLY_CONNECT",
    "PREMIUM_JOB_POSTING",
    "CRM_CSA_API",
    "CRM_ONE_CLICK_EXPORT",
    "IN_CRM_INDICATOR",
}
KNOWN_TENANTS = frozenset({"JOBS", "RECRUITER"})
_CONTEXT_URN = re.compile(r"urn:li:(organization|contract):[A-Za-z0-9_-]+")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
_Value = TypeVar("_Value", bound=Hashable)


def is_recruiter_type(integration_type: str) -> bool:
    """Whether the customer's admin has the last move (docs/linkedin.md#statuses)."""
    return integration_type in _RECRUITER_TYPES or integration_type.startswith(("CRM_", "IN_CRM_"))


def is_context_urn(text: str) -> bool:
    return _CONTEXT_URN.fullmatch(text) is not None


class WorldError(ValueError):
    """A world that cannot be; its text is one sentence for a person."""


class IntegrationKey(BaseModel):
    """The parts of a key that the plugin's callback hands out (docs/linkedin.md#the-callback), by their own names."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    integration_context: str
    integration_type: str
    tenant_type: str

    @field_validator("integration_context")
    @classmethod
    def _is_urn(cls, value: str) -> str:
        if not is_context_urn(value):
            raise ValueError("must look like urn:li:organization:ID or urn:li:contract:ID")
        return value

    @field_validator("integration_type", "tenant_type")
    @classmethod
    def _is_constant(cls, value: str) -> str:
        if not _CONSTANT.fullmatch(value):
            raise ValueError("must be written as a constant, such as APPLY_WITH_LINKEDIN or JOBS")
        return value

    @property
    def key(self) -> Key:
        return Key(self.integration_context, self.integration_type, self.tenant_type)


class Integration(IntegrationKey):
    """One integration of one customer; a null `onboardingStatus` means the customer never requested it."""

    onboarding_status: str | None = None
    integration_name: str | None = None


class Credentials(BaseModel):
    """What a parent and a child have in common. `secrets`, if given, are the valid ones, `client_secret` first."""

    model_config = ConfigDict(extra="forbid")

    client_id: str = Field(min_length=1)
    client_secret: str = Field(min_length=1, repr=False)
    secrets: list[str] = Field(default=[], max_length=2, repr=False)
    faults: list[Fault] = []

    @model_validator(mode="after")
    def _secrets_fit(self) -> "Credentials":
        if self.secrets and self.secrets[0] != self.client_secret:
            raise ValueError("the first of 'secrets' must be the client_secret")
        if len(set(self.secrets)) != len(self.secrets) or "" in self.secrets:
            raise ValueError("'secrets' must differ and not be empty")
        return self


class Parent(Credentials):
    """A parent application: provisions child applications, and can do nothing with integrations."""

    @field_validator("faults")
    @classmethod
    def _faults_fit(cls, faults: list[Fault]) -> list[Fault]:
        for fault in faults:
            if fault.on not in PROVISIONING and fault.on != "token":
                raise ValueError(f"a parent application makes no {fault.on} request")
        return faults


class Application(Credentials):
    """A customer's child application: its credentials, the integrations that belong to it, its faults.

    `organization` and `contract` are the ids of the customer whom the plugin sees, `admin` whether the one logged in
    there may request. `parent` is the client_id of the application that created this one. `look_lag_seconds` goes
    before the world's.
    """

    customer: str | None = None
    integrations: list[Integration] = []
    application_id: int | None = Field(default=None, ge=1)
    unique_foreign_id: str | None = Field(default=None, min_length=1)
    name: str | None = None
    description: str | None = None
    js_sdk_domains: list[str] = []
    callback_urls: list[str] = []
    parent: str | None = None
    organization: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    contract: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    admin: bool = True
    look_lag_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @field_validator("faults")
    @classmethod
    def _faults_fit(cls, faults: list[Fault]) -> list[Fault]:
        for fault in faults:
            if fault.on in PROVISIONING:
                raise ValueError(
                    f"a child application makes no {fault.on} request, so this fault belongs to its parent"
                )
        return faults


class World(BaseModel):
    """Everything the stand-in knows at start. Built in Python, or read from JSON by `load_world`."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)

    applications: list[Application] = []
    parents: list[Parent] = []
    token_lifetime_seconds: int = Field(default=1800, ge=1)
    requests_per_day: int = Field(default=5000, ge=0)
    retry_after: int | str | None = None
    new_application_delay_seconds: float = Field(default=0, ge=0)
    secret_in_finder: bool = False
    look_lag_seconds: float = Field(default=0, ge=0, allow_inf_nan=False)
    server: str | None = Field(default=None, pattern=HEADER_TEXT)
    answers_varied: list[Variation] = []
    plugin_brings_styles: bool = False

    @model_validator(mode="after")
    def _one_owner_each(self) -> "World":
        owners: dict[Key, str] = {}
        seen: set[str] = set()
        for application in self.applications:
            if application.client_id in seen:
                raise ValueError(f"client_id {application.client_id!r} is used twice")
            seen.add(application.client_id)
            own: set[Key] = set()
            for integration in application.integrations:
                key = integration.key
                if key in own:
                    raise ValueError(f"application {application.client_id!r} lists {key.canonical} twice")
                own.add(key)
                if integration.onboarding_status is None:
                    continue
                if key in owners:
                    raise ValueError(
                        f"{key.canonical} belongs to both {owners[key]!r} and {application.client_id!r}; "
                        "an integration belongs to one application"
                    )
                owners[key] = application.client_id
        return self

    @model_validator(mode="after")
    def _one_parent_each(self) -> "World":
        parents = {parent.client_id for parent in self.parents}
        names = [one.client_id for one in (*self.parents, *self.applications)]
        numbers = [one.application_id for one in self.applications if one.application_id is not None]
        foreign = [(one.parent, one.unique_foreign_id) for one in self.applications if one.unique_foreign_id]
        for one in self.applications:
            if one.parent is not None and one.parent not in parents:
                raise ValueError(
                    f"application {one.client_id!r} has a parent {one.parent!r} that is not among 'parents'"
                )
        if twice := _repeated(names):
            raise ValueError(f"client_id {twice!r} is used twice")
        if twice := _repeated(numbers):
            raise ValueError(f"application_id {twice} is used twice")
        if twice := _repeated(foreign):
            raise ValueError(f"unique_foreign_id {twice[1]!r} is used twice under parent {twice[0]!r}")
        return self


def _repeated(values: Iterable[_Value]) -> _Value | None:
    seen = set[_Value]()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def parse_world(data: Any) -> World:
    """A world from decoded JSON; `WorldError` names the first thing that is wrong and where it stands."""
    try:
        return World.model_validate(data)
    except ValidationError as error:
        raise WorldError(sentence_of(error)) from None


def load_world(path: str | Path) -> World:
    """A world from a JSON file, format in `sandbox/README.md`."""
    try:
        return World.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except ValidationError as error:
        raise WorldError(f"{path}: {sentence_of(error)}") from None


def sentence_of(error: ValidationError) -> str:
    """The first complaint as `place: what`. The offending input stays out: it may be a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).lstrip(".")
    if first["type"] == "extra_forbidden":
        place, _, name = place.rpartition(".")
        return f"{place or 'the world'}: there is no field {name!r}"
    text = first["msg"].removeprefix("Value error, ")
    return f"{place}: {text}" if place else text
