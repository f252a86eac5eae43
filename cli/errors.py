"""Errors as people and programs read them: what, where, what to do, and who must act."""

import os
from collections.abc import Sequence
from typing import Any

import httpx
from cyclopts.exceptions import CycloptsError
from pydantic import ValidationError

from cli.prefect_way import address_of, trouble_with_prefect
from cli.render import print_json
from greenlight.errors import BadInput, Defect, GreenlightError, PrefectTrouble, RefusedByRule
from greenlight.linkedin.errors import clean
from greenlight.reconcile.provision import NotStored

SCHEMA = "greenlight.error/1"
#: Every one of them, whoever must act: it could not run.
EXIT_CODE = 1


class CannotRun(BadInput):
    """A command cannot do what it was asked."""


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, even where it cannot be read otherwise."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(each == "--json" or each.startswith("--json=") for each in options)


def print_error(error: GreenlightError, **more: Any) -> int:
    """The one document on stdout of a command that could not run; returns the exit code."""
    print_json({"schema": SCHEMA, "kind": error.kind, "message": error.message, "remedy": error.remedy, **more})
    return EXIT_CODE


def prefect_address() -> str:
    """Where the environment says that Prefect's API is, without a password."""
    url = os.environ.get("PREFECT_API_URL", "")
    return address_of(url) if url else "is not set"


def said_plainly(error: BaseException) -> str:
    """A sentence for any error. Those that are not ours are named and cut short."""
    return str(as_ours(error))


def as_ours(error: BaseException) -> GreenlightError:
    """Any error as one of ours, which says who must act."""
    if isinstance(error, NotStored) and (trouble := trouble_with_prefect()):
        return PrefectTrouble(f"{error}. {trouble}")
    if isinstance(error, GreenlightError):
        return error
    if isinstance(error, CycloptsError):
        command = " ".join(["greenlight", *(error.command_chain or ())])
        return BadInput(clean(str(error)), f"see `{command} --help`")
    if isinstance(error, KeyboardInterrupt):
        return RefusedByRule("stopped", "what was done is on record, run it again to go on")
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
        # Loads Prefect, whose client made this error.
        from blocks.asking import LOGIN_REFUSED

        return PrefectTrouble(LOGIN_REFUSED)
    if isinstance(error, httpx.HTTPError) or "Failed to reach API" in str(error):
        # Our own calls to LinkedIn never end in an exception: this is Prefect's client.
        return PrefectTrouble(
            trouble_with_prefect() or "Prefect's API did not answer for a moment, and does again: run this again"
        )
    if isinstance(error, ValidationError) and error.title == "Settings":
        # Ours are told as InvalidSettings.
        wrong = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors(include_input=False))
        return PrefectTrouble(
            f"Prefect's settings cannot be used ({clean(wrong)}): correct PREFECT_API_URL, or what else is PREFECT_…"
        )
    first_line = (str(error).strip().splitlines() or [""])[0]
    said = f"could not run: {type(error).__name__}: {clean(first_line)}"
    if isinstance(error, OSError) and error.filename is not None:
        return BadInput(said, "see that this user may read and write it, and that its disk has room")
    return Defect(said, "what was done so far is on record, and GREENLIGHT_TRACEBACK=1 shows where; report it")
