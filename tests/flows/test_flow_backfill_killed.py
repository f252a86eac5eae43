"""A backfill whose process is killed half-way and finished by a second run: nobody twice, nobody forgotten."""

import os
import signal
import subprocess
import sys
from typing import Any

from sqlmodel import col, select

from flows.backfill import backfill
from flows.request import BackfillRequest, What
from greenlight.ats.ledger import Attempt
from sandbox.world import Fault
from tests.flows.test_flow_backfill import crowd
from tests.tasks.realtime.test_tasks_worker import until

CUSTOMERS = 80
ENABLES = CUSTOMERS * 3 // 4

RUN = """
import asyncio, sys
from flows.backfill import backfill
from flows.request import BackfillRequest
asyncio.run(backfill(**dict(BackfillRequest.model_validate_json(sys.argv[1])), return_state=True))
"""


def started(request: BackfillRequest, prefect_server: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, request.model_dump_json()],
        env={**os.environ, "PREFECT_API_URL": prefect_server},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def test_a_killed_backfill_is_finished_by_the_next(town: Any, prefect_server: str, tmp_path: Any) -> None:
    slow = {f"csa{n:03}": [Fault(on="enable", fault="hang", seconds=0.3)] for n in range(CUSTOMERS)}
    start, text = crowd(CUSTOMERS, **slow)
    file = tmp_path / "migrated.jsonl"
    file.write_text(text)
    async with town(start) as there:
        await there.bring_in(text)

        def enabled() -> int:
            return sum(count["effective"] for count in there.enables().values())

        request = BackfillRequest(file=str(file), what=What.APPLY, waves=(1, 5, 10))
        process = started(request, prefect_server)
        try:
            await until(lambda: enabled() >= ENABLES // 2, 90)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert enabled() < ENABLES, "it was killed half-way"

        state: Any = await backfill(**dict(request), return_state=True)
        assert state.is_completed(), state.message
        effective = {name: count["effective"] for name, count in there.enables().items()}
        assert effective == {f"csa{n:03}": int(n % 4 != 0) for n in range(CUSTOMERS)}
        assert [v.rule for v in there.violations()] == []
        with there.database.reading() as session:
            assert session.exec(select(Attempt).where(col(Attempt.closed_at).is_(None))).all() == []
