"""Where what is wanted comes from: a source's rows, each sync with it, and what of it the source has."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_LISTED = sa.text("listing IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "desired_sync",
        sa.Column("sync_id", sa.String(36), nullable=False),
        sa.Column("run_id", sa.String(36), nullable=True),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(12), nullable=True),
        sa.Column("detail", sa.String(300), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("losing", sa.Integer(), nullable=False),
        sa.Column("lost", sa.JSON(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("let_by", sa.String(200), nullable=True),
        sa.Column("let_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sync_id", name="pk_desired_sync"),
        sa.CheckConstraint(
            "outcome IN ('applied', 'held', 'unreadable', 'overtaken')", name=op.f("ck_desired_sync_outcome")
        ),
    )
    op.create_index("ix_desired_sync_run_id", "desired_sync", ["run_id"])
    op.create_index("ix_desired_sync_began_at", "desired_sync", ["began_at"])
    op.create_table(
        "desired_row",
        sa.Column("sync_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(128), nullable=True),
        sa.Column("customer_name", sa.String(200), nullable=True),
        sa.Column("client_id", sa.String(128), nullable=True),
        sa.Column("integration_context", sa.String(200), nullable=True),
        sa.Column("integration_type", sa.String(64), nullable=True),
        sa.Column("tenant_type", sa.String(64), nullable=True),
        sa.Column("integration_name", sa.String(200), nullable=True),
        sa.Column("field", sa.String(40), nullable=True),
        sa.Column("why", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("sync_id", "number", name="pk_desired_row"),
        sa.ForeignKeyConstraint(["sync_id"], ["desired_sync.sync_id"], name="fk_desired_row_sync_id"),
    )
    op.create_index("ix_desired_row_of_a_customer", "desired_row", ["sync_id", "customer_id"])
    op.add_column("integration", sa.Column("listing", sa.String(10), nullable=True))
    op.create_index(
        "ix_integration_listed", "integration", ["customer_id"], sqlite_where=_LISTED, postgresql_where=_LISTED
    )


def downgrade() -> None:
    op.drop_index("ix_integration_listed", "integration")
    # Not as a batch, which would make the table anew: views and triggers stand on it.
    op.execute("ALTER TABLE integration DROP COLUMN listing")
    op.drop_table("desired_row")
    op.drop_table("desired_sync")
