"""`rotate`: new secrets for child applications."""

from typing import Any

from rich.console import Console
from rich.text import Text

from cli.errors import CannotRun
from cli.opening import ats_database
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_database, print_json, table_of
from cli.running import run_flow
from greenlight.ats.applications import Applications
from greenlight.ats.rotations import Rotations
from greenlight.domain.provisioning import Provision
from greenlight.domain.reasons import EXPLANATIONS
from greenlight.domain.rotation import RotationReport, outcome_word

_SIGNS = {Provision.UPDATED: ("+", "green"), Provision.WAITING: ("?", "yellow"), Provision.FAILED: ("!", "red")}


def run_rotate(customers: tuple[str, ...], *, everybody: bool, as_json: bool) -> int:
    """Run the rotate flow here and show its report."""
    if everybody == bool(customers):
        raise CannotRun("nobody is named", "name customers with --customer ID, or give --all")
    database = ats_database()
    Rotations(database).select(customers)
    quiet_prefect()

    def start() -> Any:
        from flows.rotate import rotate

        return rotate(customers, everybody, return_state=True)

    ended = Applications(database).report(run_flow(start))
    report = RotationReport(ended.run_id, ended.items, ended.requests)
    if as_json:
        print_json(report.as_json() | {"database": database.name})
    else:
        console = console_for_people()
        _print(report, console)
        print_database(database.name, console)
    return report.exit_code


def _print(report: RotationReport, console: Console) -> None:
    """The table, then what is left for a person to do."""
    table = table_of("", "customer", "client id", "outcome", "reason")
    for item in report.items:
        sign, colour = _SIGNS[item.outcome]
        table.add_row(
            Text(sign, style=colour),
            plain(item.customer_id),
            plain(item.client_id or ""),
            Text(outcome_word(item.outcome), style=colour),
            Text(item.reason.value),
        )
    if report.items:
        console.print(table)
        console.print()
    console.print(plain(report.headline()[:1].upper() + report.headline()[1:]))
    if report.counts()[Provision.UPDATED]:
        console.print(
            plain(
                "The old secrets still work until a person deletes them in LinkedIn's developer portal; "
                "until then these cannot be rotated again."
            )
        )
    for item in report.items:
        if item.outcome is Provision.WAITING:
            console.print(plain(f"{item.customer_id}: to go back: greenlight credentials restore {item.customer_id}"))
    for item in report.unsettled():
        console.print(plain(f"{item.customer_id}: {item.message} {EXPLANATIONS[item.reason].remedy}"))
