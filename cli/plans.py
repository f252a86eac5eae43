"""`plans`: stored plans listed, shown whole for whoever is to approve them, and discarded."""

from collections import Counter
from datetime import datetime
from typing import Any

from cli.opening import ats_database
from cli.render import console_for_people, plain, print_database, print_json, table_of
from cli.tripwires import who_says_so
from greenlight.ats.clock import time_of
from greenlight.ats.plans import Line, Plans
from greenlight.ats.stored_plans import PlanState, StoredPlan, StoredPlans
from greenlight.domain.formatting import iso
from greenlight.domain.plan import Action


def run_list(*, everything: bool, as_json: bool) -> int:
    database = ats_database()
    there = StoredPlans(database).on_record(time_of(database))
    shown = there if everything else [each for each in there if not each.is_over]
    if as_json:
        counts = Counter(each.state for each in there)
        print_json(
            {
                "schema": "greenlight.plans/1",
                "command": "plans list",
                "database": database.name,
                "counts": {state.value: counts[state] for state in PlanState},
                "plans": [_stored(each) for each in shown],
            }
        )
        return 0
    table = table_of("plan", "state", "enables", "made", "ends", "by")
    for each in shown:
        who = each.discarded_by or each.approved_by or ""
        cells = (each.plan_id, each.state.value, f"{each.enables} of {each.items}")
        table.add_row(*map(plain, (*cells, _moment(each.created_at), _moment(each.expires_at), who)))
    console = console_for_people()
    if shown:
        console.print(table)
    over = sum(each.is_over for each in there)
    said = f"{len(there) - over} plans can be applied, {over} are over"
    console.print(plain(said + ("." if everything or not over else ": greenlight plans list --all.")))
    print_database(database.name, console)
    return 0


def run_show(plan_id: str, *, as_json: bool) -> int:
    database = ats_database()
    lines = Plans(database).lines(plan_id)
    stored = StoredPlans(database).one(plan_id, time_of(database))
    count = sum(line.action is Action.ENABLE for line in lines)
    if as_json:
        print_json(_document(stored, count, lines) | {"database": database.name})
        return 0
    table = table_of("", "customer", "integration", "context", "reason")
    for line in lines:
        key = line.item.key
        sign = "+ enable" if line.action is Action.ENABLE else ""
        cells = (sign, line.item.customer_id, key.integration_type, key.integration_context, line.reason)
        table.add_row(*(plain(cell) for cell in cells))
    console = console_for_people()
    console.print(table)
    console.print(plain(f"Plan {plan_id}: enables {count} of {len(lines)}."))
    console.print(plain(_where_it_stands(stored)))
    print_database(database.name, console)
    return 0


def run_discard(plan_id: str, by: str | None, *, as_json: bool) -> int:
    who, database = who_says_so(by), ats_database()
    stored = StoredPlans(database).discard(plan_id, who, time_of(database))
    if as_json:
        document = {"schema": "greenlight.plans/1", "command": "plans discard", "database": database.name}
        print_json(document | {"plans": [_stored(stored)]})
        return 0
    console_for_people().print(plain(_where_it_stands(stored)))
    return 0


def _where_it_stands(stored: StoredPlan) -> str:
    made = f"Made {_moment(stored.created_at)}"
    match stored.state:
        case PlanState.OPEN:
            return f"{made}, not approved; it ends {_moment(stored.expires_at)}: greenlight approve {stored.plan_id}"
        case PlanState.APPROVED:
            return f"{made}, approved by {stored.approved_by}: greenlight apply {stored.plan_id}"
        case PlanState.APPLIED:
            return f"{made}, applied {_moment(stored.used_at)} by run {stored.used_by_run}."
        case PlanState.DISCARDED:
            return f"{made}, discarded by {stored.discarded_by} at {stored.discarded_at}; it is never applied."
        case PlanState.EXPIRED:
            return f"{made}, and it has expired: greenlight plan makes a new one."


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%SZ}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _stored(each: StoredPlan) -> dict[str, Any]:
    return {
        "plan_id": each.plan_id,
        "state": each.state.value,
        "created_at": iso(each.created_at),
        "expires_at": _iso(each.expires_at),
        "enables": each.enables,
        "items": each.items,
        "approved_by": each.approved_by,
        "used_by_run": each.used_by_run,
        "used_at": _iso(each.used_at),
        "discarded_by": each.discarded_by,
        "discarded_at": each.discarded_at,
    }


def _document(stored: StoredPlan, count: int, lines: list[Line]) -> dict[str, Any]:
    return {
        "schema": "greenlight.plan/1",
        "plan_id": stored.plan_id,
        "enables": count,
        "plan": _stored(stored),
        "items": [
            {
                **line.item.as_json(),
                "action": line.action.value,
                "reason": line.reason.value,
            }
            for line in lines
        ],
    }
