"""Errors as people read them: one sentence, what, where, what to do."""

import os

import httpx
from pydantic import ValidationError

from cli.prefect_way import address_of, trouble_with_prefect
from greenlight.ats.applications import NameDiffers
from greenlight.ats.columns import TooLong
from greenlight.ats.database import DatabaseUnavailable
from greenlight.ats.plans import PlanRefused, UnknownPlan
from greenlight.ats.registry import ApplicationReplaced, ClientIdTaken
from greenlight.ats.rotations import NotRotatable
from greenlight.ats.store import UnknownCustomer, UnknownType
from greenlight.ats.withdrawals import NotTakenBack
from greenlight.linkedin.errors import clean
from greenlight.reconcile.provision import CannotProvision, NotStored
from greenlight.settings import InvalidSettings

_PLAIN = (
    ApplicationReplaced,
    CannotProvision,
    ClientIdTaken,
    DatabaseUnavailable,
    InvalidSettings,
    NameDiffers,
    NotRotatable,
    NotStored,
    NotTakenBack,
    TooLong,
    UnknownCustomer,
    UnknownType,
    PlanRefused,
    UnknownPlan,
)


class CannotRun(Exception):
    """A command cannot do what it was asked. The text is for people."""


def prefect_address() -> str:
    """Where the environment says that Prefect's API is, without a password."""
    url = os.environ.get("PREFECT_API_URL", "")
    return address_of(url) if url else "is not set"


def said_plainly(error: BaseException) -> str:
    """A sentence for any error. Those that are not ours are named and cut short."""
    if isinstance(error, NotStored) and (trouble := trouble_with_prefect()):
        return f"{error}. {trouble}"
    if isinstance(error, _PLAIN):
        return str(error)
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
        # Loads Prefect, whose client made this error.
        from blocks.asking import LOGIN_REFUSED

        return LOGIN_REFUSED
    if isinstance(error, httpx.HTTPError) or "Failed to reach API" in str(error):
        # Our own calls to LinkedIn never end in an exception: this is Prefect's client.
        return trouble_with_prefect() or "Prefect's API did not answer for a moment, and does again: run this again"
    if isinstance(error, ValidationError) and error.title == "Settings":
        # Ours are told as InvalidSettings.
        wrong = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors(include_input=False))
        return f"Prefect's settings cannot be used ({clean(wrong)}): correct PREFECT_API_URL, or what else is PREFECT_…"
    first_line = (str(error).strip().splitlines() or [""])[0]
    return (
        f"could not run: {type(error).__name__}: {clean(first_line)} "
        "(set GREENLIGHT_TRACEBACK=1 to see where; what was done so far is on record)"
    )
