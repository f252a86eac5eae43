"""Browsers that ask, and many of them at the same moment."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

from sqlmodel import col, select

from greenlight.ats.database import Database
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.requests import OpenRequest, Requests
from greenlight.ats.tables import RequestEvidence
from greenlight.domain.reasons import Reason
from tests.ats.world import NOON, fails


def session_of(database: Database, customer_id: str = "acme", name: str = "one") -> str:
    """A browser of this customer, open for a day; returns its digest."""
    digest = f"{customer_id}-{name}"
    PortalSessions(database).open(f"link-{digest}", customer_id, digest, NOON, NOON + timedelta(days=1))
    return digest


def evidence(database: Database) -> list[tuple[int, str, datetime, datetime, int]]:
    with database.reading() as session:
        rows = session.exec(
            select(RequestEvidence).order_by(col(RequestEvidence.integration_id), col(RequestEvidence.session_digest))
        )
        return [(r.integration_id, r.session_digest, r.first_at, r.last_at, r.times) for r in rows]


def at_once(number: int, act: Callable[[int], object]) -> list[Exception | None]:
    """Do it in so many threads at the same moment; what each raised."""
    barrier = Barrier(number)

    def one(place: int) -> Exception | None:
        barrier.wait(30)
        try:
            act(place)
        except Exception as error:
            return error
        return None

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def act_on(database: Database, opened: Sequence[OpenRequest], now: datetime) -> None:
    """A run looks at these requests, which LinkedIn refuses for good, and says that it is done with them."""
    for request in opened:
        fails(database, request.integration_id, now, Reason.REQUEST_REFUSED)
    Requests(database).acted_on(opened, now, now)
