"""What can go wrong on purpose, by name. `sandbox/README.md` says what each fault does."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from sandbox.edges import Variation
from sandbox.keys import Key

Operation = Literal["create", "find", "update", "rotate", "token", "verify", "enable"]

#: What only a parent application does.
PROVISIONING: frozenset[Operation] = frozenset({"create", "find", "update", "rotate"})

_API = frozenset({"verify", "enable"})
_ALL = _API | {"token"}

# fault -> operations of a child it can meet, parameters it takes (a "!" marks one it cannot do without)
FAULTS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "status": (
        _ALL,
        frozenset({"status!", "message", "service_error_code", "retry_after", "applied", "applied_after"}),
    ),
    "html": (_ALL, frozenset({"status", "server", "content_type", "body", "applied", "applied_after"})),
    "garbage": (_ALL, frozenset({"applied", "applied_after"})),
    "empty": (_ALL, frozenset({"applied", "applied_after"})),
    "redirect": (_ALL, frozenset({"location!", "status", "applied", "applied_after"})),
    "truncated": (_ALL, frozenset({"applied", "applied_after"})),
    "huge": (_ALL, frozenset({"bytes", "applied", "applied_after"})),
    "lost": (_ALL, frozenset({"reset", "applied_after"})),
    "dropped": (_ALL, frozenset({"reset"})),
    "hang": (_ALL, frozenset({"seconds!"})),
    "stall": (_ALL, frozenset({"seconds!"})),
    "varied": (_ALL, frozenset({"how!", "bytes"})),
    "throttle": (_ALL, frozenset({"retry_after"})),
    "foreign": (_API, frozenset({"applied", "applied_after"})),
    "foreign_extra": (_API, frozenset({"applied_after"})),
    "missing_key": (_API, frozenset({"applied_after"})),
    "conflicting": (_API, frozenset({"applied_after"})),
    "status_in_errors": (_API, frozenset({"status!", "message", "applied_after"})),
    "lowercase_status": (frozenset({"verify"}), frozenset()),
    "prose_status": (frozenset({"verify"}), frozenset()),
    "unknown_status": (frozenset({"verify"}), frozenset({"onboarding_status"})),
    "lag": (frozenset({"verify"}), frozenset({"seconds!"})),
    "expired": (_API, frozenset()),
    "bad_token": (_API, frozenset()),
    "revoked": (_API, frozenset()),
    "forbidden": (_API, frozenset()),
    "incomplete": (_API, frozenset()),
    "invalid_context": (_API, frozenset()),
    "already_enabled": (frozenset({"enable"}), frozenset()),
    "mismatch": (frozenset({"enable"}), frozenset()),
    "no_record": (frozenset({"enable"}), frozenset({"place"})),
    "ignored": (frozenset({"enable"}), frozenset({"status", "applied_after"})),
    "invalid_client": (frozenset({"token"}), frozenset()),
    "no_token": (frozenset({"token"}), frozenset()),
    "no_expiry": (frozenset({"token"}), frozenset()),
    "bad_expiry": (frozenset({"token"}), frozenset({"expires_in!"})),
}

HEADER_TEXT = r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$"

# Those that do not depend on what an answer says can meet a parent's calls as well.
PROVISIONING_FAULTS = frozenset(
    {"status", "html", "garbage", "empty", "redirect", "truncated", "huge", "lost", "dropped", "hang", "stall"}
    | {"varied", "throttle", "expired", "bad_token", "revoked", "forbidden"}
)

# Faults of an answer: the work had been done when it went wrong.
_APPLIED_BY_DEFAULT = frozenset({"truncated", "huge", "empty", "lost", "hang", "varied"})
_APPLICABLE = frozenset({"enable", "create", "update", "rotate"})


#: Those that befall only the keys that they name; the others of the request are answered, and enabled, as they should.
PER_KEY = frozenset(
    {"ignored", "no_record", "status_in_errors", "missing_key", "conflicting", "lag"}
    | {"lowercase_status", "prose_status", "unknown_status"}
)


class Fault(BaseModel):
    """One scripted fault: `on` an operation, `times` calls long (null: for ever), `after` calls let through.

    Every call that `on`, `type` and `context` match is counted, also one that an earlier fault of the list answers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: Operation
    fault: str
    times: int | None = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)
    type: str | None = None
    context: str | None = None

    status: int | None = Field(default=None, ge=200, le=999)
    message: str | None = None
    service_error_code: int | None = None
    retry_after: int | str | None = None
    seconds: float | None = Field(default=None, ge=0)
    location: str | None = None
    bytes: int | None = Field(default=50_000_000, ge=1)
    applied: bool | None = None
    applied_after: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    reset: bool = False
    onboarding_status: str = "SUSPENDED"
    place: Literal["errors", "results"] | None = None
    expires_in: Any = None
    how: list[Variation] = Field(default=[], min_length=1)
    server: str | None = Field(default=None, pattern=HEADER_TEXT)
    content_type: str | None = Field(default=None, pattern=HEADER_TEXT)
    body: str | None = None

    @model_validator(mode="after")
    def _parameters_fit(self) -> "Fault":
        if self.fault not in FAULTS:
            raise ValueError(f"{self.fault!r} is not a fault; known are {', '.join(FAULTS)}")
        operations, declared = FAULTS[self.fault]
        if self.fault in PROVISIONING_FAULTS:
            operations |= PROVISIONING
        if self.on not in operations:
            raise ValueError(f"{self.fault!r} cannot happen on {self.on!r}, only on {', '.join(sorted(operations))}")
        allowed = {name.rstrip("!") for name in declared} | {"on", "fault", "times", "after", "type", "context"}
        if extra := sorted(self.model_fields_set - allowed):
            raise ValueError(f"{self.fault!r} takes no {extra[0]!r}")
        needed = {name.rstrip("!") for name in declared if name.endswith("!")}
        if missing := sorted(needed - self.model_fields_set):
            raise ValueError(f"{self.fault!r} needs {missing[0]!r}")
        for name in ("type", "context"):
            if self.on not in _API and getattr(self, name) is not None:
                raise ValueError(f"a {self.on} request has no integration type or context, so {name!r} cannot limit it")
        if self.applied is not None and self.on not in _APPLICABLE:
            raise ValueError(f"only an enable can be applied, or a create, update or rotate, not a {self.on}")
        if self.applied_after is not None and self.on != "enable":
            raise ValueError(f"only an enable can be applied later, not a {self.on}")
        if self.applied_after is not None and self.applied is not None:
            raise ValueError("'applied' and 'applied_after' exclude each other: at once, never, or later")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A parameter that was not given must not come back as one that was: the fault may not take it.
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}

    @property
    def applies(self) -> bool:
        """Whether the request is carried out although its answer goes wrong: at once, or when `applied_after` says."""
        return self.fault in _APPLIED_BY_DEFAULT if self.applied is None else self.applied

    def names(self, key: Key) -> bool:
        """Whether this fault is about that integration."""
        return self.type in (None, key.integration_type) and self.context in (None, key.integration_context)


class FaultScript:
    """The faults of one application and how often each has been met. The first one that is due wins."""

    def __init__(self, faults: list[Fault]) -> None:
        self.replace(faults)

    def replace(self, faults: list[Fault]) -> None:
        self._faults = [(fault, {"met": 0, "fired": 0}) for fault in faults]

    def remaining(self) -> list[Fault]:
        """What is left of them: as if the calls so far had been the first of a script that goes on."""
        left: list[Fault] = []
        for fault, count in self._faults:
            times = None if fault.times is None else fault.times - count["fired"]
            if times is None or times > 0:
                left.append(fault.model_copy(update={"times": times, "after": max(0, fault.after - count["met"])}))
        return left

    def take(self, operation: Operation, keys: Sequence[Key] = ()) -> Fault | None:
        """The fault that is due for this call, or None. A call that names no integration is any fault's."""
        due: tuple[Fault, dict[str, int]] | None = None
        for fault, count in self._faults:
            if fault.on != operation or (keys and not any(fault.names(key) for key in keys)):
                continue
            count["met"] += 1
            spent = fault.times is not None and count["fired"] >= fault.times
            if due is None and not spent and count["met"] > fault.after:
                due = fault, count
        if due is None:
            return None
        due[1]["fired"] += 1
        return due[0]
