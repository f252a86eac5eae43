"""When it was announced what an enable brought about; what ended before this counts as announced."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OWED = sa.text("announced_at IS NULL AND outcome IN ('confirmed', 'confirmed_by_looking')")


def upgrade() -> None:
    with op.batch_alter_table("attempt") as table:
        table.add_column(sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE attempt SET announced_at = closed_at")
    op.create_index("ix_attempt_owed", "attempt", ["closed_at", "id"], sqlite_where=_OWED, postgresql_where=_OWED)


def downgrade() -> None:
    op.drop_index("ix_attempt_owed", "attempt")
    with op.batch_alter_table("attempt") as table:
        table.drop_column("announced_at")
