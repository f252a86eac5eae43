"""A database that is not this version's: runs and the worker refuse it in one sentence, and leave it as it is."""

import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from flows.apply import apply
from flows.approve import approve
from flows.backfill import backfill
from flows.plan import plan
from flows.provision import provision
from flows.prune import prune
from flows.reconcile import reconcile
from flows.request import What
from flows.rotate import rotate
from greenlight.ats.database import kept_open, open_database
from greenlight.ats.fleet import Fleet
from sandbox.world import World
from tasks.realtime.requested import enable_requested
from tasks.realtime.worker import _sweep_once

STARTED: dict[str, Any] = {
    "plan": lambda: plan(return_state=True),
    "reconcile": lambda: reconcile(What.APPLY, return_state=True),
    "apply": lambda: apply("0000", return_state=True),
    "approve": lambda: approve("0000", "ann", return_state=True),
    "backfill": lambda: backfill(What.APPLY, ("acme",), return_state=True),
    "provision": lambda: provision(new={"acme": "Acme"}, return_state=True),
    "prune": lambda: prune(return_state=True),
    "rotate": lambda: rotate(all_customers=True, return_state=True),
}


def made_by(there: Any, revision: str) -> None:
    with there.database.engine.begin() as connection:
        connection.execute(text("UPDATE greenlight_version SET version_num = :it"), {"it": revision})


async def test_every_flow_refuses_an_older_and_a_newer_database(town: Any) -> None:
    async with town(World()) as there:
        for revision, words in (("0001", "`greenlight migrate`"), ("9999", "install the version that made it")):
            made_by(there, revision)
            for name, start in STARTED.items():
                state: Any = await start()
                assert (state.name, state.is_failed()) == ("Refused", True), name
                assert state.message.startswith("GREENLIGHT_DATABASE_URL "), name
                assert words in state.message, name
                assert revision in state.message, "and it is left as it is"


async def test_a_prune_says_what_it_deleted(town: Any) -> None:
    async with town(World()) as there:
        Fleet(there.database).take(datetime.now(UTC) - timedelta(days=401))
        Fleet(there.database).take(datetime.now(UTC) - timedelta(days=399))
        state: Any = await prune(return_state=True)
        assert (state.name, state.message) == ("Pruned", "deleted: 1 fleet_snapshot")
        state = await prune(return_state=True)
        assert (state.name, state.message) == ("Pruned", "deleted: nothing")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_the_worker_says_so_and_goes_on_once_it_fits(town: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It keeps one handle, and still notices that a newer version has been at the database."""
    async with town(World()) as there:
        worker: Any = enable_requested
        newest = there.database.schema().newest
        url = there.database.engine.url.render_as_string(hide_password=False)
        with kept_open(url) as handle:
            assert open_database(url).engine is handle.engine
            open_database(url).close()
            made_by(there, "9999")
            with caplog.at_level(logging.WARNING):
                await _sweep_once()
                state = await worker(return_state=True)
            assert (state.name, state.is_failed()) == ("Refused", True)
            lines = [record.getMessage() for record in caplog.records if "cannot be looked for" in record.getMessage()]
            assert len(lines) == 2
            assert all("is newer than this version" in line and "\n" not in line for line in lines)
            made_by(there, newest)
            state = await worker(return_state=True)
            assert state.is_completed()
        with closing(open_database(url)) as another:
            assert another.engine is not handle.engine
