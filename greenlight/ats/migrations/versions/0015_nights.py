"""Indexes for a night in which nothing happens, and when the next recheck is."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SHOWN = "observed = 'ENABLED' AND observed_at IS NOT NULL AND reason IN ('ENABLED', 'ALREADY_ENABLED')"
_OPEN = sa.text(f"withdrawn_at IS NULL AND NOT ({_SHOWN})")
_SETTLED = sa.text(f"withdrawn_at IS NULL AND {_SHOWN}")


def upgrade() -> None:
    op.create_index("ix_integration_open", "integration", ["customer_id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index(
        "ix_integration_settled",
        "integration",
        ["customer_id", "observed_at"],
        sqlite_where=_SETTLED,
        postgresql_where=_SETTLED,
    )
    op.add_column("run", sa.Column("next_recheck_on", sa.Date(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("run") as table:
        table.drop_column("next_recheck_on")
    op.drop_index("ix_integration_settled", "integration")
    op.drop_index("ix_integration_open", "integration")
