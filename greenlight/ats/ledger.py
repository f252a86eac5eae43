"""The ledger's tables: whose word an enable rests on, what holds it back, each that was begun, and what was told."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from greenlight.ats.columns import UtcDateTime
from greenlight.ats.tables import Table, one_of
from greenlight.domain.conditions import AttemptOutcome


class Word(StrEnum):
    """Whose word a warrant is. That somebody opened the customers' page is none."""

    #: The plugin's callback named it.
    CALLBACK = "callback"
    #: An import brought it in, or a source of what is wanted.
    IMPORT = "import"
    #: A person approved a plan that enables it.
    PLAN = "plan"
    #: A person named the customer for a run.
    PERSON = "person"


class Warrant(Table, table=True):
    """Somebody's word that an integration may be enabled. It is used up once a later look has shown the effect."""

    __table_args__ = (one_of("word", Word),)

    id: int | None = Field(default=None, primary_key=True)
    integration_id: int = Field(foreign_key="integration.id", index=True)
    word: str = Field(max_length=10)
    #: The session's digest, the source, the approver, or who started the run.
    given_by: str | None = Field(default=None, max_length=200)
    given_at: datetime = Field(sa_type=UtcDateTime)
    #: The only run that it is good for; None is any.
    run_id: str | None = Field(default=None, max_length=36)


#: A guard's no that stands, and that nobody was told of.
_UNTOLD = "announced_at IS NULL AND ended_at IS NULL"


class Hold(Table, table=True):
    """A guard's no to enabling an integration: which guard, what it saw, since when; and whose word ended it."""

    __table_args__ = (
        Index(
            "uq_hold_one_open",
            "integration_id",
            "reason",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        # As `announcements.holds` says it, word for word, since SQLite compares the words.
        Index("ix_hold_untold", "id", sqlite_where=text(_UNTOLD), postgresql_where=text(_UNTOLD)),
    )

    id: int | None = Field(default=None, primary_key=True)
    integration_id: int = Field(foreign_key="integration.id", index=True)
    reason: str = Field(max_length=40)
    #: What the guard saw, for people.
    saw: str = Field(max_length=300)
    since: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    #: The person who lifted it; None where what it saw is back.
    lifted_by: str | None = Field(default=None, max_length=200)
    #: When somebody was told of it.
    announced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Alarm(Table, table=True):
    """That somebody was told of a trouble, which is not over yet. Without a subject it is the customer's."""

    #: The event's.
    name: str = Field(primary_key=True, max_length=60)
    customer_id: str = Field(primary_key=True, max_length=128, foreign_key="customer.customer_id")
    #: The integration's key in words, where it is one's.
    subject: str = Field(default="", primary_key=True, max_length=330)
    told_at: datetime = Field(sa_type=UtcDateTime)


#: Took effect, and nobody has announced it.
_OWED = "announced_at IS NULL AND outcome IN ('confirmed', 'confirmed_by_looking')"


class Attempt(Table, table=True):
    """One enable: the intent, committed before the request leaves, and its end. At most one is open per integration."""

    __table_args__ = (
        Index(
            "uq_attempt_one_open",
            "integration_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        # As `announcements.owed` says it, word for word, since SQLite compares the words.
        Index(
            "ix_attempt_owed",
            "closed_at",
            "id",
            sqlite_where=text(_OWED),
            postgresql_where=text(_OWED),
        ),
        one_of("outcome", AttemptOutcome),
        CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name="open_has_no_end"),
    )

    id: int | None = Field(default=None, primary_key=True)
    integration_id: int = Field(foreign_key="integration.id", index=True)
    run_id: str = Field(max_length=36, index=True)
    client_id: str = Field(max_length=128)
    #: On whose word; None is an attempt of a version that did not keep it.
    warrant_id: int | None = Field(default=None, foreign_key="warrant.id", index=True)
    #: The look that it rests on was asked for then.
    observed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    #: Until then the request may still land, so a look that shows REQUESTED proves nothing.
    settles_at: datetime = Field(sa_type=UtcDateTime)
    #: When LinkedIn confirmed it; open all the same until a look shows the effect.
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str | None = Field(default=None, max_length=30)
    reason: str | None = Field(default=None, max_length=40)
    detail: str | None = Field(default=None, max_length=300)
    #: When it was announced what it brought about; of one without effect there is nothing to announce.
    announced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
