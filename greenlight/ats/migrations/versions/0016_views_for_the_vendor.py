"""What the vendor's own systems may read: how each integration stands, and each change of that in order."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

#: Whose move each reason is; all others are the operator's own.
_MOVES = {
    "nobody": (
        "ENABLED",
        "ALREADY_ENABLED",
        "THROTTLED",
        "WITHDRAWN",
        "RESTING",
        "SHARE_SPENT",
        "NOT_DUE",
        "APPLICATION_WORKS",
    ),
    "customer": ("NOT_REQUESTED", "AWAITING_CUSTOMER", "REJECTED_REQUEST"),
    "linkedin": ("LINKEDIN_UNAVAILABLE", "UNREADABLE_ANSWER", "CONFIRMED_NOT_SHOWN", "APPLICATION_NOT_READY"),
}
_NOTED = "integration_id, at, wanted, status_before, status, outcome, reason, detail"
_CHANGED = """
    OLD.observed <> NEW.observed OR OLD.reason <> NEW.reason
    OR (OLD.withdrawn_at IS NULL) <> (NEW.withdrawn_at IS NULL)
"""
#: By the clock of whoever wrote it, which goes by the database's.
_MOMENT = "COALESCE(NEW.withdrawn_at, NEW.checked_at, NEW.created_at)"
_NEW = "NEW.withdrawn_at IS NULL, OLD.observed, NEW.observed, NEW.outcome, NEW.reason, NEW.detail"

_SQLITE = [
    f"""
    CREATE TRIGGER integration_changed AFTER UPDATE OF observed, reason, withdrawn_at ON integration
    WHEN {_CHANGED}
    BEGIN
        INSERT INTO integration_change ({_NOTED})
        VALUES (NEW.id, {_MOMENT}, {_NEW});
    END
    """,  # noqa: S608 - all of it stands above
    # One writes at a time here, so the order of ids is that of the transactions.
    """
    CREATE TRIGGER integration_change_numbered AFTER INSERT ON integration_change
    BEGIN
        UPDATE integration_change SET number = NEW.id WHERE id = NEW.id;
    END
    """,
]
_POSTGRESQL = [
    "CREATE SEQUENCE integration_change_number AS bigint",
    f"""
    CREATE FUNCTION greenlight_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO integration_change ({_NOTED}) VALUES (NEW.id, {_MOMENT}, {_NEW});
        RETURN NULL;
    END $$
    """,  # noqa: S608 - as above
    f"""
    CREATE TRIGGER integration_changed AFTER UPDATE OF observed, reason, withdrawn_at ON integration
    FOR EACH ROW WHEN ({_CHANGED}) EXECUTE FUNCTION greenlight_note_change()
    """,
    # Transactions that end one after another are numbered in that order: the lock is held until the end of each, and
    # it is the last one that they take, so nobody who holds it waits for anybody else.
    """
    CREATE FUNCTION greenlight_number_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('greenlight integration_change'));
        UPDATE integration_change SET number = nextval('integration_change_number') WHERE id = NEW.id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER integration_change_numbered AFTER INSERT ON integration_change
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION greenlight_number_change()
    """,
]


def _whose_move(table: str) -> str:
    cases = (
        f"WHEN {table}.reason IN ({', '.join(map(repr, reasons))}) THEN '{who}'" for who, reasons in _MOVES.items()
    )
    return f"CASE {' '.join(cases)} ELSE 'us' END AS whose_move"


_KEY = "i.integration_context, i.integration_type, i.tenant_type"
_VIEWS = {
    "greenlight_status_v1": f"""
        SELECT i.customer_id, k.customer_name, {_KEY}, i.integration_name, i.withdrawn_at IS NULL AS wanted,
            i.observed AS status, i.observed_since AS status_since, i.observed_at AS looked_at, i.outcome, i.reason,
            i.detail, {_whose_move("i")}, i.condition_since AS reason_since, i.requested_at
        FROM integration AS i JOIN customer AS k ON k.customer_id = i.customer_id
    """,  # noqa: S608 - as above
    "greenlight_changes_v1": f"""
        SELECT c.number, c.at, i.customer_id, {_KEY}, c.wanted, c.status_before, c.status, c.outcome, c.reason,
            c.detail, {_whose_move("c")}
        FROM integration_change AS c JOIN integration AS i ON i.id = c.integration_id
        WHERE c.number IS NOT NULL
    """,  # noqa: S608 - as above
}


def upgrade() -> None:
    op.create_table(
        "integration_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("integration_id", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("status_before", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("detail", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_integration_change"),
        sa.UniqueConstraint("number", name="uq_integration_change_number"),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name="fk_integration_change_integration_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_integration_change_at", "integration_change", ["at"])
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in _VIEWS:
        op.execute(f"DROP VIEW {name}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER integration_changed ON integration")
        op.drop_table("integration_change")
        for function in ("greenlight_note_change", "greenlight_number_change"):
            op.execute(f"DROP FUNCTION {function}()")
        op.execute("DROP SEQUENCE integration_change_number")
    else:
        op.execute("DROP TRIGGER integration_changed")
        op.drop_table("integration_change")
