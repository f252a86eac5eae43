"""What a person has taken out of what is wanted, and customers that have left."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("integration") as table:
        table.add_column(sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("withdrawn_by", sa.String(length=200), nullable=True))
    with op.batch_alter_table("customer") as table:
        table.add_column(sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("customer") as table:
        table.drop_column("forgotten_at")
    with op.batch_alter_table("integration") as table:
        table.drop_column("withdrawn_by")
        table.drop_column("withdrawn_at")
