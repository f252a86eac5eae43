"""Plans that are used once, expire, and are approved; the fleet over time."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("plan") as table:
        table.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("used_by_run", sa.String(length=36), nullable=True))
        table.add_column(sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("plan_item") as table:
        table.add_column(sa.Column("client_id", sa.String(length=128), nullable=True))
    op.create_table(
        "approval",
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name="fk_approval_plan_id"),
        sa.PrimaryKeyConstraint("plan_id", name="pk_approval"),
    )
    op.create_table(
        "fleet_snapshot",
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("oldest_request_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("taken_at", name="pk_fleet_snapshot"),
    )


def downgrade() -> None:
    op.drop_table("fleet_snapshot")
    op.drop_table("approval")
    with op.batch_alter_table("plan_item") as table:
        table.drop_column("client_id")
    with op.batch_alter_table("plan") as table:
        for name in ("used_at", "used_by_run", "expires_at"):
            table.drop_column(name)
