"""`import`: the whole file is checked, then all of it comes in, or nothing does."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from greenlight.ats.database import Database, open_database
from greenlight.cli.quiet import quiet_prefect
from greenlight.cli.render import console_for_people, plain, print_json
from greenlight.intake import ImportedCustomer, ImportRefused, RowError, read_import
from greenlight.settings import load_settings

SCHEMA = "greenlight.import/1"


def run_import(file: str, *, as_json: bool) -> int:
    settings = load_settings()
    stderr = Console(stderr=True, soft_wrap=True, emoji=False)
    try:
        customers = read_import(file)
    except ImportRefused as refused:
        for error in refused.errors:
            stderr.print(plain(str(error)))
        stderr.print(plain(f"greenlight: {len(refused.errors)} errors; nothing was imported, mend the file and repeat"))
        if as_json:
            print_json({"schema": SCHEMA, "command": "import", "errors": [_error(e) for e in refused.errors]})
        return 1
    quiet_prefect()
    database = open_database(settings.database_url.get_secret_value())
    document = bring_in(customers, database, stderr)
    if as_json:
        print_json(document)
    else:
        console = console_for_people()
        console.print(
            plain(
                f"{document['customers']} customers and {document['integrations']} integrations read: "
                f"{document['customers_added']} customers and {document['integrations_added']} integrations are new, "
                f"{document['customers_changed']} and {document['integrations_renamed']} changed, "
                f"{document['credentials_written']} credentials stored."
            )
        )
        console.print(plain("Look at them: greenlight plan"))
    return 0


def bring_in(customers: list[ImportedCustomer], database: Database, stderr: Console) -> dict[str, Any]:
    """Import checked customers and return what changed, as JSON."""
    from blocks.child_app import ChildAppBlocks
    from tasks.adopt import adopt

    with stderr.status("Storing credentials in Prefect blocks…"):
        adopted = asyncio.run(adopt(customers, database, ChildAppBlocks(), datetime.now(UTC)))
    return {
        "schema": SCHEMA,
        "command": "import",
        "customers": len(customers),
        "integrations": sum(len(customer.integrations) for customer in customers),
        **asdict(adopted.changes),
        "credentials_written": adopted.credentials_written,
        "without_credentials": [c.customer_id for c in customers if c.credentials is None],
        "errors": [],
    }


def _error(error: RowError) -> dict[str, Any]:
    return {"file": str(error.file), "line": error.line, "field": error.field, "why": error.why}
