"""`plans list`, `plans show` and `plans discard`: parsing alone, as in `cli.app`."""

from typing import Annotated

from cyclopts import App, Parameter

from cli.groups import ENABLE
from cli.options import Json

plans = App(name="plans", group=ENABLE, help="Stored plans: list them, show all of one, discard one.")


@plans.default
def plans_list_or_show(plan_id: str | None = None, /, *, json: Json = False) -> int:
    """List the plans that can still be applied; with PLAN_ID show all of that one."""
    from cli.plans import run_list, run_show

    return run_list(everything=False, as_json=json) if plan_id is None else run_show(plan_id, as_json=json)


@plans.command(name="list")
def list_(
    *,
    all_: Annotated[bool, Parameter(name="--all", negative=(), help="Also those that are over.")] = False,
    json: Json = False,
) -> int:
    """List the plans that can still be applied, the newest first."""
    from cli.plans import run_list

    return run_list(everything=all_, as_json=json)


@plans.command
def show(plan_id: str, /, *, json: Json = False) -> int:
    """Show all of a stored plan: what it enables, then what it leaves, and why. Asks LinkedIn nothing."""
    from cli.plans import run_show

    return run_show(plan_id, as_json=json)


@plans.command
def discard(
    plan_id: str,
    /,
    *,
    by: Annotated[str | None, Parameter(help="Who says so (you unless given).")] = None,
    json: Json = False,
) -> int:
    """Never apply PLAN_ID, approved or not; who said so is on record. Enables nothing, takes nothing back."""
    from cli.plans import run_discard

    return run_discard(plan_id, by, as_json=json)
