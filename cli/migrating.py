"""`migrate`: the database made, or brought to the schema that this version works with."""

from cli.opening import made_database, saying
from cli.options import Json
from cli.render import console_for_people, plain, print_json
from greenlight.ats.database import looked_at
from greenlight.settings import load_settings

SCHEMA = "greenlight.migrate/1"


def migrate(*, json: Json = False) -> int:
    """Make the database, or bring it to this version's schema. Back it up and stop older processes first."""
    settings = load_settings()
    url = settings.database_url.get_secret_value()
    with saying(settings) as say, looked_at(url, patient=True, waiting=say) as looked:
        before = None if looked is None else looked[1].there
    database = made_database(settings)
    after = database.schema().there
    if json:
        document = {"schema": SCHEMA, "command": "migrate", "database": settings.database}
        print_json({**document, "from": before, "to": after, "changed": before != after})
        return 0
    if before == after:
        did = f"is at revision {after} already; nothing was changed"
    else:
        did = f"is made, at revision {after}" if before is None else f"went from revision {before} to {after}"
    console_for_people().print(plain(f"{settings.database} {did}."))
    return 0
