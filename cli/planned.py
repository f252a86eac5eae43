"""`plans`: all of a stored plan, for whoever is to approve it."""

from typing import Any

from rich.table import Table

from cli.opening import ats_database
from cli.render import console_for_people, plain, print_database, print_json
from greenlight.ats.plans import Line, Plans
from greenlight.domain.plan import Action


def run_plans(plan_id: str, *, as_json: bool) -> int:
    database = ats_database()
    lines = Plans(database).lines(plan_id)
    count = sum(line.action is Action.ENABLE for line in lines)
    if as_json:
        print_json(_document(plan_id, count, lines) | {"database": database.name})
        return 0
    table = Table("", "customer", "integration", "context", "reason", box=None, pad_edge=False, header_style="bold")
    for line in lines:
        key = line.item.key
        sign = "+ enable" if line.action is Action.ENABLE else ""
        cells = (sign, line.item.customer_id, key.integration_type, key.integration_context, line.reason)
        table.add_row(*(plain(cell) for cell in cells))
    console = console_for_people()
    console.print(table)
    console.print(plain(f"Plan {plan_id}: enables {count} of {len(lines)}."))
    print_database(database.name, console)
    return 0


def _document(plan_id: str, count: int, lines: list[Line]) -> dict[str, Any]:
    return {
        "schema": "greenlight.plan/1",
        "plan_id": plan_id,
        "enables": count,
        "items": [
            {
                **line.item.as_json(),
                "action": line.action.value,
                "reason": line.reason.value,
            }
            for line in lines
        ],
    }
