"""`doctor`: look at everything that a run needs, say what is wrong and what to do. It changes nothing."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from cli.checks import (
    Finding,
    Held,
    State,
    check_budget,
    check_database_clock,
    check_place,
    check_schema,
    check_settings,
    customers_to_try,
    failed,
    not_looked_at,
    unreachable,
    within,
)
from cli.file_checks import check_files
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_json, table_of
from cli.source_checks import check_held_source, check_source
from cli.way_checks import check_way
from greenlight.ats.database import Database, DatabaseUnavailable, looked_at
from greenlight.settings import Settings

SCHEMA = "greenlight.doctor/1"
#: Customers whose credentials are tried unless told otherwise.
MOST = 50
#: Seconds after which a check that hangs is given up.
_LIMIT = 20.0
_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.PROBLEM: "red"}


def run_doctor(customers: tuple[str, ...], *, everybody: bool, as_json: bool) -> int:
    """Make all checks and show them: 0 without a problem, 3 with one."""
    quiet_prefect()
    settings, findings = check_settings()
    findings = _examine(settings, findings, customers, None if everybody else MOST)
    database = None if settings is None else settings.database
    counts = {state: sum(each.state is state for each in findings) for state in State}
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                "command": "doctor",
                "database": database,
                "counts": {state.value: count for state, count in counts.items()},
                "checks": [each.as_json() for each in findings],
            }
        )
    else:
        _print(findings, counts, console_for_people())
    return 3 if counts[State.PROBLEM] else 0


def _examine(
    settings: Settings | None, findings: list[Finding], customers: Sequence[str], most: int | None
) -> list[Finding]:
    tried: tuple[list[Held], list[str], int] | None = None
    with ExitStack() as stack:
        if settings is None:
            findings += [not_looked_at("database", "the settings"), not_looked_at("budget", "the settings")]
        else:
            database, found = _database(settings, stack)
            findings += found
            files = within(_LIMIT, "database", lambda: check_files(settings))
            findings += [files] if isinstance(files, Finding) else files
            if database is not None:
                named = within(_LIMIT, "credentials", lambda: customers_to_try(database, customers, most))
                if isinstance(named, Finding):
                    findings.append(named)
                else:
                    tried = named
                findings.append(within(_LIMIT, "database writes", lambda: check_place(database)))
                findings.append(within(_LIMIT, "database clock", lambda: check_database_clock(database)))
                findings.append(within(_LIMIT, "budget", lambda: check_budget(database, settings, datetime.now(UTC))))
                held = within(_LIMIT, "source", lambda: check_held_source(database))
                findings += [held] if isinstance(held, Finding) else held
            source = within(_LIMIT, "source", lambda: check_source(settings))
            findings += [source] if isinstance(source, Finding) else source
            way = within(_LIMIT, "way to LinkedIn", lambda: check_way(settings))
            findings += [way] if isinstance(way, Finding) else way
    return findings + _prefect_and_linkedin(settings, tried)


def _database(settings: Settings, stack: ExitStack) -> tuple[Database | None, list[Finding]]:
    """The database if it can be read as this version reads it, and what was found."""

    def look() -> tuple[Database | None, Finding]:
        try:
            looked = stack.enter_context(looked_at(settings.database_url.get_secret_value()))
        except DatabaseUnavailable as error:
            return None, unreachable(error)
        usable = looked is not None and looked[1].is_newest
        return looked[0] if looked is not None and usable else None, check_schema(settings.database, looked)

    result = within(_LIMIT, "database", look)
    if isinstance(result, Finding):
        return None, [result]
    database, finding = result
    if database is None:
        return None, [finding, not_looked_at("budget", "the database")]
    return database, [finding]


def _prefect_and_linkedin(settings: Settings | None, tried: tuple[list[Held], list[str], int] | None) -> list[Finding]:
    from cli.prefect_checks import check_prefect

    result = within(_LIMIT + 40, "prefect", check_prefect)
    there, findings = (False, [result]) if isinstance(result, Finding) else result
    if there:
        findings = [*findings, *_night()]
    if settings is None or tried is None or not there:
        why = "the settings" if settings is None else "the database" if tried is None else "Prefect's API"
        return [*findings, not_looked_at("credentials", why)]
    from cli.credential_checks import check_credentials

    try:
        return findings + asyncio.run(check_credentials(settings, *tried))
    except Exception as error:
        return [*findings, failed("credentials", error)]


def _night() -> list[Finding]:
    from prefect.settings import get_current_settings

    from cli.night_checks import check_night

    if not get_current_settings().api.url:
        # A server that ends with the command has no night.
        return []
    result = within(_LIMIT + 20, "schedules", lambda: asyncio.run(check_night()))
    return [result] if isinstance(result, Finding) else result


def _print(findings: Sequence[Finding], counts: dict[State, int], console: Console) -> None:
    """An aligned table, then for each that is not ok what was tried and what to do."""
    table = table_of("check", "state", "found")
    for each in findings:
        table.add_row(Text(each.name), Text(each.state.value, style=_COLOURS[each.state]), plain(each.found))
    console.print(table)
    console.print()
    for each in findings:
        if each.state is not State.OK:
            console.print(plain(f"{each.state.value}, {each.name}: {each.remedy} (tried: {each.tried})"))
    words = {State.OK: "ok", State.WARNING: "warnings", State.PROBLEM: "problems"}
    console.print(plain(", ".join(f"{counts[state]} {words[state]}" for state in State) + "."))
