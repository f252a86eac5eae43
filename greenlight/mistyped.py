"""Variables that are named like a setting and are none: a mistyped one would silently leave its default in force."""

import os
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from dotenv import dotenv_values

#: Read by the command line itself, and no settings.
_OTHERS = ("TRACEBACK", "KEYS_PASSPHRASE", "KEYS_PASSPHRASE_FILE")
#: So alike that the one must be meant for the other; less alike is still worth a hint.
_MEANT, _ALIKE = 0.85, 0.6


def named_like_settings(prefix: str, file: str) -> Mapping[str, str]:
    """The environment's and the file's variables with this prefix, in capitals and without it. Raises OSError,
    ValueError where the file cannot be read."""
    given = {**dotenv_values(file, interpolate=False), **os.environ}
    short = {name.upper().removeprefix(prefix): value or "" for name, value in given.items() if _begins(name, prefix)}
    # Kubernetes names a service's addresses after the service, which may well be called greenlight.
    services = [name.removesuffix("SERVICE_HOST") for name in short if name.endswith("SERVICE_HOST")]
    theirs = tuple(service + what for service in services for what in ("SERVICE_", "PORT"))
    return {name: value for name, value in short.items() if not (theirs and name.startswith(theirs))}


def _begins(name: str, prefix: str) -> bool:
    return name.upper().startswith(prefix)


def mistyped(given: Collection[str], known: Collection[str]) -> dict[str, str | None]:
    """Of the given names those that nobody reads, each with the known one that is most like it, if one is."""
    readable = {*known, *_OTHERS}
    found: dict[str, str | None] = {}
    for name in sorted(set(given) - readable):
        nearest = get_close_matches(name, sorted(readable), 1, _ALIKE)
        found[name] = nearest[0] if nearest else None
    return found


def is_meant_for(name: str, known: str) -> bool:
    return bool(get_close_matches(name, [known], 1, _MEANT))
