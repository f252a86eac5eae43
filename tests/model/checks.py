"""What must be true of a world at any moment, whatever has happened in it."""

from datetime import timedelta

from sqlmodel import col, or_, select

from greenlight.ats.ledger import Attempt, Hold
from greenlight.ats.rows import item
from greenlight.ats.tables import Integration, RequestDay
from greenlight.domain.budget import Lane
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Outcome
from greenlight.domain.report import Report, Verdict
from greenlight.domain.status import NOT_REQUESTED, Status, parse_onboarding_status
from tests.model.process import Process
from tests.model.world import World

#: From asking to the request's arrival: tokens, refusals, waits, a frozen process.
ON_THE_WAY = timedelta(seconds=300)


class Checks:
    """Looks at a world after each step; what was right before and has not changed is not looked at again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._right: set[tuple[Item, object, object]] = set()
        self._reported: set[int] = set()

    def all(self) -> None:
        world = self._world
        assert world.linkedin.wrong == []
        assert world.defects == []
        assert world.loop.complaints == []
        self._requests_are_counted()
        self._what_is_on_record_was_answered()
        self._nothing_held_was_sent()
        for process in world.processes:
            if process.report is not None and process.number not in self._reported:
                self._reported.add(process.number)
                self._report_adds_up(process)

    def _requests_are_counted(self) -> None:
        world = self._world
        with world.database.reading() as session:
            counted = {
                ("all" if row.application == "parent" else row.application, row.day): sum(
                    getattr(row, lane) for lane in Lane
                )
                for row in session.exec(select(RequestDay))
            }
        limit = world.settings.requests_per_day
        assert all(spent <= limit for spent in counted.values()), counted
        for account, arrived in world.linkedin.arrived.items():
            assert arrived <= counted.get(account, 0), f"{account}: {arrived} arrived, {counted.get(account)} counted"

    def _what_is_on_record_was_answered(self) -> None:
        world = self._world
        with world.database.reading() as session:
            rows = list(session.exec(select(Integration)))
        for row in rows:
            at = row.observed_at
            place = item(row)
            if at is None or (place, row.observed, at) in self._right:
                continue
            where = world.clients[row.customer_id], place.key
            told = [
                as_status(look.told)
                for look in world.linkedin.looks.get(where, [])
                if look.told is not None and at <= look.at <= at + ON_THE_WAY
            ]
            # An enable's own answer can say that there is nothing to enable.
            told_by_enable = row.observed == "NOT_REQUESTED" and any(
                enable.effect == "refused" and enable.at <= at <= enable.at + ON_THE_WAY
                for enable in world.linkedin.enables.get(where, [])
            )
            assert row.observed in told or told_by_enable, f"{place}: {row.observed} at {at}"
            self._right.add((place, row.observed, at))

    def _nothing_held_was_sent(self) -> None:
        """Whoever ran, and however often."""
        with self._world.database.reading() as session:
            query = select(Attempt, Hold).where(
                col(Hold.integration_id) == Attempt.integration_id,
                col(Hold.since) < col(Attempt.opened_at),
                or_(col(Hold.ended_at).is_(None), col(Hold.ended_at) > col(Attempt.opened_at)),
            )
            sent = list(session.exec(query))
        assert sent == []

    def _ok_is_done(self, report: Report, process: Process) -> None:
        """Whatever the run was told to be REQUESTED has been enabled since, by whomever, or it was told otherwise."""
        if report.verdict is not Verdict.OK:
            return
        linkedin = self._world.linkedin
        for entry in report.items:
            where = self._world.clients[entry.item.customer_id], entry.item.key
            told = [look for look in linkedin.looks.get(where, []) if look.told is not None]
            ours = [look.at for look in told if look.caller == process.number and look.told == "REQUESTED"]
            since = [enable for enable in linkedin.enables.get(where, []) if ours and enable.at >= ours[-1]]
            other = [look for look in told if ours and look.at >= ours[-1] and look.told != "REQUESTED"]
            assert not ours or since or other, f"{entry.item} is said to be settled: {entry.condition}"

    def _report_adds_up(self, process: Process) -> None:
        report = process.report
        assert report is not None
        items = [entry.item for entry in report.items]
        assert len(set(items)) == len(items) == sum(report.counts().values())
        self._ok_is_done(report, process)
        sent = self._world.linkedin.sent
        for kind in ("token", "verify", "enable"):
            assert sent[process.number, kind] <= getattr(report.requests, kind)
        for entry in report.items:
            if entry.condition.outcome is Outcome.ENABLED:
                where = self._world.clients[entry.item.customer_id], entry.item.key
                enables = self._world.linkedin.enables.get(where, [])
                assert any(e.effect in ("acted", "late") for e in enables), f"{entry.item} is said to be enabled"


def as_status(told: str) -> Status:
    return NOT_REQUESTED.status if told == NOT_REQUESTED.status else parse_onboarding_status(told).status


def open_attempts(world: World) -> dict[Item, Integration]:
    """What has an attempt without an end, with all that is on record of it."""
    with world.database.reading() as session:
        query = (
            select(Integration)
            .join(Attempt, col(Attempt.integration_id) == Integration.id)
            .where(col(Attempt.closed_at).is_(None))
        )
        return {item(row): row for row in session.exec(query)}


def requested(world: World) -> list[str]:
    """What LinkedIn still shows as REQUESTED."""
    shown = ((c, world.linkedin.applications[id].statuses) for c, id in world.clients.items())
    return [f"{c}: {key}" for c, statuses in shown for key, status in statuses.items() if status == "REQUESTED"]


def mistaken(world: World) -> list[str]:
    """What is on record as something else than LinkedIn shows."""
    found = []
    for entry in world.known().items:
        statuses = world.linkedin.applications[world.clients[entry.item.customer_id]].statuses
        shown = statuses.get(entry.item.key, "NOT_REQUESTED")
        if entry.observed != as_status(shown):
            found.append(f"{entry.item}: {entry.observed}, not {shown}")
    return found
