"""`prune`: rows that are over for longer than `GREENLIGHT_RETENTION_DAYS` are deleted."""

from cli.opening import ats_database
from cli.options import Json
from cli.render import console_for_people, plain, print_database, print_json
from greenlight.ats import retention
from greenlight.domain.formatting import iso
from greenlight.settings import load_settings

SCHEMA = "greenlight.prune/1"


def prune(*, json: Json = False) -> int:
    """Delete what is over for GREENLIGHT_RETENTION_DAYS; never what is open, owed, or evidence of an enable."""
    settings = load_settings()
    database = ats_database(settings)
    before, deleted = retention.prune(database, settings.retention_days)
    if json:
        document = {"schema": SCHEMA, "command": "prune", "database": database.name}
        print_json({**document, "before": iso(before), "deleted": deleted})
        return 0
    console = console_for_people()
    counts = ", ".join(f"{count} {table}" for table, count in deleted.items() if count)
    console.print(plain(f"Older than {before:%Y-%m-%d}: {counts or 'nothing'} deleted."))
    print_database(database.name, console)
    return 0
