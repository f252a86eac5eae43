"""What a guard began to hold and what is ENABLED no more, until somebody was told; what was before counts as told."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_UNTOLD = sa.text("announced_at IS NULL AND ended_at IS NULL")
_DRIFTED = sa.text("drifted_at IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("hold") as table:
        table.add_column(sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE hold SET announced_at = since")
    op.create_index("ix_hold_untold", "hold", ["id"], sqlite_where=_UNTOLD, postgresql_where=_UNTOLD)
    op.add_column("integration", sa.Column("drifted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_integration_drifted", "integration", ["id"], sqlite_where=_DRIFTED, postgresql_where=_DRIFTED)


def downgrade() -> None:
    op.drop_index("ix_integration_drifted", "integration")
    with op.batch_alter_table("integration") as table:
        table.drop_column("drifted_at")
    op.drop_index("ix_hold_untold", "hold")
    with op.batch_alter_table("hold") as table:
        table.drop_column("announced_at")
