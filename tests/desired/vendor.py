"""A vendor's own database, whose tables are none of ours, and the ten-line view that Greenlight reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool
from sqlmodel import col, select

from greenlight.ats.database import Database
from greenlight.ats.tables import Customer, Integration, Run
from greenlight.desired.source import DesiredSource
from greenlight.desired.sql import SqlSource
from greenlight.desired.syncing import sync
from greenlight.domain.budget import Lane
from greenlight.domain.desired import SyncReport
from greenlight.domain.report import Command

_TABLES = (
    "CREATE TABLE tenants (id BIGINT PRIMARY KEY, legal_name VARCHAR(200) NOT NULL, closed_on DATE)",
    "CREATE TABLE tenant_settings (tenant_id BIGINT NOT NULL, name VARCHAR(100) NOT NULL, value VARCHAR(200))",
    """
    CREATE VIEW greenlight_desired AS
    SELECT t.id                                 AS customer_id,
           t.legal_name                         AS customer_name,
           org.value                            AS integration_context,
           'APPLY_WITH_LINKEDIN'                AS integration_type,
           'JOBS'                               AS tenant_type
    FROM tenants AS t
    JOIN tenant_settings AS org ON org.tenant_id = t.id AND org.name = 'linkedin_organization'
    JOIN tenant_settings AS wants ON wants.tenant_id = t.id AND wants.name = 'apply_with_linkedin'
    WHERE wants.value = 'on' AND t.closed_on IS NULL
    """,
)


class Vendor:
    """The vendor's database: what its own programs do to it, in SQL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: Engine = create_engine(url, poolclass=NullPool)
        for statement in _TABLES:
            self.does(statement)

    def does(self, statement: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(statement), values)

    def signs(self, *tenants: int, name: str = "Tenant {}") -> None:
        for id in tenants:
            self.does("INSERT INTO tenants VALUES (:id, :name, NULL)", id=id, name=name.format(id))
            for setting, value in (
                ("linkedin_organization", f"urn:li:organization:org{id}"),
                ("apply_with_linkedin", "on"),
            ):
                self.does("INSERT INTO tenant_settings VALUES (:id, :name, :value)", id=id, name=setting, value=value)

    def switches(self, tenant: int, value: str) -> None:
        self.does(
            "UPDATE tenant_settings SET value = :value WHERE tenant_id = :id AND name = 'apply_with_linkedin'",
            id=tenant,
            value=value,
        )

    def source(self, query: str | None = None) -> SqlSource:
        return SqlSource(self.url, query)


@contextmanager
def vendors_database(ats_url: str, folder: Path) -> Iterator[str]:
    """The address of another database, on the engine that the ATS database is on."""
    if ats_url.startswith("sqlite"):
        yield f"sqlite:///{folder / 'vendor.db'}"
        return
    name = f"vendor_{make_url(ats_url).database}"
    admin = create_engine(ats_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    try:
        yield make_url(ats_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
        admin.dispose()


NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)


class Nights:
    """Syncs of one database, a day apart."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NIGHT

    def sync(self, source: DesiredSource, run_id: str | None = None) -> SyncReport:
        self.now = now = self.now + timedelta(days=1)
        return sync(source, self.database, lambda: now, run_id)

    def told(self, lane: Lane = Lane.NIGHTLY) -> str:
        """A run that has come to its end and told of its sync; its id."""
        run = Run(run_id=str(uuid4()), command=Command.APPLY, lane=lane, scope={}, started_at=self.now)
        run.finished_at, run_id = self.now, run.run_id
        with self.database.writing() as session:
            session.add(run)
        return run_id

    def wanted(self) -> dict[str, str]:
        """The names of all customers of whom something is wanted."""
        query = select(Customer.customer_id, Customer.customer_name).join(Integration)
        with self.database.reading() as session:
            return dict(session.exec(query.where(col(Integration.withdrawn_at).is_(None))).all())

    def integration(self, customer_id: str) -> Integration:
        with self.database.reading() as session:
            return session.exec(select(Integration).where(Integration.customer_id == customer_id)).one()


def changed(report: SyncReport) -> dict[str, list[str]]:
    """Whom each kind of change is about."""
    return {kind: [entry["customer_id"] for entry in entries] for kind, entries in report.entries.items()}
