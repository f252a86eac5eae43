"""The world that processes enable in and are killed in: customers with two requested integrations each.

What is claimed at the end is read from LinkedIn's stand-in and the ATS database alone.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session, select

from blocks.child_app import block_name
from greenlight.ats.database import open_database
from greenlight.ats.ledger import Attempt
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.registry import Registration, register
from greenlight.ats.requests import Requests
from greenlight.ats.tables import Customer, Integration, RequestDay
from greenlight.domain.budget import Lane
from greenlight.domain.keys import IntegrationKey
from sandbox import world as at_linkedin
from sandbox.world import Application, Fault, World
from tests.kill.harness import Cell, Driver, client_of, customers, engine_of, killed_at, secret_of, why

#: More than there are steps on any way; the driver stops by itself where they end.
ENOUGH = 100
#: Whether to draw no samples but to take everything, which takes some minutes.
EVERYTHING = os.environ.get("KILL_EVERYTHING") == "1"
#: Cells side by side.
CELLS_AT_ONCE = 8
#: A dead process's lease is over after that many seconds, and what it sent has arrived (`greenlight.ats.leases`).
AHEAD = 20

JOBS = (("APPLY_WITH_LINKEDIN", "JOBS"), ("APPLY_CONNECT", "JOBS"))
#: Types that the customer's admin switches on after the partner's enable.
RECRUITER = (("IN_ATS_INDICATOR", "RECRUITER"), ("ONE_CLICK_EXPORT", "RECRUITER"))

ENABLED = ("ENABLED", {("enabled", "ENABLED"), ("already_enabled", "ENABLED"), ("already_enabled", "ALREADY_ENABLED")})
PARTNER_READY = ("PARTNER_READY", {("waiting", "AWAITING_CUSTOMER")})

#: Only what LinkedIn is told, and by whom.
_SENT = ("verify", "enable")


def requested(names: Sequence[str], types: Sequence[tuple[str, str]] = JOBS, *faults: Fault) -> World:
    """The world in which each of these customers has requested these types, and meets these faults."""
    return World(
        applications=[
            Application(
                client_id=client_of(name),
                client_secret=secret_of(name),
                customer=name,
                integrations=[
                    at_linkedin.Integration(
                        integration_context=context_of(name),
                        integration_type=type,
                        tenant_type=tenant,
                        onboarding_status="REQUESTED",
                    )
                    for type, tenant in types
                ],
                faults=list(faults),
            )
            for name in names
        ]
    )


def context_of(customer: str) -> str:
    return f"urn:li:organization:{client_of(customer)}"


class Street:
    """LinkedIn's stand-in and the ATS database, as they are seen from outside of any run."""

    def __init__(
        self, driver: Driver, linkedin: Any, address: str, database_url: str, on_record: Sequence[Application]
    ) -> None:
        self.linkedin = linkedin
        self._on_record = on_record
        self._driver = driver
        self._database_url = database_url
        self._names = [str(application.customer) for application in on_record]
        self._env = {
            "GREENLIGHT_DATABASE_URL": database_url,
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_HTTP_TIMEOUT_SECONDS": "1",
            "GREENLIGHT_SETTLE_SECONDS": "1",
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.1,0.1",
        }
        self._move_in()

    def _move_in(self) -> None:
        """Everybody is on record, and the portal's plugin has named their integrations a moment ago."""
        now = datetime.now(UTC)
        with closing(open_database(self._database_url)) as database:
            known = [Registration(name, name, (client_of(name), block_name(name)), []) for name in self._names]
            register(database, known, now)
            portal_sessions, requests = PortalSessions(database), Requests(database)
            for application in self._on_record:
                name = str(application.customer)
                keys = [
                    IntegrationKey(one.integration_context, one.integration_type, one.tenant_type)
                    for one in application.integrations
                ]
                portal_sessions.open(f"link {name}", name, name, now, now + timedelta(hours=1))
                requests.record(name, name, keys, now)

    def cells(self, count: int = ENOUGH, **alike: Any) -> list[dict[str, Any]]:
        """Cells that are alike, each about a customer that no other cell is about."""
        some, self._names = self._names[1 : count + 1], [self._names[0], *self._names[count + 1 :]]
        assert some, "this world has no more customers"
        return [{"act": "request", "ahead": AHEAD, "customer": name, "run_id": str(uuid4()), **alike} for name in some]

    def work(self, cells: Sequence[Cell], of: str) -> list[dict[str, Any]]:
        return self._driver.work(self._job(cells), self._title(of))

    def matrix(self, of: str, *, every: int = 1, **alike: Any) -> list[dict[str, Any]]:
        """See `Driver.matrix`. All steps are taken where everything is asked for."""
        return self._driver.matrix(self._job(self.cells(**alike)), self._title(of), 1 if EVERYTHING else every)

    def _job(self, cells: Sequence[Cell]) -> Cell:
        warm_up = {"act": "request", "customer": self._names[0]}
        return {"env": self._env, "warm_up": warm_up, "cells": list(cells), "width": CELLS_AT_ONCE}

    def _title(self, of: str) -> str:
        return f"{of}, {engine_of(self._database_url)}"

    def check(
        self,
        cells: Sequence[Cell],
        end: tuple[str, Collection[tuple[str, str]]] = ENABLED,
        *,
        effective: int = 1,
        allowed: Collection[str] = (),
    ) -> None:
        """What is claimed of each cell's customer. `allowed` are rules of LinkedIn's that may have been broken."""
        clients = {one["customer"]: one for one in self.linkedin.state()["applications"]}
        with closing(open_database(self._database_url)) as database, database.reading() as session:
            for cell in cells:
                errors = [run["error"] for run in cell["runs"] if "error" in run]
                assert errors == [], "\n".join(errors)
                assert all(run["killed"] or "result" in run for run in cell["runs"]), why(cell)
                self._check_linkedin(cell, clients[cell["customer"]], end[0], effective)
                _check_database(session, cell, end)
                self._check_budget(session, cell)
            asked = {cell["customer"] for cell in cells if cell["act"] == "request"}
            assert not asked & set(Requests(database).open_customers()), "each request was acted on"
        self.check_rules(cells, allowed)

    @staticmethod
    def _check_linkedin(cell: Cell, client: Mapping[str, Any], status: str, effective: int) -> None:
        for one in client["integrations"]:
            assert one["onboardingStatus"] == status, why(cell)
            assert one["enables"]["effective"] == effective, why(cell)

    def _check_budget(self, session: Session, cell: Cell) -> None:
        """Each request was counted before it left, so there may be some that were only counted."""
        client = client_of(cell["customer"])
        rows = session.exec(select(RequestDay).where(RequestDay.application == client)).all()
        counted = sum(getattr(row, lane) for row in rows for lane in Lane)
        sent = sum(entry.client_id == client and entry.operation in _SENT for entry in self.linkedin.log)
        # One that is killed, sleeps or finds itself too late after the count sends nothing, and has no answer.
        steps = [step for run in cell["runs"] for step in run["steps"]]
        unsent = steps.count("commit count request: before") - sum(steps.count(f"{kind}: answered") for kind in _SENT)
        assert sent <= counted <= sent + unsent, why(cell)

    def check_rules(self, cells: Sequence[Cell], allowed: Collection[str] = ()) -> None:
        """Among them: no enable without REQUESTED in the last look, none again, none while the last one is in doubt."""
        clients = {client_of(cell["customer"]): cell for cell in cells}
        for one in self.linkedin.violations:
            # Each process is new and holds no token.
            assert one.client_id not in clients or one.rule in ("extra_token", *allowed), (
                f"{one.rule}: {one.text}\n{why(clients[one.client_id])}"
            )


def _check_database(session: Session, cell: Cell, end: tuple[str, Collection[tuple[str, str]]]) -> None:
    status, conditions = end
    rows = session.exec(select(Integration).where(Integration.customer_id == cell["customer"])).all()
    assert rows, why(cell)
    for row in rows:
        assert row.observed == status, why(cell)
        assert (row.outcome, row.reason) in conditions, f"{row.outcome} {row.reason}\n{why(cell)}"
        attempts = session.exec(select(Attempt).where(Attempt.integration_id == row.id)).all()
        assert all(attempt.outcome is not None and attempt.closed_at is not None for attempt in attempts), why(cell)
    customer = session.get_one(Customer, cell["customer"])
    if cell.get("together") and killed_at(cell):
        # The dead one may have been the last one there.
        over = datetime.now(UTC) + timedelta(seconds=cell["lease"])
        assert customer.locked_until is None or customer.locked_until <= over, why(cell)
    else:
        assert customer.locked_by is None, why(cell)


def enabled_by_somebody_else(street: Street) -> None:
    """From now on everything is switched on at LinkedIn right after a look that shows it as REQUESTED."""
    said: Callable[..., None] = street.linkedin.watch.verify_said

    def switch_on(client_id: str, shown: Mapping[Any, str | None]) -> None:
        said(client_id, shown)
        for key, status in shown.items():
            if status == "REQUESTED":
                street.linkedin.set_status(client_id, key, "ENABLED")

    street.linkedin.watch.verify_said = switch_on


def named(count: int = ENOUGH) -> list[str]:
    """Customers for cells, and the first one for the driver to warm up with."""
    return customers(count + 1)
