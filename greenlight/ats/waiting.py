"""What passes by itself at a database, and waiting for it: a server that restarts, a deadlock, a lock of somebody's.

A unit of work is one transaction, repeated whole. Where the connection is lost during its COMMIT nobody can tell
whether it is done, so every unit leaves the same behind when it is done twice.
"""

import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum, StrEnum, auto
from functools import wraps
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from greenlight.errors import DatabaseTrouble

#: For how long a database is waited for that is away, or whose rows somebody else keeps.
PATIENCE_SECONDS = 30.0
#: Seconds before the first repetition, and the longest between two.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
#: Seconds after which whoever waits is told so.
_A_MOMENT = 1.0

_P = ParamSpec("_P")
_Done = TypeVar("_Done")
_Class = TypeVar("_Class", bound=type)
_ONCE: ContextVar[bool] = ContextVar("once", default=False)


class DatabaseUnavailable(DatabaseTrouble):
    """The ATS database cannot be used. The text names it without its password, or says what was hindered and how."""


class Hindrance(StrEnum):
    """What kept a transaction from its end. All but the last two may pass by itself."""

    AWAY = "away"
    LOCKED = "locked"
    CONFLICT = "conflict"
    READ_ONLY = "read-only"
    FULL = "full"
    TOO_SLOW = "too slow"
    FORBIDDEN = "forbidden"


_FINAL = (Hindrance.TOO_SLOW, Hindrance.FORBIDDEN)
_BY_STATE = {
    # A standby, or a primary that has just become one.
    "25006": Hindrance.READ_ONLY,
    "53100": Hindrance.FULL,
    "42501": Hindrance.FORBIDDEN,
    "40001": Hindrance.CONFLICT,
    "40P01": Hindrance.CONFLICT,
    "55P03": Hindrance.LOCKED,
    "57014": Hindrance.TOO_SLOW,
    # Ended by an administrator, crashed, starting up, no connection left, stopped because we had paused.
    **dict.fromkeys(("57P01", "57P02", "57P03", "53300", "25P03", "25P04"), Hindrance.AWAY),
}
#: SQLite's primary result codes (sqlite.org/rescode.html); a full disk can come as an I/O error.
_BY_CODE = {
    sqlite3.SQLITE_READONLY: Hindrance.READ_ONLY,
    sqlite3.SQLITE_FULL: Hindrance.FULL,
    sqlite3.SQLITE_IOERR: Hindrance.FULL,
}
#: The driver gives refusals to connect no code; these do not pass.
_FOR_GOOD = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|invalid port number|permission denied for database"
    r"|(database|role) \"[^\"]*\" does not exist|no such (database|user)"
    # Of TLS what both sides' certificates and settings decide; a connection that is cut may come back.
    r"|certificate|private key file|server does not support SSL|invalid sslmode"
)
_CROWDED = re.compile(r"too many (connections|clients)|remaining connection slots|max_client_conn|no more connections")
#: In the middle of its work a program waits for name resolution too; where it begins, the address is likely wrong.
_NOBODY_THERE = re.compile(r"failed to resolve host|could not translate host name")
_TABLE = re.compile(r"\b(?:FROM|UPDATE|INTO|JOIN|TABLE)\s+\"?(\w+)", re.IGNORECASE)


def hindrance(error: DBAPIError) -> Hindrance | None:
    """What the error says of a hindrance; None for any other error."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        return Hindrance.LOCKED if "locked" in str(cause) else _BY_CODE.get(code)
    state = getattr(cause, "sqlstate", None)
    if state is not None and (known := _BY_STATE.get(state)) is not None:
        return known
    lost = error.connection_invalidated or (state or "").startswith("08")
    if lost or (state is None and isinstance(error, OperationalError) and not _FOR_GOOD.search(str(cause))):
        return Hindrance.AWAY
    return None


def patiently(
    act: Callable[[], _Done],
    *,
    added_meanwhile: bool = False,
    opening: bool = False,
    waiting: Callable[[], None] | None = None,
) -> _Done:
    """Do it, and again after a pause while it is hindered by what may pass. Raises DatabaseUnavailable.

    `added_meanwhile`: also where somebody else has just added the row that it was to add.
    `opening`: not where its host has no address, since nothing has shown yet that there is such a host.
    `waiting` is called where it is waited for longer than a moment, more than once. Within `only_once` it is done once.
    """
    if _ONCE.get():
        return act()
    give_up, collisions = time.monotonic() + PATIENCE_SECONDS, 0
    for pause in _pauses():
        try:
            return act()
        except IntegrityError:
            collisions += 1
            if not added_meanwhile or collisions > 4:
                raise
            continue
        except DBAPIError as error:
            why = hindrance(error)
            if why is None or (opening and _NOBODY_THERE.search(str(error.orig))):
                raise
            if why in _FINAL or time.monotonic() + pause > give_up:
                raise DatabaseUnavailable(_sentence(why, error)) from None
        if waiting is not None and give_up - time.monotonic() < PATIENCE_SECONDS - _A_MOMENT:
            waiting()
        time.sleep(pause)
    raise AssertionError("there is always another pause")


@contextmanager
def only_once() -> Iterator[None]:
    """Within this nothing is repeated: it is part of something that is repeated whole."""
    mark = _ONCE.set(True)
    try:
        yield
    finally:
        _ONCE.reset(mark)


def unit(act: Callable[_P, _Done]) -> Callable[_P, _Done]:
    """A function that is one unit of work, or several that can all be repeated."""

    @wraps(act)
    def patient(*args: _P.args, **kwargs: _P.kwargs) -> _Done:
        # An iterator would be used up by the first try.
        kept: list[Any] = [list(each) if isinstance(each, Iterator) else each for each in args]
        again = cast("Callable[..., _Done]", act)
        return patiently(lambda: again(*kept, **kwargs))

    return patient


def units(stores: _Class) -> _Class:
    """A class each of whose public methods is such a unit."""
    for name, method in list(vars(stores).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            setattr(stores, name, unit(method))
    return stores


def reads(act: Callable[_P, _Done]) -> Callable[_P, _Done]:
    """A unit of work that writes nothing, so that nobody's lock is waited for when it is done with others."""
    vars(act)["reads"] = True
    return act


def only_reads(act: Callable[..., object]) -> bool:
    return getattr(act, "reads", False)


class Turn(IntEnum):
    """The order of what is done in one transaction, so that two hardly ever wait for each other.

    Customers, then integrations with their attempts, and last the days' requests, which all want to count in.
    """

    GIVE_BACK = auto()
    TAKE = auto()
    INTEND = auto()
    FIND = auto()
    COUNT = auto()


def in_turn(turn: Turn) -> Callable[[Callable[_P, _Done]], Callable[_P, _Done]]:
    """A unit of work that takes rows at that turn where it is done with others. Without one it is that of FIND."""

    def marked(act: Callable[_P, _Done]) -> Callable[_P, _Done]:
        vars(act)["turn"] = turn
        return act

    return marked


def turn_of(act: Callable[..., object]) -> Turn:
    return getattr(act, "turn", Turn.FIND)


def _pauses() -> Iterator[float]:
    """Seconds between tries: not the same for two who have met, and none long."""
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1)  # noqa: S311 - no secret
        pause = min(pause * 2, _LONGEST_PAUSE)


def cause_of(error: Exception) -> str:
    """What kept the database from being used: the sentence for a hindrance, else the driver's first line."""
    why = hindrance(error) if isinstance(error, DBAPIError) else None
    if why is not None and why is not Hindrance.AWAY and isinstance(error, DBAPIError):
        return _sentence(why, error)
    return _first_line(error)


def _first_line(error: Exception) -> str:
    return (str(getattr(error, "orig", None) or error).strip().splitlines() or [""])[0]


def _sentence(why: Hindrance, error: DBAPIError) -> str:
    found = _TABLE.search(error.statement or "")
    where = f"table {found[1]!r}" if found is not None else "a table"
    waited = f"{PATIENCE_SECONDS:g} s"
    match why:
        case Hindrance.AWAY if _CROWDED.search(str(error.orig)):
            return (
                f"the ATS database gave no further connection within {waited} ({cause_of(error)}): run fewer processes "
                "side by side, put PgBouncer before it, or raise the limit of the user of GREENLIGHT_DATABASE_URL"
            )
        case Hindrance.AWAY:
            return (
                f"the ATS database is away and did not come back within {waited} ({cause_of(error)}): "
                "start it and run this again"
            )
        case Hindrance.LOCKED:
            return (
                f"somebody else keeps rows of {where} in the ATS database locked for too long: end the "
                "transaction that is open in a console or another program (on PostgreSQL pg_stat_activity lists it "
                "with its state 'idle in transaction'), then run this again"
            )
        case Hindrance.CONFLICT:
            return (
                f"others write {where} in the ATS database all the time, and this got in between at no time within "
                f"{waited}: run it again when less runs beside it"
            )
        case Hindrance.READ_ONLY:
            return (
                "the ATS database takes no writes (it is a standby, or read-only): point GREENLIGHT_DATABASE_URL at "
                "the one that does, then run this again"
            )
        case Hindrance.FULL:
            return (
                f"the ATS database cannot write, since its disk is full or fails ({_first_line(error)}): make room, "
                "then run this again"
            )
        case Hindrance.FORBIDDEN:
            return (
                f"the ATS database does not let its user do that ({_first_line(error)}): grant the user of "
                "GREENLIGHT_DATABASE_URL all on the tables of its schema, then run this again"
            )
        case Hindrance.TOO_SLOW:
            return (
                f"a statement on {where} in the ATS database took too long and was stopped: see what else the server "
                "does, ANALYZE the table, then run this again"
            )
