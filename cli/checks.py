"""What a check says, and the checks of `doctor` that need neither Prefect nor LinkedIn."""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlmodel import col, select

from cli.errors import CannotRun, said_plainly
from greenlight.ats.budgets import Budgets
from greenlight.ats.clock import DatabaseClock
from greenlight.ats.database import Database
from greenlight.ats.places import place_of
from greenlight.ats.revisions import Schema
from greenlight.ats.rows import SKEW
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import ChildApplication, Customer
from greenlight.ats.waiting import DatabaseUnavailable
from greenlight.domain.report import first_ten
from greenlight.settings import InvalidSettings, Settings, load_settings, pointed_out

#: The share of a day's requests from which a person should know.
NEARLY_SPENT = 0.75
_Done = TypeVar("_Done")


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was found, how it was tried, and what to do. Never a secret."""

    name: str
    state: State
    found: str
    tried: str = ""
    remedy: str = ""
    customers: Sequence[str] = field(default=())

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state.value,
            "found": self.found,
            "tried": self.tried,
            "remedy": self.remedy,
            "customers": list(self.customers),
        }


@dataclass(frozen=True, slots=True)
class Held:
    """A customer's application on record: where its secret is."""

    customer_id: str
    client_id: str
    block: str


def ok(name: str, found: str, tried: str = "") -> Finding:
    return Finding(name, State.OK, found, tried)


def warning(name: str, found: str, tried: str, remedy: str, customers: Sequence[str] = ()) -> Finding:
    return Finding(name, State.WARNING, found, tried, remedy, customers)


def problem(name: str, found: str, tried: str, remedy: str, customers: Sequence[str] = ()) -> Finding:
    return Finding(name, State.PROBLEM, found, tried, remedy, customers)


def not_looked_at(name: str, why: str) -> Finding:
    return warning(name, f"not looked at: {why}", "nothing", "mend that first, then run doctor again")


def within(seconds: float, name: str, check: Callable[[], _Done]) -> _Done | Finding:
    """What `check` returns, or a problem where it raises or is not done in time. An order that cannot be carried out,
    CannotRun or UnknownCustomer, is raised on."""
    ended: list[_Done | BaseException] = []

    def run() -> None:
        try:
            ended.append(check())
        except BaseException as error:
            ended.append(error)

    # A daemon, since nothing else ends a thread that hangs in a system call.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        return problem(name, f"no end within {seconds:g} s", "waiting", "see whether what it talks to hangs")
    result = ended[0]
    if isinstance(result, CannotRun | UnknownCustomer):
        raise result
    return failed(name, result) if isinstance(result, BaseException) else result


def failed(name: str, error: BaseException) -> Finding:
    """The finding for a check that could not be made."""
    return problem(name, said_plainly(error), "the check itself", "mend what it says; if it says nothing, report it")


def check_settings() -> tuple[Settings | None, list[Finding]]:
    try:
        settings = load_settings()
    except InvalidSettings as error:
        # A sentence may have semicolons of its own; each begins with its variable.
        sentences = re.split(r"; (?=GREENLIGHT_[A-Z_]+ )", str(error))
        tried = "the environment and .env of this folder"
        return None, [problem("settings", each, tried, "correct the variable") for each in sentences]
    url, tried = settings.linkedin_api_url, "the environment and .env of this folder"
    unknown = [warning("settings", each, tried, "correct the name, or remove the variable") for each in pointed_out()]
    return settings, [ok("settings", f"all can be used; LinkedIn is {url}", tried), *unknown]


def check_schema(named: str, looked: "tuple[Database, Schema] | None") -> Finding:
    """Where the database of this address is open: whether its schema is this version's."""
    name, tried = "database", "opening it, for reading alone"
    if looked is None:
        remedy = "correct GREENLIGHT_DATABASE_URL, or make a new one there: greenlight migrate"
        return problem(name, f"there is no database {named}", tried, remedy)
    schema = looked[1]
    here = f"{named}: revision {schema.there or 'none'} in the database, {schema.newest} in this version"
    if not schema.known:
        return problem(name, here, tried, "another version made it: install that one, or a newer one")
    if not schema.is_newest:
        return problem(
            name, here, tried, "back it up, stop what still runs of the older version, then greenlight migrate"
        )
    return ok(name, here, tried)


def check_place(database: Database) -> Finding:
    """Where it is, how fast it answers, and whether it can be written."""
    name, tried = "database writes", "asking it; nothing was written"
    place = place_of(database)
    found = f"{place.words}; an answer takes {place.seconds * 1000:.1f} ms"
    if place.closed is None:
        return ok(name, f"{found}; it can be written", tried)
    remedy = "point GREENLIGHT_DATABASE_URL at the primary, grant its user the tables, or make room on its disk"
    return problem(name, f"{found}; it cannot be written: {place.closed}", tried, remedy)


def unreachable(error: DatabaseUnavailable) -> Finding:
    remedy = "start the database, or correct GREENLIGHT_DATABASE_URL"
    return problem("database", str(error), "opening it, for reading alone", remedy)


def customers_to_try(database: Database, named: Sequence[str], most: int | None) -> tuple[list[Held], list[str], int]:
    """Applications on record, at most so many; those named that have none; how many are left out.

    Raises UnknownCustomer.
    """
    query = select(Customer.customer_id, ChildApplication).join(
        ChildApplication, col(ChildApplication.customer_id) == Customer.customer_id, isouter=True
    )
    with database.reading() as session:
        rows = list(session.exec(query.order_by(col(Customer.created_at), col(Customer.customer_id))))
    if missing := sorted(set(named) - {id for id, _ in rows}):
        raise UnknownCustomer(f"no customer {', '.join(map(repr, missing))} in the ATS database")
    asked = [row for row in rows if not named or row[0] in named]
    held = [Held(id, each.client_id, each.credentials_block) for id, each in asked if each is not None]
    tried = held if most is None or named else held[:most]
    return tried, [id for id, each in asked if each is None], len(held) - len(tried)


def check_database_clock(database: Database) -> Finding:
    """How far this host's clock is from the database's, by which runs go."""
    name, tried = "database clock", "asking the database what time it is"
    clock = DatabaseClock(database)
    clock.sync()
    if abs(clock.ahead) <= SKEW.total_seconds():
        return ok(name, "this host's clock and the database's are the same", tried)
    found = (
        f"this host's clock is {abs(clock.ahead):.0f} s {'ahead of' if clock.ahead > 0 else 'behind'} the database's"
    )
    remedy = "set the host's clock (NTP); runs go by the database's, links and approvals by the host's"
    return warning(name, found, tried, remedy)


def check_budget(database: Database, settings: Settings, now: datetime) -> Finding:
    """Requests to atsIntegrations that are spent on this UTC day, by application."""
    name, tried = "budget", "the day's counts in the ATS database"
    today = Budgets(database, settings.requests_per_day).today(now)
    if not today:
        return ok(name, f"nothing is spent yet today; {settings.requests_per_day} each", tried)
    spent = f"{len(today)} applications sent requests today, the most {today[0].spent} of {today[0].limit}"
    parked = [each.application for each in today if each.parked_until is not None]
    full = [each.application for each in today if each.spent >= NEARLY_SPENT * each.limit]
    if held := Budgets(database, settings.requests_per_day).at_their_share(now, settings.budget_scope):
        spent += f"; at their share of it until 00:00 UTC: {first_ten(held)}"
    if parked:
        return warning(name, f"{spent}; parked by LinkedIn: {first_ten(parked)}", tried, "wait for 00:00 UTC")
    if full:
        return warning(name, f"{spent}; nearly spent: {first_ten(full)}", tried, "leave the rest for the night")
    return ok(name, spent, tried)
