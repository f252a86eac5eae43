"""Whose approval counts. Pure."""

import unicodedata
from enum import StrEnum

#: The most enables of a plan that whoever approves it is shown one by one; of more, the number must be said.
SHOWN_AT_MOST = 5000


class Approvers(StrEnum):
    """Who may approve what somebody applies: anyone, also that person, or only another one."""

    ANYONE = "anyone"
    ANOTHER = "another"


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are spaced and in whatever case."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
