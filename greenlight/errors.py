"""What keeps something from being done, told by who must act; what is shown of it follows from its kind alone."""

from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """Who must act."""

    #: Whoever gave it: arguments, a file, a setting.
    INPUT = "input"
    #: A rule that is there on purpose is in the way; a person with the right to do so satisfies it.
    REFUSED = "refused"
    LINKEDIN = "linkedin"
    PREFECT = "prefect"
    DATABASE = "database"
    #: We: nobody else can do anything about it.
    DEFECT = "defect"


class GreenlightError(Exception):
    """Why something was not done. Neither text has a secret in it; `str()` is what people read, one sentence.

    `remedy` is what to do: what the raiser says, else what its class says.
    """

    kind: ClassVar[Kind] = Kind.DEFECT
    _remedy: ClassVar[str] = "report it, with what GREENLIGHT_TRACEBACK=1 shows"

    def __init_subclass__(cls, *, kind: Kind | None = None, remedy: str | None = None) -> None:
        super().__init_subclass__()
        if kind is not None:
            cls.kind = kind
        if remedy is not None:
            cls._remedy = remedy

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message if remedy is None else f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy or self._remedy


class BadInput(GreenlightError, kind=Kind.INPUT, remedy="correct what was given, then run this again"):
    """What was given cannot be used."""


class RefusedByRule(GreenlightError, kind=Kind.REFUSED, remedy="do what the rule asks for, then run this again"):
    """It could be done, and a rule says no."""


class LinkedInTrouble(GreenlightError, kind=Kind.LINKEDIN, remedy="run it again later; `greenlight explain` says more"):
    """LinkedIn did not give what was asked for."""


class PrefectTrouble(GreenlightError, kind=Kind.PREFECT, remedy="`greenlight doctor` says what is wrong with Prefect"):
    """Prefect's API did not do its part."""


class DatabaseTrouble(GreenlightError, kind=Kind.DATABASE, remedy="`greenlight doctor` says what is wrong with it"):
    """The ATS database did not do its part."""


class Defect(GreenlightError, kind=Kind.DEFECT):
    """An error that nobody foresaw."""
