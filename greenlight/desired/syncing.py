"""The sync step: read a source to its end, judge what would follow, then carry it out.

Nothing follows before all of it was read and judged. Cut short anywhere, the next sync leads to the same.
"""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from greenlight.ats.database import Database
from greenlight.ats.desired import Judged, Syncs
from greenlight.ats.desired_changes import DesiredChanges
from greenlight.desired.reading import read_in_parts
from greenlight.desired.source import DesiredSource, SourceUnreadable
from greenlight.domain.desired import HELD_BACK, SyncOutcome, SyncReport

#: The longest that a source is read.
READ_WITHIN = timedelta(minutes=30)


class SyncStopped(Exception):
    """Nobody waits for the sync any more. What it has written stays; the next one leads to the same."""


def sync(
    source: DesiredSource,
    database: Database,
    clock: Callable[[], datetime],
    run_id: str | None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> SyncReport:
    """Have what is wanted of this source be what it has; the report says what changed, or why nothing did.

    Not for the event loop: call it in a thread. Raises DatabaseUnavailable, and SyncStopped before the next
    transaction once `is_stopped`.
    """

    def go_on() -> None:
        if is_stopped():
            raise SyncStopped

    syncs = Syncs(database)
    report, judged = SyncReport(source.name, SyncOutcome.APPLIED), Judged((), (), 0, too_much=False)
    sync_id = syncs.begin(source.name, run_id, clock())
    try:
        _read(source, syncs, sync_id, clock, go_on)
    except SourceUnreadable as error:
        report.outcome, report.detail = SyncOutcome.UNREADABLE, error.message
        return syncs.end(sync_id, report, judged, clock())
    for fault in syncs.faults(sync_id):
        report.note(HELD_BACK, fault)
    judged = syncs.judge(sync_id, clock())
    if judged.too_much:
        report.outcome = SyncOutcome.HELD
        lost = f"{len(judged.lost)} integrations of {judged.losing} customers"
        report.detail = f"{lost} that it had it has no more, and they would be withdrawn"
    elif not _carry_out(DesiredChanges(database, go_on), sync_id, judged, source.name, clock, report):
        report.outcome = SyncOutcome.OVERTAKEN
    return syncs.end(sync_id, report, judged, clock())


def _read(
    source: DesiredSource, syncs: Syncs, sync_id: str, clock: Callable[[], datetime], go_on: Callable[[], None]
) -> None:
    kept, parts, until = 0, read_in_parts(source), clock() + READ_WITHIN
    with closing(parts):
        for part in parts:
            go_on()
            if clock() > until:
                raise SourceUnreadable(f"was not read to its end within {READ_WITHIN.total_seconds() / 60:.0f} minutes")
            syncs.stage(sync_id, kept, part)
            kept += len(part)
    syncs.stage(sync_id, kept, syncs.contradictions(sync_id))


def _carry_out(
    changes: DesiredChanges,
    sync_id: str,
    judged: Judged,
    name: str,
    clock: Callable[[], datetime],
    report: SyncReport,
) -> bool:
    by = f"the source {name}"
    return changes.bring_in(sync_id, by, clock(), report) and changes.withdraw(
        sync_id, judged.gone, by, clock(), report
    )
