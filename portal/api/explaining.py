"""What a caller is told of a code on record. One that a newer version has written is passed on as it is."""

from typing import Annotated

from pydantic import Field

from greenlight.domain.reasons import EXPLANATIONS, Explanation, Mover, Outcome
from greenlight.domain.status import Status

_BY_CODE: dict[str, Explanation] = {reason.value: told for reason, told in EXPLANATIONS.items()}
#: While an upgrade is under way a newer worker writes what an older portal has no words for.
_OF_A_NEWER_VERSION = Explanation(
    "This reason was written by a newer version than that of the portal.",
    "Nothing to do while an upgrade is under way; if it lasts, upgrade the portal too.",
    Mover.NOBODY,
    "a newer version",
)

#: Not enumerations: a newer version may have more, and a client must not refuse them.
StatusOnRecord = Annotated[str, Field(examples=[status.value for status in Status], description="More may come")]
OutcomeOnRecord = Annotated[str, Field(examples=[outcome.value for outcome in Outcome], description="More may come")]


def told_of(reason: str) -> Explanation:
    """What is told of a reason, also of one that this version does not know."""
    return _BY_CODE.get(reason, _OF_A_NEWER_VERSION)
