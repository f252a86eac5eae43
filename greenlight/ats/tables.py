"""The tables of the ATS database: the memory of every run (docs/adr/0001-the-database-is-the-ledger.md).

An attempt is what happened once; the condition on an integration is what is known now. Secrets are never here, only
the name of the block that holds them.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, Index, MetaData, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from greenlight.ats.columns import UtcDateTime, fitting
from greenlight.domain.plan import Action
from greenlight.domain.provisioning import Provision
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Status


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _some(name: str, columns: tuple[str, ...], such: str) -> Index:
    return Index(name, *columns, sqlite_where=text(such), postgresql_where=text(such))


class Table(SQLModel):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    def __setattr__(self, name: str, value: Any) -> None:
        # What begins with _ is SQLAlchemy's own, set once for each row that is read.
        known = value if name.startswith("_") else fitting(type(self).__dict__["__table__"], name, value)
        super().__setattr__(name, known)


class Customer(Table, table=True):
    __table_args__ = (_some("ix_customer_locked_by", ("locked_by",), "locked_by IS NOT NULL"),)

    customer_id: str = Field(primary_key=True, max_length=128)
    customer_name: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=UtcDateTime)
    #: When what is personal was taken off the records of a customer that left; None is a customer.
    forgotten_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: Who is at this customer now, for which run, and until when that holds unless it is renewed.
    locked_by: str | None = Field(default=None, max_length=36)
    locked_for: str | None = Field(default=None, max_length=36)
    locked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Pause(Table, table=True):
    """That nothing is to be enabled for a customer: why, who says so, and until when."""

    customer_id: str = Field(primary_key=True, max_length=128, foreign_key="customer.customer_id")
    reason: str = Field(max_length=300)
    owner: str = Field(max_length=200)
    since: datetime = Field(sa_type=UtcDateTime)
    until: datetime = Field(sa_type=UtcDateTime)


class ChildApplication(Table, table=True):
    """A customer's own OAuth client: its public id, and where its secret is.

    What provisioning knows besides is None for one that was imported.
    """

    __tablename__: ClassVar[Any] = "child_application"

    customer_id: str = Field(primary_key=True, max_length=128, foreign_key="customer.customer_id")
    client_id: str = Field(max_length=128, unique=True)
    credentials_block: str = Field(max_length=200)
    application_urn: str | None = Field(default=None, max_length=200)
    application_name: str | None = Field(default=None, max_length=200)
    #: `validJsSdkDomains` as LinkedIn last had it.
    js_sdk_domains: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    #: Those of them that were written from here; any other is foreign and stays.
    own_domains: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    provisioned_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    #: When its credentials first got a token; a new application may take minutes (docs/linkedin.md#after-create).
    works_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: When its secret was given up because the customer left; None once there is another.
    secret_deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Provisioning(Table, table=True):
    """One customer's way to a child application: the intent, committed before the first request, and what came of it.

    `unique_foreign_id` never changes once it is written, since LinkedIn knows the application by it.
    """

    __table_args__ = (one_of("outcome", Provision),)

    customer_id: str = Field(primary_key=True, max_length=128, foreign_key="customer.customer_id")
    unique_foreign_id: str = Field(max_length=200, unique=True)
    begun_at: datetime = Field(sa_type=UtcDateTime)
    run_id: str = Field(max_length=36, index=True)
    outcome: str | None = Field(default=None, max_length=20)
    reason: str | None = Field(default=None, max_length=40)
    detail: str | None = Field(default=None, max_length=300)
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Integration(Table, table=True):
    """One wanted integration: what LinkedIn last showed, and the condition that follows from all that is known."""

    __table_args__ = (
        UniqueConstraint(
            "customer_id", "integration_context", "integration_type", "tenant_type", name="uq_integration_key"
        ),
        one_of("observed", Status),
        one_of("action", Action),
        one_of("outcome", Outcome),
        # As `rows.open_request` says it, word for word, since SQLite compares the words.
        _some(
            "ix_integration_open_request",
            ("requested_at", "customer_id"),
            "requested_at IS NOT NULL AND (acted_on_at IS NULL OR acted_on_at < requested_at)",
        ),
        _some("ix_integration_waits_for_a_look", ("look_due_at", "customer_id"), "look_due_at IS NOT NULL"),
        _some("ix_integration_drifted", ("id",), "drifted_at IS NOT NULL"),
        _some("ix_integration_vanished", ("customer_id", "vanished_at"), "vanished_at IS NOT NULL"),
        _some("ix_integration_new", ("id",), "judged_at IS NULL"),
        _some("ix_integration_listed", ("customer_id",), "listing IS NOT NULL"),
    )

    id: int | None = Field(default=None, primary_key=True)
    customer_id: str = Field(max_length=128, foreign_key="customer.customer_id")
    integration_context: str = Field(max_length=200, index=True)
    integration_type: str = Field(max_length=64)
    tenant_type: str = Field(max_length=64)
    integration_name: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=UtcDateTime)

    observed: str = Field(default=Status.UNKNOWN, max_length=20, index=True)
    observed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: Under which application that was; None is a look of a version that did not keep it.
    observed_client_id: str | None = Field(default=None, max_length=128)
    #: When a look first showed what is observed now.
    observed_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: When a look last showed the effect of an enable; a warrant that is older is used up.
    effect_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: When a look first showed nothing where one before had shown this status; None once something is shown again.
    vanished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    vanished_from: str | None = Field(default=None, max_length=20)
    #: When a look showed that it is ENABLED no more, or the source dropped what is ENABLED; None once that is told.
    drifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: When a scheduled run first counted it among what is wanted; None is new.
    judged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: Stage and run that looked last and need not look again, so that a repeated chunk skips it.
    looked_for: str | None = Field(default=None, max_length=60)
    #: The last run that is done with it after planning to enable it.
    done_in_run: str | None = Field(default=None, max_length=36)

    action: str = Field(default=Action.NONE, max_length=10)
    outcome: str = Field(default=Outcome.NOT_LOOKED_AT, max_length=20)
    reason: str = Field(default=Reason.NOT_LOOKED_AT, max_length=40)
    detail: str | None = Field(default=None, max_length=300)
    condition_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    next_try_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: Failures one after another, each at least a back-off after the last (`greenlight.domain.backoff`).
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})

    #: When the plugin's callback last named it, and the latest such moment that has been acted on.
    requested_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    acted_on_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: Whether the source of what is wanted has it: `Listing`; None is one in which it has no say.
    listing: str | None = Field(default=None, max_length=10)
    #: When it was taken out of what is wanted, and by whom; None is wanted.
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_by: str | None = Field(default=None, max_length=200)
    #: While a request is open: not to be acted on before. Otherwise: that somebody waits for a look, and since when.
    look_due_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)


class PortalSession(Table, table=True):
    """A customer's browser session in the portal. Of its id only a digest is kept; each link opens one session."""

    __tablename__: ClassVar[Any] = "visit"  # its name before it had one that the field knows
    session_digest: str = Field(primary_key=True, max_length=64)
    link_id: str = Field(max_length=64, unique=True)
    customer_id: str = Field(max_length=128, foreign_key="customer.customer_id", index=True)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    origin: str | None = Field(default=None, max_length=300)  # of an embed token, on which no cookie is


class RequestEvidence(Table, table=True):
    """That a callback named an integration: in which session, when, how often. A hint, no authority."""

    __tablename__: ClassVar[Any] = "request_evidence"

    integration_id: int = Field(primary_key=True, foreign_key="integration.id")
    session_digest: str = Field(primary_key=True, max_length=64, foreign_key="visit.session_digest", index=True)
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    times: int


class Run(Table, table=True):
    """One plan or apply. `run_id` is the id of the Prefect flow run."""

    __table_args__ = (Index(None, "lane", "finished_at"),)

    run_id: str = Field(primary_key=True, max_length=36)
    command: str = Field(max_length=20)
    #: Whose share of the day's requests it used.
    lane: str | None = Field(default=None, max_length=10)
    scope: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    #: The plan that it made, or that it was to apply.
    plan_id: str | None = Field(default=None, max_length=36)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    verdict: str | None = Field(default=None, max_length=10)
    #: The day of the next night that rechecks some of what was not due in this one, if nights run every day.
    next_recheck_on: date | None = None
    #: Until then it lasts, unless it says so again: others may take shards of it.
    shards_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    token_requests: int = 0
    verify_requests: int = 0
    enable_requests: int = 0
    provision_requests: int = 0


class RequestDay(Table, table=True):
    """Requests to `atsIntegrations` that were counted against one limit on one UTC day, by lane."""

    __tablename__: ClassVar[Any] = "request_day"

    #: The child application's client id, or the parent's name where the limit is the parent's.
    application: str = Field(primary_key=True, max_length=128)
    day: date = Field(primary_key=True)
    realtime: int = 0
    operator: int = 0
    nightly: int = 0
    backfill: int = 0
    #: 429 answers one after another.
    refusals: int = 0
    #: What LinkedIn's refusals taught about the limit; None while they taught nothing.
    learned_limit: int | None = None
    parked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Plan(Table, table=True):
    """A plan as it was shown: exactly what `apply PLAN_ID` may do, once and until it expires."""

    plan_id: str = Field(primary_key=True, max_length=36)
    created_at: datetime = Field(sa_type=UtcDateTime)
    scope: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    token_requests: int
    verify_requests: int
    enable_requests: int
    #: None is a plan of a version whose plans did not expire; it is over.
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    used_by_run: str | None = Field(default=None, max_length=36)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Approval(Table, table=True):
    """That somebody wants a plan applied: who, when, and until when that holds."""

    plan_id: str = Field(primary_key=True, max_length=36, foreign_key="plan.plan_id")
    approved_by: str = Field(max_length=200)
    approved_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class PlanItem(Table, table=True):
    __tablename__: ClassVar[Any] = "plan_item"
    __table_args__ = (one_of("action", Action),)

    plan_id: str = Field(primary_key=True, max_length=36, foreign_key="plan.plan_id")
    integration_id: int = Field(primary_key=True, foreign_key="integration.id")
    action: str = Field(max_length=10)
    reason: str = Field(max_length=40)
    #: Under whose credentials it was seen; another application is not what was approved.
    client_id: str | None = Field(default=None, max_length=128)
