"""Of which trouble somebody has been told, so that it is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("subject", sa.String(length=330), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_alarm_customer_id"),
        sa.PrimaryKeyConstraint("name", "customer_id", "subject", name="pk_alarm"),
    )
    with op.batch_alter_table("domains_record") as table:
        table.add_column(sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE domains_record SET announced_at = at")


def downgrade() -> None:
    with op.batch_alter_table("domains_record") as table:
        table.drop_column("announced_at")
    op.drop_table("alarm")
