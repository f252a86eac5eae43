"""`import`: the whole file is checked, then all of it comes in, or nothing does."""

import asyncio
import shlex
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from rich.console import Console

from cli.asking import confirm
from cli.errors import EXIT_CODE, CannotRun, print_error
from cli.opening import made_database
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_database, print_json
from greenlight.ats.clock import time_of
from greenlight.ats.database import Database
from greenlight.ats.registry import provisioned_client_ids
from greenlight.intake import ImportedCredentials, ImportedCustomer, ImportRefused, RowError, read_import
from greenlight.intake.rows import one_line
from greenlight.linkedin.errors import LinkedInError
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens
from greenlight.linkedin.transport import Wire
from greenlight.settings import Settings, load_settings

SCHEMA = "greenlight.import/1"


def run_import(file: str, *, replace: tuple[str, ...], yes: bool, as_json: bool) -> int:
    settings = load_settings()
    stderr = Console(stderr=True, soft_wrap=True, emoji=False)
    try:
        customers = read_import(file)
        database = made_database(settings)
        replacing = _replacing(customers, database, file, replace)
        if replacing:
            _ask(replacing, yes=yes)
            asyncio.run(_try(replacing, settings, file))
    except ImportRefused as refused:
        for error in refused.errors:
            stderr.print(plain(str(error)))
        told = CannotRun(f"{len(refused.errors)} errors; nothing was imported", "mend the file and repeat")
        stderr.print(plain(f"greenlight: {told}"))
        return print_error(told, errors=[_error(e) for e in refused.errors]) if as_json else EXIT_CODE
    quiet_prefect()
    document = bring_in(customers, database, stderr, replace)
    if as_json:
        print_json(document)
    else:
        console = console_for_people()
        console.print(
            plain(
                f"{document['customers']} customers and {document['integrations']} integrations read: "
                f"{document['customers_added']} customers and {document['integrations_added']} integrations are new, "
                f"{document['customers_changed']} and {document['integrations_renamed']} changed, "
                f"{_as_they_were(document, 'customers', 'changed')} and "
                f"{_as_they_were(document, 'integrations', 'renamed')} as they were; "
                f"{document['credentials_written']} credentials stored."
            )
        )
        if returned := document["integrations_returned"]:
            console.print(plain(f"{returned} integrations that had been withdrawn are wanted again."))
        if replacing:
            console.print(
                plain("What was replaced is kept until a run has used the new: greenlight credentials restore")
            )
        console.print(plain("Look at them: greenlight plan"))
        print_database(database.name, console)
    return 0


def _replacing(
    customers: list[ImportedCustomer], database: Database, file: str, replace: Collection[str]
) -> list[tuple[str, ImportedCredentials]]:
    """Whose provisioned application gives way, and to what. Raises ImportRefused where nobody asked for that."""
    made = provisioned_client_ids(database)
    others = [
        (each.customer_id, each.credentials)
        for each in customers
        if each.credentials is not None
        and made.get(each.customer_id, each.credentials.client_id) != each.credentials.client_id
    ]
    if unasked := [(who, held.line) for who, held in others if who not in replace]:
        raise ImportRefused(
            RowError(
                file,
                line,
                "client_id",
                f"is not {made[who]}, the child application that provisioning made for this customer and whose secret "
                f"would be lost; mend the row, or replace it with --replace-credentials {shlex.quote(who)}",
            )
            for who, line in unasked
        )
    return others


def _ask(replacing: list[tuple[str, ImportedCredentials]], *, yes: bool) -> None:
    if yes:
        return
    named = ", ".join(who for who, _ in replacing)
    confirm(
        f"Replace the child application of {one_line(named)}? Its secret is kept until a run has used the new one.",
        alone="--replace-credentials gives up secrets that cannot be had again",
        declined="nothing was replaced and nothing imported",
    )


async def _try(replacing: list[tuple[str, ImportedCredentials]], settings: Settings, file: str) -> None:
    """Get a token with each of the new pairs while the old ones are still there; raises ImportRefused."""
    wire = Wire(settings.http_timeout_seconds, way=settings.way)
    errors: list[RowError] = []
    try:
        tokens = Tokens(wire, settings.linkedin_token_url, RequestCounts())
        for _, held in replacing:
            try:
                await tokens.get(Credentials(held.client_id, held.client_secret))
            except LinkedInError as error:
                why = f"got no token from LinkedIn, so the old one stays: {error}"
                errors.append(RowError(file, held.line, "client_id", why))
    finally:
        await wire.aclose()
    if errors:
        raise ImportRefused(errors)


def bring_in(
    customers: list[ImportedCustomer], database: Database, stderr: Console, replace: Collection[str] = ()
) -> dict[str, Any]:
    """Import checked customers and return what changed, as JSON."""
    from blocks.child_app import ChildAppBlocks
    from tasks.sequences.adopt import adopt

    with stderr.status("Storing credentials in Prefect blocks…"):
        adopted = asyncio.run(adopt(customers, database, ChildAppBlocks(), time_of(database), replace))
    return {
        "schema": SCHEMA,
        "command": "import",
        "database": database.name,
        "customers": len(customers),
        "integrations": sum(len(customer.integrations) for customer in customers),
        **asdict(adopted.changes),
        "credentials_written": adopted.credentials_written,
        "without_credentials": [c.customer_id for c in customers if c.credentials is None],
        "errors": [],
    }


def _as_they_were(document: dict[str, Any], of: str, changed: str) -> int:
    return document[of] - document[f"{of}_added"] - document[f"{of}_{changed}"]


def _error(error: RowError) -> dict[str, Any]:
    return {"file": str(error.file), "line": error.line, "field": error.field, "why": error.why}
