"""Of which trouble somebody has been told: once for each, until it has been seen to be over."""

from collections.abc import Collection
from dataclasses import astuple, dataclass
from datetime import datetime

from sqlmodel import Session, select

from greenlight.ats.database import Database
from greenlight.ats.ledger import Alarm as Row
from greenlight.ats.waiting import units


@dataclass(frozen=True, slots=True)
class Alarm:
    """One trouble: the event that tells of it, whose it is, and which of theirs, where a customer may have several."""

    name: str
    customer_id: str
    subject: str = ""


@units
class Alarms:
    """The alarms of the ATS database. Times are passed in. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def told(self) -> set[Alarm]:
        """Those that somebody has been told of and that are not over."""
        with self._database.reading() as session:
            return {Alarm(row.name, row.customer_id, row.subject) for row in session.exec(select(Row))}

    def record(self, told: Collection[Alarm], over: Collection[Alarm], now: datetime) -> None:
        """Write down what was told just now, and what is over: the next time it is told anew."""

        def write(session: Session) -> None:
            for alarm in sorted({*told, *over}, key=astuple):
                row = session.get(Row, astuple(alarm), with_for_update=True)
                if row is None and alarm in told:
                    name, customer_id, subject = astuple(alarm)
                    session.add(Row(name=name, customer_id=customer_id, subject=subject, told_at=now))
                elif row is not None and alarm not in told:
                    session.delete(row)

        if told or over:
            self._database.write(write)
