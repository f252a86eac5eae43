"""On which origin a session's token is good; a session that a cookie carries has none."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("visit", sa.Column("origin", sa.String(300), nullable=True))


def downgrade() -> None:
    # An older release would take a token for a cookie's session.
    op.execute("UPDATE visit SET expires_at = opened_at WHERE origin IS NOT NULL")
    with op.batch_alter_table("visit") as table:
        table.drop_column("origin")
