"""When an integration is due for a look or another try in the real-time lane."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("integration") as table:
        table.add_column(sa.Column("look_due_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_integration_look_due_at", "integration", ["look_due_at"])


def downgrade() -> None:
    op.drop_index("ix_integration_look_due_at", "integration")
    with op.batch_alter_table("integration") as table:
        table.drop_column("look_due_at")
