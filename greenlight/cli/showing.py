"""`status` and `explain`: what the ATS database knows. They ask LinkedIn nothing and need no Prefect."""

from greenlight.ats.database import open_database
from greenlight.ats.runs import Runs
from greenlight.cli.render import console_for_people, print_explanation, print_json, print_report
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.settings import load_settings


def run_status(customers: tuple[str, ...], excluded: tuple[str, ...], types: tuple[str, ...], *, as_json: bool) -> int:
    runs = _open()
    report = runs.known(Command.STATUS, Selection(customers=customers, excluded=excluded, types=types))
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, console_for_people())
    return report.exit_code


def run_explain(customer: str, *, as_json: bool) -> int:
    runs = _open()
    report = runs.known(Command.EXPLAIN, Selection(customers=(customer,)))
    if as_json:
        print_json(report.as_json())
        return report.exit_code
    attempts: dict[str, list[str]] = {}
    for key, attempt in runs.attempts(customer):
        end = f"{attempt.outcome} at {attempt.closed_at:%H:%M:%SZ}" if attempt.closed_at else "not settled yet"
        attempts.setdefault(str(key), []).append(f"sent at {attempt.opened_at:%Y-%m-%d %H:%M:%SZ}, {end}")
    print_explanation(report, attempts, console_for_people())
    return report.exit_code


def _open() -> Runs:
    return Runs(open_database(load_settings().database_url.get_secret_value()))
