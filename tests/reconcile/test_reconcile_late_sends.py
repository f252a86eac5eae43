"""Nothing is sent long after its intent: it could land when the attempt is taken for settled."""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import Database, make_database
from greenlight.ats.leases import Leases
from greenlight.ats.ledger import Attempt
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.errors import Refused
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.enable import Enabling
from tests.ats.world import attempts_at, bring_in, customer, one, shows, wanted
from tests.reconcile.stand_ins import Everybodys, Shows

PATIENCE = 15.0


class Enabler:
    """The machine sleeps for some seconds between the intent and the request."""

    def __init__(self, sleep: Callable[[], None]) -> None:
        self.sleep, self.sent = sleep, 0

    async def enable(
        self, credentials: Credentials, key: IntegrationKey, name: str, still: Callable[[], bool], **_: object
    ) -> None:
        self.sleep()
        if not still():
            raise Refused(Reason.LINKEDIN_UNAVAILABLE)
        self.sent += 1

    async def verify(self, credentials: Credentials, keys: Sequence[IntegrationKey]) -> Mapping[IntegrationKey, Seen]:
        return dict.fromkeys(keys, Observation(Status.REQUESTED))


class Blocks:
    async def get_many(self, names: Sequence[str]) -> Mapping[str, Credentials]:
        return {name: Credentials("client-acme", SecretStr("s3cr3t")) for name in names}


@pytest.mark.parametrize(("seconds", "sent"), [(PATIENCE - 0.1, 1), (PATIENCE + 0.1, 0)])
async def test_a_sleeper_sends_nothing(sqlite_template: Path, tmp_path: Path, seconds: float, sent: int) -> None:
    file = tmp_path / "ats.db"
    shutil.copy(sqlite_template, file)
    database = make_database(f"sqlite:///{file}")
    time = [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    id = one(database)
    shows(database, id, Status.REQUESTED, time[0])

    def sleep() -> None:
        time[0] += timedelta(seconds=seconds)

    enabler = Enabler(sleep)
    leases = CustomerLeases(Leases(database), lambda: time[0])
    enabling = Enabling(
        Attempts(database),
        enabler,  # pyright: ignore[reportArgumentType]
        Blocks(),
        lambda: time[0],
        leases,
        PATIENCE,
        60,
    )
    await enabling.enable("run-1", wanted(database, id))
    assert enabler.sent == sent
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.confirmed_at is not None) == ((None, True) if sent else ("refused", False))
    database.close()


class Slow(Shows):
    """An enable takes a while. Keeps how many intents were on record without an answer when each was sent."""

    def __init__(self, database: Database) -> None:
        self._database, self.on_record = database, list[int]()

    async def enable(
        self, credentials: Credentials, key: IntegrationKey, name: str, still: Callable[[], bool], **_: object
    ) -> None:
        waiting = select(Attempt).where(col(Attempt.closed_at).is_(None), col(Attempt.confirmed_at).is_(None))
        with self._database.reading() as session:
            self.on_record.append(len(session.exec(waiting).all()))
        await asyncio.sleep(0.05)


async def test_an_intent_is_written_when_its_request_may_leave(database: Database) -> None:
    """With a connection each for two of six, four are not even intended: in a queue their intents would age."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ids = bring_in(database, *(customer(f"c{number}") for number in range(6)))
    for id in ids:
        shows(database, id, Status.REQUESTED, now)
    slow, leases = Slow(database), CustomerLeases(Leases(database), lambda: now)
    enabling = Enabling(
        Attempts(database),
        slow,  # pyright: ignore[reportArgumentType]
        Everybodys(),
        lambda: now,
        leases,
        PATIENCE,
        60,
        at_once=2,
    )
    await asyncio.gather(*(enabling.enable("run-1", wanted(database, id)) for id in ids))
    assert len(slow.on_record) == 6
    assert max(slow.on_record) == 2
