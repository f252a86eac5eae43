"""The command line (docs/interface.md#commands): parsing and exit codes. Prefect is imported only where needed."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError
from rich.console import Console

from cli.api_key_commands import api_keys
from cli.config import config, versions
from cli.errors import EXIT_CODE, as_ours, print_error, wants_json
from cli.groups import CUSTOMERS, ENABLE, KEEP, LOOK, OTHER, SERVE, SET_UP
from cli.key_commands import credentials, keys
from cli.migrating import migrate
from cli.opening import closing_databases
from cli.options import Customers, Excluded, Json, MaxChanges, Types, Yes
from cli.parting import leave
from cli.plan_commands import plans
from cli.provision_commands import provision
from cli.pruning import prune
from cli.tripwire_commands import tripwires
from cli.webhook_commands import webhooks
from cli.withdrawal_commands import forget, sessions, withdraw
from greenlight.errors import GreenlightError
from greenlight.settings import pointed_out

_HELP = """Take customers' LinkedIn integrations from requested to enabled, and keep proving it.

Exit codes: 0 finished, nothing left for us to do; 1 could not run; 2 plan: changes are pending;
3 finished, but at least one item failed, is unknown or was held back.
"""

#: What needs no traceback to be understood.
_TOLD = (GreenlightError, CycloptsError, KeyboardInterrupt)
_STDERR = Console(stderr=True, emoji=False)

app = App(
    name="greenlight",
    version=versions,
    help=_HELP,
    error_console=_STDERR,
    result_action="return_value",
    # Where one is worth saying, its help says it.
    default_parameter=Parameter(show_default=False),
)
for each in (plans, tripwires, credentials, sessions, keys, api_keys, webhooks):
    app.command(each)
app.command(migrate, group=SET_UP)
app.command(config, group=SET_UP)
app.command(provision, group=CUSTOMERS)
app.command(withdraw, group=CUSTOMERS)
app.command(forget, group=CUSTOMERS)
app.command(prune, group=KEEP)
for each in ("--help", "--version"):
    app[each].group = (OTHER,)
app.register_install_completion_command(group=OTHER, help="Install completion for this shell.")


@app.command(group=SET_UP)
def demo(
    *,
    fresh: Annotated[bool, Parameter(negative=(), help="Forget earlier demos.")] = False,
    portal: Annotated[bool, Parameter(negative=(), help="Leave the customers' page open until stopped.")] = False,
    json: Json = False,
) -> int:
    """Show the whole story on a local sandbox: nothing to install, no network."""
    from cli.demo import run_demo

    return run_demo(fresh=fresh, portal=portal, as_json=json)


@app.command(name="import", group=CUSTOMERS)
def import_(
    file: str,
    /,
    *,
    replace: Annotated[
        tuple[str, ...],
        Parameter(
            name="--replace-credentials",
            negative=(),
            help="This customer's child application gives way to the one in FILE, if LinkedIn accepts that.",
        ),
    ] = (),
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Bring customers, their existing API keys and their integrations in from FILE (CSV, JSON Lines, .xlsx)."""
    from cli.importing import run_import

    return run_import(file, replace=replace, yes=yes, as_json=json)


@app.command(group=ENABLE)
def plan(
    *,
    customers: Customers = (),
    excluded: Excluded = (),
    types: Types = (),
    max_changes: MaxChanges = None,
    json: Json = False,
) -> int:
    """Look, compare, print what would be enabled and its price in requests, and store it. Enables nothing."""
    from cli.running import run_plan

    return run_plan(customers, excluded, types, max_changes, as_json=json)


@app.command(group=ENABLE)
def apply(
    plan_id: str | None = None,
    /,
    *,
    customers: Customers = (),
    excluded: Excluded = (),
    types: Types = (),
    max_changes: MaxChanges = None,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Enable what customers have requested; with PLAN_ID exactly what that plan enables. Cannot be undone."""
    from cli.running import run_apply

    return run_apply(plan_id, customers, excluded, types, max_changes, yes=yes, as_json=json)


@app.command(group=ENABLE)
def approve(
    plan_id: str,
    /,
    *,
    by: Annotated[str | None, Parameter(help="Who approves it (you unless given).")] = None,
    enables: Annotated[
        int | None, Parameter(help="How many it enables; needed where they are more than can be shown.")
    ] = None,
    json: Json = False,
) -> int:
    """Approve PLAN_ID, so that it can be applied once, by its id, until it expires."""
    from cli.running import run_approve

    return run_approve(plan_id, by, enables, as_json=json)


@app.command(group=LOOK)
def status(*, customers: Customers = (), excluded: Excluded = (), types: Types = (), json: Json = False) -> int:
    """Show every integration's last known state. Asks LinkedIn nothing."""
    from cli.showing import run_status

    return run_status(customers, excluded, types, as_json=json)


@app.command(group=LOOK)
def explain(customer: str, /, *, json: Json = False) -> int:
    """Show why each integration of CUSTOMER is where it is, whose move it is, and what to do."""
    from cli.showing import run_explain

    return run_explain(customer, as_json=json)


@app.command(group=ENABLE)
def pause(
    customer: str,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why, for whoever wonders.")],
    hours: Annotated[float, Parameter(help="How long it lasts (24 unless given).")] = 24,
    by: Annotated[str | None, Parameter(help="Who says so (you unless given).")] = None,
    json: Json = False,
) -> int:
    """Enable nothing for CUSTOMER for some hours, whatever it requests; looking goes on."""
    from cli.pausing import run_pause

    return run_pause(customer, reason, hours, by, as_json=json)


@app.command(group=ENABLE)
def resume(customer: str, /, *, json: Json = False) -> int:
    """End CUSTOMER's pause."""
    from cli.pausing import run_resume

    return run_resume(customer, as_json=json)


@app.command(group=SET_UP)
def parent(file: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None, /, *, json: Json = False) -> int:
    """Store the parent application's credentials: from FILE (JSON: client_id, client_secret), - for stdin, or typed."""
    from cli.provisioning import run_parent

    return run_parent(file, as_json=json)


@app.command(group=CUSTOMERS)
def rotate(
    *,
    customers: Customers = (),
    all_: Annotated[bool, Parameter(name="--all", negative=(), help="Every customer that provision made one.")] = False,
    json: Json = False,
) -> int:
    """Give child applications new secrets, stored and tried. The old ones stay good until you delete them."""
    from cli.rotating import run_rotate

    return run_rotate(customers, everybody=all_, as_json=json)


@app.command(group=LOOK)
def doctor(
    *,
    customers: Annotated[
        tuple[str, ...],
        Parameter(name="--customer", negative=(), help="Try only this customer's credentials; repeatable."),
    ] = (),
    all_: Annotated[bool, Parameter(name="--all", negative=(), help="Try every customer's, not the first 50.")] = False,
    json: Json = False,
) -> int:
    """Look at everything that a run needs, say what is wrong and what to do about it. Changes nothing."""
    from cli.doctor import run_doctor

    return run_doctor(customers, everybody=all_, as_json=json)


@app.command(group=CUSTOMERS)
def link(customer: str, /, *, json: Json = False) -> int:
    """Print a link that opens CUSTOMER's page in the portal: once, within 15 minutes."""
    from cli.serving import run_link

    return run_link(customer, as_json=json)


@app.command(group=SERVE)
def portal(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on (127.0.0.1 unless given).")] = None,
    port: Annotated[
        int | None, Parameter(help="Port to listen on (8780, or that of an http GREENLIGHT_PORTAL_URL).")
    ] = None,
    json: Json = False,
) -> int:
    """Serve the customers' page and its callback until stopped."""
    from cli.serving import run_portal

    return run_portal(host, port, as_json=json)


@app.command(group=SERVE)
def worker(*, json: Json = False) -> int:
    """Act on what customers request in the plugin, within seconds, until stopped."""
    from cli.serving import run_worker

    return run_worker(as_json=json)


@app.command(group=SERVE)
def sandbox(
    *,
    host: Annotated[str, Parameter(help="Address to listen on (127.0.0.1 unless given).")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on (8765 unless given), 0 for a free one.")] = 8765,
    world: Annotated[Path | None, Parameter(help="A world file (JSON); see sandbox/README.md.")] = None,
    json: Json = False,
) -> int:
    """Serve the local LinkedIn stand-in until stopped."""
    from cli.serving import run_sandbox

    return run_sandbox(host, port, world, as_json=json)


def main() -> None:
    """The console command. Ends with an exit code of docs/interface.md#exit-codes, never with a traceback."""
    leave(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Do what a command line says and return its exit code; what kept it from being done has been told then."""
    for sentence in pointed_out():
        _STDERR.print(f"greenlight: warning: {sentence}", markup=False, highlight=False, soft_wrap=True)
    try:
        with closing_databases():
            code = app(list(arguments), exit_on_error=False, print_error=True)
    except BrokenPipeError:
        # The reader of our output has gone; keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_CODE
    except (Exception, KeyboardInterrupt) as error:
        ours = as_ours(error)
        if wants_json(arguments):
            print_error(ours)
        if os.environ.get("GREENLIGHT_TRACEBACK") and not isinstance(error, _TOLD):
            raise
        if not isinstance(error, CycloptsError):
            # What is wrong with arguments has been printed, with where.
            _STDERR.print(f"greenlight: {ours}", markup=False, highlight=False, soft_wrap=True)
        return EXIT_CODE
    return code if isinstance(code, int) else 0
