"""`pause` and `resume`: nothing is enabled for a customer for a while, because somebody says so."""

import getpass
from datetime import timedelta

from cli.errors import CannotRun
from cli.opening import ats_database
from cli.render import console_for_people, plain, print_json
from greenlight.ats.clock import time_of
from greenlight.ats.pauses import LONGEST, LONGEST_REASON, Pause, Pauses
from greenlight.ats.store import UnknownCustomer
from greenlight.domain.formatting import iso

SCHEMA = "greenlight.pause/1"
_MOST_HOURS = LONGEST // timedelta(hours=1)


def run_pause(customer: str, reason: str, hours: float, by: str | None, *, as_json: bool) -> int:
    if not 0 < hours <= _MOST_HOURS:
        raise CannotRun("--hours is how long the pause lasts", f"give more than 0 and at most {_MOST_HOURS}")
    if not reason.strip() or not reason.isprintable() or len(reason) > LONGEST_REASON:
        raise CannotRun(f"--reason is one line of 1 to {LONGEST_REASON} characters that says why")
    database = ats_database()
    now = time_of(database)
    pause = Pause(customer, reason.strip(), by or getpass.getuser(), now, now + timedelta(hours=hours))
    Pauses(database).begin(pause)
    if as_json:
        document = {"schema": SCHEMA, "command": "pause", "customer_id": customer, "reason": pause.reason}
        print_json(document | {"paused_by": pause.owner, "from": iso(pause.since), "until": iso(pause.until)})
        return 0
    console_for_people().print(plain(f"{customer} is paused {pause.words()}"))
    return 0


def run_resume(customer: str, *, as_json: bool) -> int:
    if not Pauses(ats_database()).end(customer):
        raise UnknownCustomer(f"customer {customer!r} is not paused")
    if as_json:
        print_json({"schema": SCHEMA, "command": "resume", "customer_id": customer})
        return 0
    console_for_people().print(plain(f"{customer} goes on: the next run enables what is ready."))
    return 0
