"""Indexes that a night counts by, without a look at the rows: what is settled, new, or has vanished."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_SETTLED = sa.text(
    "withdrawn_at IS NULL AND observed = 'ENABLED' AND observed_at IS NOT NULL "
    "AND reason IN ('ENABLED', 'ALREADY_ENABLED')"
)
_NEW = sa.text("judged_at IS NULL")
_VANISHED = sa.text("vanished_at IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_integration_settled", "integration")
    _index_settled("customer_id", "observed_at", "observed", "reason", "withdrawn_at")
    op.create_index("ix_integration_new", "integration", ["id"], sqlite_where=_NEW, postgresql_where=_NEW)
    op.drop_index("ix_integration_vanished_at", "integration")
    op.create_index(
        "ix_integration_vanished",
        "integration",
        ["customer_id", "vanished_at"],
        sqlite_where=_VANISHED,
        postgresql_where=_VANISHED,
    )


def downgrade() -> None:
    op.drop_index("ix_integration_vanished", "integration")
    op.create_index("ix_integration_vanished_at", "integration", ["vanished_at"])
    op.drop_index("ix_integration_new", "integration")
    op.drop_index("ix_integration_settled", "integration")
    _index_settled("customer_id", "observed_at")


def _index_settled(*columns: str) -> None:
    op.create_index(
        "ix_integration_settled", "integration", list(columns), sqlite_where=_SETTLED, postgresql_where=_SETTLED
    )
