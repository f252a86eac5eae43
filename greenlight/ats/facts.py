"""What the tripwires want to know of the ATS database (`greenlight.domain.tripwires`)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from greenlight.ats.database import Database
from greenlight.ats.pauses import Pauses
from greenlight.ats.rows import is_resting, item, rows, slices
from greenlight.ats.tables import Integration, Run
from greenlight.ats.waiting import units
from greenlight.domain.budget import Lane
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from greenlight.domain.tripwires import SHOWS, Facts


@units
class FactsOnRecord:
    """Reads the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pauses = Pauses(database)

    def shown(self, ids: Sequence[int]) -> dict[Item, Status]:
        """What LinkedIn last showed of these integrations."""
        with self._database.reading() as session:
            return {item(row): Status(row.observed) for row in rows(session, ids)}

    def new(self, ids: Sequence[int]) -> frozenset[Item]:
        """Those of these that came in since the last nightly run began, or that one held for that. None is the first.

        To be asked before this run looks: a look writes over why something was held.
        """
        last = select(func.max(Run.started_at)).where(Run.lane == Lane.NIGHTLY, col(Run.finished_at).is_not(None))
        with self._database.reading() as session:
            since = session.exec(last).one()
            if since is None:
                return frozenset()
            return frozenset(
                item(row)
                for row in rows(session, ids)
                if row.created_at > since or row.reason == Reason.WANTED_SET_JUMPED
            )

    def awake(self, ids: Sequence[int], now: datetime) -> list[int]:
        """Those of these integrations that do not rest after failures."""
        with self._database.reading() as session:
            return [row.id for row in rows(session, ids) if row.id is not None and not is_resting(row, now)]

    def facts(
        self,
        ids: Sequence[int],
        before: Mapping[Item, Status],
        now: datetime,
        *,
        named: frozenset[str],
        new: frozenset[Item],
    ) -> Facts:
        """The facts about these integrations as they stand now."""
        with self._database.reading() as session:
            found = rows(session, ids)
            ready = [row for row in found if row.observed == Status.REQUESTED]
            claims = _claims(session, {row.integration_context for row in ready})
            unproven = frozenset(item(r) for r in ready if r.imported_at is None and r.requested_at is None)
        pauses = self._pauses.now_in_force((row.customer_id for row in ready), now)
        return Facts(
            before=before,
            claims=claims,
            without_evidence=unproven,
            paused={customer: pause.words() for customer, pause in pauses.items()},
            named=named,
            new=new,
        )


def _claims(session: Session, contexts: Iterable[str]) -> dict[str, frozenset[str]]:
    """The customers under whose applications LinkedIn shows each of these contexts."""
    found: dict[str, frozenset[str]] = {}
    query = select(Integration.integration_context, Integration.customer_id).distinct()
    for some in slices(sorted(contexts)):
        shown = query.where(col(Integration.integration_context).in_(some), col(Integration.observed).in_(SHOWS))
        for context, customer in session.exec(shown):
            found[context] = found.get(context, frozenset()) | {customer}
    return found
