"""On whose word something is enabled, and what a guard holds back, as rows; an attempt names its warrant and look."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_OUTCOMES = ("confirmed", "confirmed_by_looking", "refused", "not_applied")
_ONE_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "warrant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("integration_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=10), nullable=False),
        sa.Column("given_by", sa.String(length=200), nullable=True),
        sa.Column("given_at", _TIME, nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.CheckConstraint("word IN ('callback', 'import', 'plan', 'person')", name=op.f("ck_warrant_word")),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name="fk_warrant_integration_id"),
        sa.PrimaryKeyConstraint("id", name="pk_warrant"),
    )
    op.create_index("ix_warrant_integration_id", "warrant", ["integration_id"])
    op.create_table(
        "hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("integration_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("saw", sa.String(length=300), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("lifted_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name="fk_hold_integration_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hold"),
    )
    op.create_index("ix_hold_integration_id", "hold", ["integration_id"])
    op.create_index(
        "uq_hold_one_open",
        "hold",
        ["integration_id", "reason"],
        unique=True,
        sqlite_where=_ONE_OPEN,
        postgresql_where=_ONE_OPEN,
    )
    with op.batch_alter_table("attempt") as table:
        table.add_column(sa.Column("warrant_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("observed_at", _TIME, nullable=True))
        table.create_foreign_key("fk_attempt_warrant_id", "warrant", ["warrant_id"], ["id"])
        _allow(table, *_OUTCOMES, "replaced")
    with op.batch_alter_table("integration") as table:
        for name in ("effect_at", "vanished_at", "judged_at"):
            table.add_column(sa.Column(name, _TIME, nullable=True))
        table.add_column(sa.Column("vanished_from", sa.String(length=20), nullable=True))
    op.create_index("ix_integration_vanished_at", "integration", ["vanished_at"])
    op.execute("UPDATE integration SET effect_at = observed_at WHERE observed IN ('ENABLED', 'PARTNER_READY')")
    op.execute(
        "UPDATE integration SET judged_at = created_at "
        "WHERE EXISTS (SELECT 1 FROM run WHERE run.lane = 'nightly' AND run.finished_at > integration.created_at)"
    )
    op.execute(
        "INSERT INTO warrant (integration_id, word, given_at) "
        "SELECT id, 'import', imported_at FROM integration WHERE imported_at IS NOT NULL"
    )
    op.execute(
        "INSERT INTO warrant (integration_id, word, given_at) "
        "SELECT id, 'callback', requested_at FROM integration WHERE requested_at IS NOT NULL"
    )
    op.execute(
        "INSERT INTO hold (integration_id, reason, saw, since) "
        "SELECT id, reason, coalesce(detail, ''), coalesce(condition_since, created_at) FROM integration "
        "WHERE reason = 'WANTED_SET_JUMPED'"
    )
    with op.batch_alter_table("integration") as table:
        table.drop_column("imported_at")


def downgrade() -> None:
    with op.batch_alter_table("integration") as table:
        table.add_column(sa.Column("imported_at", _TIME, nullable=True))
    op.execute(
        "UPDATE integration SET imported_at = (SELECT min(given_at) FROM warrant "
        "WHERE warrant.integration_id = integration.id AND warrant.word = 'import')"
    )
    op.drop_index("ix_integration_vanished_at", "integration")
    with op.batch_alter_table("integration") as table:
        for name in ("vanished_from", "judged_at", "vanished_at", "effect_at"):
            table.drop_column(name)
    op.execute("UPDATE attempt SET outcome = 'not_applied' WHERE outcome = 'replaced'")
    with op.batch_alter_table("attempt") as table:
        _allow(table, *_OUTCOMES)
        table.drop_constraint("fk_attempt_warrant_id", type_="foreignkey")
        table.drop_column("observed_at")
        table.drop_column("warrant_id")
    op.drop_table("hold")
    op.drop_table("warrant")


def _allow(table: BatchOperations, *outcomes: str) -> None:
    table.drop_constraint(op.f("ck_attempt_outcome"), type_="check")
    listed = ", ".join(f"'{outcome}'" for outcome in outcomes)
    table.create_check_constraint(op.f("ck_attempt_outcome"), f"outcome IN ({listed})")
