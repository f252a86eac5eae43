"""Processes on hosts whose clocks are hours apart, and applications that are replaced between a kill and a run."""

import random
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from blocks.child_app import block_name
from greenlight.ats.database import open_database
from greenlight.ats.ledger import Attempt
from greenlight.ats.registry import Registration, register
from greenlight.ats.tables import Integration
from greenlight.domain.conditions import AttemptOutcome
from sandbox.world import Application, Fault
from tests.kill.enabling import EVERYTHING, JOBS, PARTNER_READY, RECRUITER, Street, named, requested
from tests.kill.harness import client_of, engine_of, killed_at, why

#: Seconds; a lease, a settling time and a look's freshness are minutes at most.
EFFECTIVE = {AttemptOutcome.CONFIRMED, AttemptOutcome.CONFIRMED_BY_LOOKING}
HOURS = 3 * 3600.0
APART = [[HOURS, -HOURS], [-HOURS, HOURS], [0.0, HOURS], [HOURS, 0.0]]


@pytest.fixture
def hosts_of_their_own(database_url: str) -> None:
    if engine_of(database_url) == "sqlite":
        pytest.skip("whoever writes into one file has one clock")


@pytest.mark.usefixtures("hosts_of_their_own")
@pytest.mark.parametrize("act", ["request", "reconcile"])
def test_two_hosts_at_the_same_time(street: Any, act: str) -> None:
    with street(requested(named(8))) as there:
        cells = there.cells(8, act=act, together=2)
        apart = [{**cell, "hosts": APART[turn % 4], "lag": 0.06 * turn} for turn, cell in enumerate(cells)]
        there.check(there.work(apart, "two hosts hours apart"))


@pytest.mark.usefixtures("hosts_of_their_own")
def test_one_host_finishes_what_another_began(street: Any) -> None:
    """What the dead one has seen, sent and leased is neither from the future nor long over."""
    count = 90 if EVERYTHING else 10
    with street(requested(named(count), RECRUITER)) as there:
        (whole,) = there.work(there.cells(1), "without a kill")
        last = len(whole["runs"][0]["steps"])
        cells = [
            {**cell, "kills": [random.randint(1, last)], "hosts": APART[turn % 4]}
            for turn, cell in enumerate(there.cells(count - 1))
        ]
        there.check(there.work(cells, "hosts hours apart"), PARTNER_READY)


@pytest.mark.usefixtures("hosts_of_their_own")
def test_an_enable_in_doubt_is_as_long_in_doubt_for_every_host(street: Any) -> None:
    late = Fault(on="enable", fault="status", status=504, applied_after=1.8)
    with street(requested(named(4), JOBS, late)) as there:
        cells = there.cells(4, act="reconcile", ahead=0, lease=1.5, renew=0.5, kills=["enable: answered"])
        there.check(there.work([{**c, "hosts": APART[turn]} for turn, c in enumerate(cells)], "in doubt, hours apart"))


def second(name: str, status: str | None) -> Application:
    """The application that the customer gets in place of its first one."""
    (first,) = requested([name]).applications
    for one in first.integrations:
        one.onboarding_status = status
    return first.model_copy(update={"client_id": second_client(name)})


def second_client(name: str) -> str:
    return f"{client_of(name)}second"


@pytest.mark.parametrize("status", [None, "REQUESTED"])
def test_an_application_is_replaced_after_a_kill(street: Any, database_url: str, status: str | None) -> None:
    """What was seen, intended and answered under the old one is no evidence under the new one."""
    count = 60 if EVERYTHING else 10
    names = named(count)
    world = requested(names)
    with street(world, [second(name, status) for name in names]) as there:
        (whole,) = there.work(there.cells(1, act="reconcile"), "without a kill")
        last = len(whole["runs"][0]["steps"])
        cells = [{**c, "kills": [random.randint(1, last)]} for c in there.cells(count - 1, act="reconcile")]
        killed = there.work([{**cell, "unfinished": True} for cell in cells], "before a replacement")
        assert all(map(killed_at, killed))
        with closing(open_database(database_url)) as database:
            for cell in cells:
                name = cell["customer"]
                application = second_client(name), block_name(name)
                register(database, [Registration(name, name, application, [])], datetime.now(UTC))
        # Nobody shares the dead ones' leases with them: their clocks go on from here.
        after = [{**cell, "client": second_client(cell["customer"]), "kills": [], "lease": 0.5} for cell in cells]
        done = there.work(after, "after a replacement")
        there.check_rules(done)
        with closing(open_database(database_url)) as database, database.reading() as session:
            for cell in done:
                check_replaced(there, session, cell)


def check_replaced(there: Street, session: Session, cell: Any) -> None:
    """At most one effect under each application, the new one's state on record, and no attempt without an end."""
    (run,) = cell["runs"]
    assert "result" in run, why(cell)
    shown = there.linkedin.state()["applications"]
    (new,) = [one["integrations"] for one in shown if one["client_id"] == second_client(cell["customer"])]
    for one in new:
        row = session.exec(
            select(Integration).where(
                Integration.customer_id == cell["customer"], Integration.integration_type == one["integrationType"]
            )
        ).one()
        attempts = session.exec(select(Attempt).where(Attempt.integration_id == row.id)).all()
        # On a slow machine a request may be too late to be sent, which has its attempt and its end as well.
        effective = [a for a in attempts if a.client_id == second_client(cell["customer"]) and a.outcome in EFFECTIVE]
        assert row.observed == (one["onboardingStatus"] or "NOT_REQUESTED"), why(cell)
        assert row.observed_client_id == second_client(cell["customer"]), why(cell)
        assert all(attempt.outcome is not None for attempt in attempts), why(cell)
        assert one["enables"]["effective"] == len(effective) == (row.observed == "ENABLED"), why(cell)
    assert all(i["enables"]["effective"] <= 1 for one in shown for i in one["integrations"]), why(cell)
