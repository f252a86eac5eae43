"""The check of `doctor` on the source of what is wanted: whether its first rows can be read. It changes nothing."""

from contextlib import closing
from itertools import islice

from cli.checks import Finding, ok, problem, warning
from greenlight.ats.database import Database
from greenlight.ats.desired import Syncs
from greenlight.desired.reading import read_in_parts
from greenlight.desired.source import SourceUnreadable
from greenlight.desired.sources import source_of
from greenlight.domain.desired import REMEDIES, SyncOutcome
from greenlight.settings import Settings

_NAME = "source"


def check_source(settings: Settings) -> list[Finding]:
    """Whether it answers, with the columns that it must have, and what is wrong with its first rows."""
    source = source_of(settings)
    if source is None:
        return []
    tried = f"reading its first rows from {source.name}"
    try:
        with closing(read_in_parts(source)) as parts:
            rows = next(islice(parts, 1), [])
    except SourceUnreadable as error:
        return [problem(_NAME, error.message, tried, error.remedy)]
    faults = [row for row in rows if row.get("why")]
    if faults:
        first, whose = faults[0], sorted({str(row["customer_id"]) for row in faults if row["customer_id"]})
        found = f"{len(faults)} faults in its first {len(rows)} rows, the first in row {first['line']}"
        found = f"{found}, {first['field']}: {first['why']}"
        return [warning(_NAME, found, tried, "mend these rows; until then they hold their customers", whose)]
    if not rows:
        return [warning(_NAME, "it has no rows", tried, "see whether that is right: nothing is withdrawn for it")]
    return [ok(_NAME, f"it can be read, and its first {len(rows)} rows are good", tried)]


def check_held_source(database: Database) -> list[Finding]:
    """A warning where the last sync was held."""
    held = Syncs(database).held()
    if held is None:
        return []
    tried = "the last sync in the ATS database"
    return [warning(_NAME, f"{held.source} is held: {held.detail}", tried, REMEDIES[SyncOutcome.HELD])]
