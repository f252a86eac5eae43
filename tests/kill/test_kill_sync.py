"""A sync with a source survives a SIGKILL at any step: the next one leads to what one alone leads to.

Each cell has an ATS database of its own; all read the same vendor's, which has moved on since each was last synced.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, func, select

from greenlight.ats.database import open_database
from greenlight.ats.ledger import Warrant
from greenlight.ats.tables import Customer, Integration
from greenlight.desired.syncing import sync
from greenlight.domain.status import Status
from tests.ats.world import shows
from tests.desired.vendor import Vendor, vendors_database
from tests.kill.harness import Driver, engine_of, killed_at, steps_of, why

#: More than a sync has steps.
ENOUGH = 40


@pytest.fixture
def vendor(database_url: str, tmp_path: Path) -> Iterator[Vendor]:
    with vendors_database(database_url, tmp_path) as url:
        yield Vendor(url)


@pytest.fixture
def fresh(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """One more empty ATS database, with each call."""
    with ExitStack() as stack:
        made = 0

        def another() -> str:
            nonlocal made
            made += 1
            if engine_name == "sqlite":
                template = request.getfixturevalue("sqlite_template")
                return f"sqlite:///{shutil.copy(template, tmp_path / f'{made}.db')}"
            return stack.enter_context(request.getfixturevalue("postgres").fresh(migrated=True))

        yield another


def synced(url: str, vendor: Vendor) -> None:
    with closing(open_database(url)) as database:
        sync(vendor.source(), database, lambda: datetime.now(UTC), None)
        with database.reading() as session:
            query = select(Integration.id).where(Integration.customer_id == "4", Integration.observed == Status.UNKNOWN)
            ids = session.exec(query).all()
        for id in ids:
            assert id is not None
            shows(database, id, Status.ENABLED, datetime.now(UTC))


def state(url: str) -> list[tuple[Any, ...]]:
    """Each integration, whether it is wanted, why not, and on how many words it may be enabled."""
    query = (
        select(
            Integration.customer_id,
            Customer.customer_name,
            Integration.listing,
            col(Integration.withdrawn_at).is_(None),
            col(Integration.drifted_at).is_not(None),
            Integration.reason,
            select(func.count()).where(col(Warrant.integration_id) == Integration.id).scalar_subquery(),
        )
        .join(Customer)
        .order_by(Integration.customer_id)
    )
    with closing(open_database(url)) as database, database.reading() as session:
        return [tuple(row) for row in session.execute(query)]


@pytest.fixture
def made(vendor: Vendor, fresh: Callable[[], str]) -> Callable[[int], list[str]]:
    """So many ATS databases, of whose customers since then three left, two came, one is back and one is renamed."""

    def databases(count: int) -> list[str]:
        vendor.signs(*range(1, 20))
        urls = [fresh() for _ in range(count)]
        for url in urls:
            synced(url, vendor)
        vendor.switches(5, "off")
        for url in urls:
            synced(url, vendor)
        vendor.switches(5, "on")
        vendor.does("UPDATE tenants SET legal_name = 'Renamed' WHERE id = 3")
        for tenant in (2, 4, 6):
            vendor.switches(tenant, "off")
        vendor.signs(20, 21)
        return urls

    return databases


def job(urls: list[str], vendor: Vendor, warm_up: str, **alike: Any) -> dict[str, Any]:
    env = {
        "GREENLIGHT_DATABASE_URL": warm_up,
        "GREENLIGHT_DESIRED_SOURCE": "sql",
        "GREENLIGHT_DESIRED_URL": vendor.url,
    }
    cells = [{"act": "sync", "customer": "", "env": {"GREENLIGHT_DATABASE_URL": url}, **alike} for url in urls]
    return {"env": env, "warm_up": {"act": "sync"}, "cells": cells}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_sync(
    enabling_driver: Driver, made: Callable[[int], list[str]], vendor: Vendor, fresh: Callable[[], str]
) -> None:
    alone, *urls = made(ENOUGH + 1)
    before = state(alone)
    cells = enabling_driver.matrix(job(urls, vendor, fresh()), f"sync, {engine_of(alone)}")
    steps = set(steps_of(cells))
    assert {f"commit {name}: after" for name in ("begin", "stage", "bring_in", "withdraw", "end")} <= steps
    synced(alone, vendor)
    after = state(alone)
    assert {row[0]: row[5] for row in after if not row[3]} == {
        "2": "WITHDRAWN",
        "4": "ENABLED_BUT_WITHDRAWN",
        "6": "WITHDRAWN",
    }
    for cell in cells:
        assert cell["runs"][-1]["result"]["outcome"] == "applied", why(cell)
        assert state(cell["env"]["GREENLIGHT_DATABASE_URL"]) == after, why(cell)
    # Whoever is killed while it reads has changed nothing.
    spare = [url for url in urls if url not in {cell["env"]["GREENLIGHT_DATABASE_URL"] for cell in cells}]
    unfinished = {**job(spare[-1:], vendor, alone, unfinished=True), "width": 1}
    unfinished["cells"][0]["kills"] = ["commit bring_in: before"]
    (cell,) = enabling_driver.work(unfinished, f"sync, {engine_of(alone)}")
    assert killed_at(cell) == ["commit bring_in: before"]
    assert state(spare[-1]) == before


def test_two_at_once(
    enabling_driver: Driver, made: Callable[[int], list[str]], vendor: Vendor, fresh: Callable[[], str]
) -> None:
    alone, *urls = made(4)
    synced(alone, vendor)
    cells = enabling_driver.work(job(urls, vendor, fresh(), together=2, lag=0.02), f"syncs at once, {engine_of(alone)}")
    for cell in cells:
        outcomes = {run.get("result", {}).get("outcome") for run in cell["runs"]}
        assert outcomes <= {"applied", "overtaken"}, why(cell)
        assert "applied" in outcomes, why(cell)
        assert state(cell["env"]["GREENLIGHT_DATABASE_URL"]) == state(alone), why(cell)
