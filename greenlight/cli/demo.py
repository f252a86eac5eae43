"""`demo`: the main job from a file of customers to enabled integrations, on a LinkedIn of our own and on nothing else.

Its database, Prefect's data and what its LinkedIn remembers are kept in the user's data folder, so that a second demo
finds nothing left to do.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from rich.console import Console
from rich.rule import Rule

from greenlight.ats.database import open_database
from greenlight.ats.runs import Runs, Scope
from greenlight.cli.demo_world import DEMO_FILE, MISTYPED, customers_file, memory, remember, world
from greenlight.cli.importing import bring_in
from greenlight.cli.quiet import quiet_prefect
from greenlight.cli.render import console_for_people, plain, print_explanation, print_json, print_report
from greenlight.cli.running import apply_now, make_plan
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.intake import read_import
from greenlight.settings import Settings, load_settings


def run_demo(*, fresh: bool, as_json: bool) -> int:
    folder = user_data_path("greenlight") / "demo"
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    console = console_for_people(stderr=as_json)
    with _own_linkedin(folder):
        document = _story(load_settings(), folder, console)
    if as_json:
        print_json(document)
    return 0


def _story(settings: Settings, folder: Path, console: Console) -> dict[str, Any]:
    database = open_database(settings.database_url.get_secret_value())
    runs = Runs(database)

    _chapter(console, "1. A file of customers comes in", f"greenlight import {DEMO_FILE}")
    brought = bring_in(_read(folder, mistyped=not memory(folder)), database, Console(stderr=True, emoji=False))
    console.print(
        plain(f"{brought['customers_added']} new customers, {brought['credentials_written']} credentials stored.")
    )

    _chapter(console, "2. LinkedIn is asked, and a plan is made; nothing is changed", "greenlight plan")
    planned = make_plan(settings, Selection(), None)
    print_report(planned, console)
    reports = {"plan": planned}
    if planned.changes or planned.unsettled():
        _chapter(console, "3. The plan is applied", f"greenlight apply {planned.plan_id} --yes")
        reports["apply"] = apply_now(settings, Scope(Selection(), planned.plan_id), None)
        print_report(reports["apply"], console)

        _chapter(console, f"4. Why is {MISTYPED} not enabled?", f"greenlight explain {MISTYPED}")
        print_explanation(runs.known(Command.EXPLAIN, Selection(customers=(MISTYPED,))), {}, console)

        _chapter(console, "5. Its secret was mistyped: the right one comes in", f"greenlight import {DEMO_FILE}")
        mended = bring_in(_read(folder, mistyped=False), database, Console(stderr=True, emoji=False))
        console.print(plain(f"{mended['credentials_written']} credentials changed, everything else is as it was."))
        _chapter(console, "6. Everything again: only what is left is done", "greenlight apply --yes")
        reports["apply_again"] = apply_now(settings, Scope(Selection()), None)
    _chapter(console, "The end: where every integration stands", "greenlight status")
    reports["status"] = runs.known(Command.STATUS, Selection())
    print_report(reports["status"], console)
    left = reports["status"].changes + len(reports["status"].unsettled())
    console.print()
    if left:
        console.print(plain(f"{left} integrations still need us: run the demo again."))
    elif "apply" in reports:
        console.print(plain("Nothing is left for us to do. Run the demo again and it finds just that."))
    else:
        console.print(plain("Nothing was left to do, and nothing was sent but questions. Start over: --fresh"))
    return {
        "schema": "greenlight.demo/1",
        "command": "demo",
        **{name: report.as_json() for name, report in reports.items()},
    }


def _chapter(console: Console, title: str, command: str) -> None:
    console.print()
    console.print(Rule(plain(title), align="left"))
    console.print(plain(f"$ {command}"), style="dim")


def _read(folder: Path, *, mistyped: bool) -> Any:
    file = folder / DEMO_FILE
    # The only secrets in it are those of the demo's own LinkedIn.
    file.write_text(customers_file(mistyped=mistyped), encoding="utf-8")
    try:
        return read_import(file)
    finally:
        file.unlink()


@contextmanager
def _own_linkedin(folder: Path) -> Iterator[None]:
    """Serve the sandbox and point every setting of this process at it and at the demo's own data."""
    from sandbox.app import create_app
    from sandbox.server import serving_in_thread

    app = create_app(world(memory(folder)))
    quiet_prefect()
    with serving_in_thread(app) as address:
        os.environ |= {
            "GREENLIGHT_DATABASE_URL": f"sqlite:///{folder / 'greenlight.db'}",
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_HTTP_TIMEOUT_SECONDS": "5",
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.5,1,2",
            "PREFECT_HOME": str(folder / "prefect"),
        }
        os.environ.pop("PREFECT_API_URL", None)
        yield
        remember(folder, json.dumps(app.state.sandbox.state()))
