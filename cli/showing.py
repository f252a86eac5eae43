"""`status` and `explain`: what the ATS database knows. They ask LinkedIn nothing and need no Prefect."""

from cli.opening import ats_database
from cli.render import console_for_people, plain, print_database, print_explanation, print_json, print_report
from greenlight.ats.applications import Applications
from greenlight.ats.candidates import Application
from greenlight.ats.clock import time_of
from greenlight.ats.holds import Holds
from greenlight.ats.pauses import Pauses
from greenlight.ats.runs import Runs
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.settings import load_settings

_FIRST = (
    "No customer is on record yet. First: `greenlight import FILE` brings in customers who have API keys, "
    "`greenlight provision --new ID=NAME` makes a new one an application. Then: `greenlight plan`"
)
_NEXT = (
    "No integration is wanted yet: a customer's admin requests them on the page that `greenlight link CUSTOMER` "
    "opens, or `greenlight import FILE` names them"
)


def run_status(customers: tuple[str, ...], excluded: tuple[str, ...], types: tuple[str, ...], *, as_json: bool) -> int:
    runs = Runs(ats_database())
    report = runs.known(Command.STATUS, Selection(customers=customers, excluded=excluded, types=types))
    if as_json:
        print_json(report.as_json())
        return report.exit_code
    console = console_for_people()
    print_report(report, console)
    if not report.items:
        console.print(plain(_NEXT if runs.has_customers() else _FIRST))
    return report.exit_code


def run_explain(customer: str, *, as_json: bool) -> int:
    database = ats_database()
    runs = Runs(database)
    report = runs.known(Command.EXPLAIN, Selection(customers=(customer,)))
    if as_json:
        print_json(report.as_json())
        return report.exit_code
    attempts: dict[str, list[str]] = {}
    for key, attempt in runs.attempts(customer):
        end = f"{attempt.outcome} at {attempt.closed_at:%H:%M:%SZ}" if attempt.closed_at else "not settled yet"
        attempts.setdefault(str(key), []).append(f"sent at {attempt.opened_at:%Y-%m-%d %H:%M:%SZ}, {end}")
    console = console_for_people()
    console.print(plain(_application(Applications(database).on_record(customer))))
    for pause in Pauses(database).now_in_force([customer], time_of(database)).values():
        console.print(plain(f"Paused {pause.words()}"))
    for held in Holds(database).on_record([customer]):
        since, integration = f"{held.since:%Y-%m-%d %H:%M:%SZ}", held.item.key.integration_type
        console.print(plain(f"{integration} is held since {since}: {held.reason}, {held.saw}"))
    console.print()
    print_explanation(report, attempts, console, load_settings().recheck_days)
    if not report.items:
        console.print(plain("No integration is wanted: the customer's admin requests them in the portal."))
    print_database(database.name, console)
    return report.exit_code


def _application(held: Application | None) -> str:
    if held is None:
        return "No child application: `greenlight provision` makes one, or import the customer's own."
    where = held.urn or "imported, not made by provisioning"
    works = "" if held.works or held.urn is None else "; LinkedIn has not accepted its credentials yet"
    return f"Child application {held.client_id} ({where}){works}."
