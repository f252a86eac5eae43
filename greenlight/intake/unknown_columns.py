"""Column names that are almost right."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from greenlight.intake.rows import COLUMNS, quoted

#: Unknown columns that are told one by one.
_MOST_LISTED = 8
_SQUEEZED = {name.replace("_", ""): name for name in COLUMNS}
# What stands where a name should be but is none may be a damaged row, and that is never quoted.
_NAME = re.compile(r"[\w .()#/-]+")


@lru_cache(maxsize=1024)
def nearest_column(name: str) -> str | None:
    """The column that `name` probably means, or None."""
    if len(name) > 40 or _NAME.fullmatch(name) is None:
        return None
    squeezed = "".join(char for char in name.lower() if char.isalnum())
    close = get_close_matches(squeezed, _SQUEEZED, n=1, cutoff=0.8)
    return _SQUEEZED[close[0]] if close else None


def unknown_names(names: Iterable[str | None], kind: str, secrets: Iterable[str] = ()) -> list[str]:
    """One sentence for each of `names` that is no column, where None only counts.

    `secrets` are never quoted, and no row fills the screen.
    """
    unknown = {name: number for number, name in enumerate(names, 1) if name is not None and name not in COLUMNS}
    hidden = [secret for secret in secrets if secret]
    told = [_sentence(name, number, kind, hidden) for name, number in list(unknown.items())[:_MOST_LISTED]]
    if len(unknown) > _MOST_LISTED:
        told.append(f"has {len(unknown) - _MOST_LISTED} more unknown {kind}s")
    return told


def _sentence(name: str, number: int, kind: str, hidden: list[str]) -> str:
    if not name:
        return f"has a {kind} without a name (number {number})"
    if any(secret in name for secret in hidden):
        return f"has an unknown {kind} that repeats the client_secret (number {number})"
    if _NAME.fullmatch(name) is None:
        return f"has a {kind} that does not look like a name (number {number})"
    near = nearest_column(name)
    return f"has an unknown {kind} {quoted(name)}" + (f"; did you mean {near}?" if near else "")
