"""`demo`: the main job from nothing to enabled integrations, on a LinkedIn of our own and on nothing else.

Its database, Prefect's data and what its LinkedIn remembers are kept in the user's data folder, so that a second demo
finds nothing left to do, and one after a demo that was killed goes on. What it tells is read from there.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import SecretStr
from rich.console import Console
from rich.rule import Rule

from cli.demo_world import (
    CLICKED,
    DEMO_FILE,
    MISTYPED,
    NEW_CUSTOMERS,
    PARENT_ID,
    PARENT_SECRET,
    Remembering,
    customers_file,
    has_right_secret,
    new_world,
    remember,
    remembered,
)
from cli.importing import bring_in
from cli.opening import made_database
from cli.provisioning import print_provisioned, provision_now
from cli.quiet import quiet_prefect
from cli.render import LONGEST_RULE, console_for_people, plain, print_explanation, print_json, print_report
from cli.running import apply_now, make_plan
from cli.serving import free_port, local_prefect, stoppable
from greenlight.ats.runs import Runs, RunTarget
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from greenlight.intake import read_import
from greenlight.private import make_folder, write_whole
from greenlight.settings import Settings, load_settings

#: The same one each time where it is free, since the demo's applications allow its origin.
_PORTAL_PORT = 8780
_DATABASE = "greenlight.db"
#: What changes something at LinkedIn.
_ACTS = {"enable", "create", "update", "rotate"}


def run_demo(*, fresh: bool, portal: bool, as_json: bool) -> int:
    folder = user_data_path("greenlight") / "demo"
    console = console_for_people(stderr=as_json)
    if not fresh and (folder / _DATABASE).exists() and remembered(folder) is None:
        console.print(plain("What the demo's LinkedIn remembered of an earlier demo is lost: this one starts over."))
        fresh = True
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder / "prefect")
    with _for_us_alone(), _own_linkedin(folder) as (linkedin, acted):
        settings = load_settings()
        document = _new_customers(settings, console) | _migrated_customers(settings, folder, console, acted)
        if as_json:
            print_json(document)
        if portal:
            from cli.demo_page import leave_open

            _chapter(console, "The customers' page", "greenlight portal & greenlight worker")
            with stoppable():
                asyncio.run(leave_open(settings, list(NEW_CUSTOMERS), linkedin, partial(_say, console)))
    return 0


def _new_customers(settings: Settings, console: Console) -> dict[str, Any]:
    """From a customer's name to ENABLED, with two human acts: somebody names it, its admin clicks."""
    from blocks.parent_app import save_parent
    from cli.demo_page import click_through
    from greenlight.linkedin.oauth import Credentials

    names = " ".join(f"--new {id}={name}" for id, name in NEW_CUSTOMERS.items())
    _chapter(console, "1. Two new customers get child applications of their own", f"greenlight provision {names}")
    asyncio.run(save_parent(Credentials(PARENT_ID, SecretStr(PARENT_SECRET))))
    provisioned = provision_now(settings, (), NEW_CUSTOMERS, change_domains=True)
    print_provisioned(provisioned, console)

    title = f"2. The admin of {CLICKED} opens the customers' page and clicks Request in LinkedIn's plugin"
    _chapter(console, title, f"greenlight link {CLICKED}")
    page = asyncio.run(click_through(settings, CLICKED, partial(_say, console)))
    return {"provision": provisioned.as_json(), "page": page}


def _migrated_customers(
    settings: Settings, folder: Path, console: Console, acted: Callable[[], bool]
) -> dict[str, Any]:
    """Customers who bring their existing API keys in a file, with a plan before anything is enabled.

    `acted` says whether this demo has sent LinkedIn anything but questions.
    """
    mistyped = asyncio.run(_is_still_mistyped())
    database = made_database(settings)
    runs = Runs(database)

    _chapter(console, "3. Customers with API keys of their own come in as a file", f"greenlight import {DEMO_FILE}")
    brought = bring_in(_read(folder, mistyped=mistyped), database, Console(stderr=True, emoji=False))
    console.print(
        plain(f"{brought['customers_added']} new customers, {brought['credentials_written']} credentials stored.")
    )

    _chapter(console, "4. LinkedIn is asked, and a plan is made; nothing is changed", "greenlight plan")
    planned = make_plan(settings, Selection(), None)
    print_report(planned, console)
    reports = {"plan": planned}
    if planned.changes:
        _chapter(console, "5. The plan is applied", f"greenlight apply {planned.plan_id} --yes")
        reports["apply"] = apply_now(settings, RunTarget(Selection(), planned.plan_id), None)
        print_report(reports["apply"], console)
    if mistyped:
        _chapter(console, f"6. Why is {MISTYPED} not enabled?", f"greenlight explain {MISTYPED}")
        known = runs.known(Command.EXPLAIN, Selection(customers=(MISTYPED,)))
        print_explanation(known, {}, console, settings.recheck_days)

        _chapter(console, "7. Its secret was mistyped: the right one comes in", f"greenlight import {DEMO_FILE}")
        mended = bring_in(_read(folder, mistyped=False), database, Console(stderr=True, emoji=False))
        console.print(plain(f"{mended['credentials_written']} credentials changed, everything else is as it was."))
    if planned.changes or planned.unsettled():
        _chapter(console, "8. Everything again: only what is left is done", "greenlight apply --yes")
        reports["apply_again"] = apply_now(settings, RunTarget(Selection()), None)
    _chapter(console, "The end: where every integration stands", "greenlight status")
    reports["status"] = runs.known(Command.STATUS, Selection())
    print_report(reports["status"], console)
    left = reports["status"].changes + len(reports["status"].unsettled())
    console.print()
    if left:
        console.print(plain(f"{left} integrations still need us: run the demo again."))
    elif acted():
        console.print(plain("Nothing is left for us to do. Run the demo again and it finds just that."))
    else:
        console.print(plain("Nothing was left to do, and nothing was sent but questions. Start over: --fresh"))
    console.print(plain("To click for yourself: --portal"))
    return {
        "schema": "greenlight.demo/1",
        "command": "demo",
        **{name: report.as_json() for name, report in reports.items()},
    }


async def _is_still_mistyped() -> bool:
    """Whether the one secret has yet to be mended: by what is stored, since an earlier demo may have been killed."""
    from blocks.child_app import ChildAppBlocks, block_name

    name = block_name(MISTYPED)
    held = (await ChildAppBlocks().get_many([name])).get(name)
    return not has_right_secret(MISTYPED, held and held.client_secret.get_secret_value())


def _say(console: Console, line: str) -> None:
    console.print(plain(line))


def _chapter(console: Console, title: str, command: str) -> None:
    console.print()
    console.print(Rule(plain(title), align="left"), width=min(console.width, LONGEST_RULE))
    console.print(plain(f"$ {command}"), style="dim")


def _read(folder: Path, *, mistyped: bool) -> Any:
    file = folder / DEMO_FILE
    # The only secrets in it are those of the demo's own LinkedIn.
    write_whole(file, customers_file(mistyped=mistyped).encode())
    try:
        return read_import(file)
    finally:
        file.unlink()


@contextmanager
def _for_us_alone() -> Iterator[None]:
    """What this process and its Prefect make meanwhile is readable by nobody else."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _own_linkedin(folder: Path) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Serve the sandbox, and point every setting of this process at it and at the demo's own data.

    Yields its address, and what says whether anything but questions has come to it.
    """
    from sandbox.app import create_app
    from sandbox.server import serving_in_thread

    if (world := remembered(folder)) is None:
        world = new_world()
        # Before anything of ours rests on it.
        remember(folder, world)
    app = create_app(world)
    linkedin = app.state.sandbox
    app.add_middleware(Remembering, folder=folder, now=linkedin.as_world)
    portal_url = f"http://127.0.0.1:{free_port(_PORTAL_PORT)}"
    quiet_prefect()
    with serving_in_thread(app) as address:
        os.environ |= {
            "GREENLIGHT_DATABASE_URL": f"sqlite:///{folder / _DATABASE}",
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_LINKEDIN_WIDGET_URL": f"{address}/uas/in.js",
            "GREENLIGHT_PORTAL_URL": portal_url,
            "GREENLIGHT_JS_SDK_DOMAINS": portal_url,
            "GREENLIGHT_HTTP_TIMEOUT_SECONDS": "5",
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.5,1,2",
            # Nothing lands late at the demo's own LinkedIn.
            "GREENLIGHT_SETTLE_SECONDS": "2",
            "PREFECT_HOME": str(folder / "prefect"),
        }
        os.environ.pop("PREFECT_API_URL", None)
        with local_prefect():
            yield address, lambda: any(entry.operation in _ACTS for entry in linkedin.log)
