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
_CHANGED = """
    OLD.observed <> NEW.observed OR OLD.reason <> NEW.reason
    OR (OLD.withdrawn_at IS NULL) <> (NEW.withdrawn_at IS NULL)
"""
# The moment is by the clock of whoever wrote the row, which goes by the database's.
_NOTE = """
    INSERT INTO integration_change (
        integration_id, at, wanted, status_before, status, outcome, reason, detail
    ) VALUES (
        NEW.id, COALESCE(NEW.withdrawn_at, NEW.checked_at, NEW.created_at), NEW.withdrawn_at IS NULL, OLD.observed,
        NEW.observed, NEW.outcome, NEW.reason, NEW.detail
    );
"""

_SQLITE = [
    f"""
    CREATE TRIGGER integration_changed AFTER UPDATE OF observed, reason, withdrawn_at ON integration
    WHEN {_CHANGED} BEGIN {_NOTE} END
    """,
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
    BEGIN {_NOTE} RETURN NULL; END $$
    """,
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


_VIEWS = {
    "greenlight_status_v1": (
        "i",
        """
        SELECT i.customer_id, k.customer_name, i.integration_context, i.integration_type, i.tenant_type,
            i.integration_name, i.withdrawn_at IS NULL AS wanted, i.observed AS status,
            i.observed_since AS status_since, i.observed_at AS looked_at, i.outcome, i.reason, i.detail, WHOSE_MOVE,
            i.condition_since AS reason_since, i.requested_at
        FROM integration AS i JOIN customer AS k ON k.customer_id = i.customer_id
        """,
    ),
    "greenlight_changes_v1": (
        "c",
        """
        SELECT c.number, c.at, i.customer_id, i.integration_context, i.integration_type, i.tenant_type, c.wanted,
            c.status_before, c.status, c.outcome, c.reason, c.detail, WHOSE_MOVE
        FROM integration_change AS c JOIN integration AS i ON i.id = c.integration_id
        WHERE c.number IS NOT NULL
        """,
    ),
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
    for name, (table, query) in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query.replace('WHOSE_MOVE', _whose_move(table))}")


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
