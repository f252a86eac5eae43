"""A lease per customer, the request budget, the memory of failures, pauses, and what an import brought."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("customer") as table:
        table.add_column(sa.Column("locked_by", sa.String(length=36), nullable=True))
        table.add_column(sa.Column("locked_for", sa.String(length=36), nullable=True))
        table.add_column(sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("integration") as table:
        table.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("observed_since", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("lane", sa.String(length=10), nullable=True))
    # What is on record without a request of its own came from an import.
    op.execute("UPDATE integration SET imported_at = created_at WHERE requested_at IS NULL")
    op.execute(
        "UPDATE integration SET observed_since = coalesce(requested_at, created_at) WHERE observed = 'REQUESTED'"
    )
    op.create_table(
        "request_day",
        sa.Column("application", sa.String(length=128), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("realtime", sa.Integer(), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("nightly", sa.Integer(), nullable=False),
        sa.Column("backfill", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("learned_limit", sa.Integer(), nullable=True),
        sa.Column("parked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("application", "day", name="pk_request_day"),
    )
    op.create_table(
        "pause",
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_pause_customer_id"),
        sa.PrimaryKeyConstraint("customer_id", name="pk_pause"),
    )


def downgrade() -> None:
    op.drop_table("pause")
    op.drop_table("request_day")
    with op.batch_alter_table("integration") as table:
        for name in ("observed_since", "imported_at", "tries"):
            table.drop_column(name)
    with op.batch_alter_table("run") as table:
        table.drop_column("lane")
    with op.batch_alter_table("customer") as table:
        for name in ("locked_until", "locked_for", "locked_by"):
            table.drop_column(name)
