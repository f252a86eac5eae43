"""Nothing is sent long after its intent: it could land when the attempt is taken for settled."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from greenlight.ats.attempts import Attempts
from greenlight.ats.database import make_database
from greenlight.ats.locks import Locks
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.errors import Refused
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.enable import Enabling
from greenlight.reconcile.locking import CustomerLocks
from tests.ats.world import attempts_at, one, shows, wanted

PATIENCE = 15.0


class Enabler:
    """The machine sleeps for some seconds between the intent and the request."""

    def __init__(self, sleep: Callable[[], None]) -> None:
        self.sleep, self.sent = sleep, 0

    async def enable(self, credentials: Credentials, key: IntegrationKey, name: str, still: Callable[[], bool]) -> None:
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
    locks = CustomerLocks(Locks(database), lambda: time[0])
    enabling = Enabling(
        Attempts(database),
        enabler,  # pyright: ignore[reportArgumentType]
        Blocks(),
        lambda: time[0],
        locks,
        PATIENCE,
        60,
    )
    await enabling.enable("run-1", wanted(database, id))
    assert enabler.sent == sent
    (attempt,) = attempts_at(database, id)
    assert (attempt.outcome, attempt.confirmed_at is not None) == ((None, True) if sent else ("refused", False))
    database.close()
