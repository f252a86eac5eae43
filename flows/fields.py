"""What a field of a form takes: Prefect's UI draws a form from a flow's signature, and the server refuses the rest."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints, WithJsonSchema

from greenlight.domain.keys import DOCUMENTED_TYPES

#: Enables of one run that nobody has to allow.
DEFAULT_MAX_CHANGES = 200


#: Something's name on one line; PostgreSQL cannot even look for one with a NUL in it.
Name = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
Names = tuple[Name, ...]
#: As it is pasted: with a blank or a line's end around it, never empty.
PlanId = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^\s*[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f]\s*$")
]
#: What Prefect gives each flow run.
RunId = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\s*[0-9a-f-]{36}\s*$")]
#: Names by id. The form has a line for each, `acme=Acme Ltd`, where a mapping would be JSON to write by hand.
NewCustomers = Annotated[
    Mapping[str, str] | Sequence[str],
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": "^[^=]+=.*[^\\s]"}}),
]
Types = tuple[Annotated[Name, Field(json_schema_extra={"enum": [*DOCUMENTED_TYPES]})], ...]
#: The most enables that one run may make.
MaxChanges = Annotated[int, Field(ge=0)]
#: Customers in each wave of a backfill.
Waves = tuple[Annotated[int, Field(ge=1)], ...]
Approver = Annotated[Name, Field(min_length=1, max_length=200)]
#: How many somebody has seen; -1 is nobody who has said so, and 0 is a word that a plan with enables refuses.
Count = Annotated[int, Field(ge=-1)]
#: Empty is none. The form sends the defaults of what is left alone, and the server refuses a null that is no type's;
#: a choice between a type and nothing would be drawn as a pair of tabs.
File = Annotated[str | None, WithJsonSchema({"type": "string"})]
Day = Annotated[date | str | None, WithJsonSchema({"type": "string", "pattern": r"^(\d{4}-\d{2}-\d{2})?$"})]
#: Empty is nobody who has said so.
Applier = Annotated[Name, Field(max_length=200)]
Hours = Annotated[float, Field(gt=0, le=24)]


def or_nothing(given: Any) -> Any:
    """None for what was left empty."""
    return None if given == "" else given


def names_by_id(given: Any) -> Any:
    """Names by id, also from lines like `acme=Acme Ltd`; what is neither is left as it is. Raises ValueError."""
    if isinstance(given, Mapping | str) or not isinstance(given, Sequence):
        return given
    by_id: dict[str, str] = {}
    for line in given:
        customer_id, equals, name = (part.strip() for part in str(line).partition("="))
        if not equals or not customer_id or not name:
            raise ValueError(f"write each new customer as id=name, like acme=Acme Ltd, not {str(line)[:80]!r}")
        if by_id.setdefault(customer_id, name) != name:
            raise ValueError(f"the new customer {customer_id[:80]!r} is given two names")
    return by_id
