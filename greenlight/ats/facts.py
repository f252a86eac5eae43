"""What the tripwires want to know of the ATS database (`greenlight.domain.tripwires`)."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import col, exists, select

from greenlight.ats.database import Database
from greenlight.ats.pauses import pauses_in_force
from greenlight.ats.rows import holds_on, parameter_batches
from greenlight.ats.tables import Integration
from greenlight.ats.waiting import units
from greenlight.ats.wanted import items
from greenlight.ats.warrants import is_live
from greenlight.domain.tripwires import Facts


@units
class FactsOnRecord:
    """Reads the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def customers(self, ids: Sequence[int]) -> set[str]:
        """Whose these integrations are."""
        found: set[str] = set()
        with self._database.reading() as session:
            for some in parameter_batches(ids):
                found |= set(session.exec(select(Integration.customer_id).where(col(Integration.id).in_(some))))
        return found

    def facts(self, ids: Sequence[int], run_id: str, now: datetime, *, named: Collection[str]) -> Facts:
        """What keeps these integrations from being enabled by this run. `named` are customers whom a person named."""
        with self._database.reading() as session:
            found = items(session, ids)
            holds = holds_on(session, ids)
            warranted: set[int | None] = set()
            for some in parameter_batches(ids):
                warranted.update(
                    session.exec(
                        select(Integration.id).where(
                            col(Integration.id).in_(some), exists().where(is_live(run_id)).correlate(Integration)
                        )
                    )
                )
            paused = pauses_in_force(session, (item.customer_id for item in found.values()), now)
        return Facts(
            paused={customer: pause.words() for customer, pause in paused.items()},
            held={item: holds[id] for id, item in found.items() if id in holds},
            without_warrant=frozenset(
                item for id, item in found.items() if id not in warranted and item.customer_id not in named
            ),
        )
