"""An enable that LinkedIn confirmed stays open until a look shows it; a look knows under which application it was."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: The newest attempt of each integration, if LinkedIn confirmed it and no look has shown the effect.
_NOT_SHOWN = """
SELECT max(attempt.id) FROM attempt JOIN integration ON integration.id = attempt.integration_id
WHERE integration.observed = 'REQUESTED' AND attempt.outcome = 'confirmed'
AND attempt.closed_at >= integration.observed_at
AND NOT EXISTS (SELECT 1 FROM attempt AS other WHERE other.integration_id = attempt.integration_id
                AND other.closed_at IS NULL)
GROUP BY attempt.integration_id
"""


def upgrade() -> None:
    with op.batch_alter_table("attempt") as table:
        table.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("integration") as table:
        table.add_column(sa.Column("observed_client_id", sa.String(length=128), nullable=True))
    op.execute(
        "UPDATE attempt SET confirmed_at = closed_at, closed_at = NULL, outcome = NULL "  # noqa: S608 - fixed text
        f"WHERE id IN ({_NOT_SHOWN})"
    )


def downgrade() -> None:
    op.execute("UPDATE attempt SET closed_at = confirmed_at, outcome = 'confirmed' WHERE confirmed_at IS NOT NULL")
    with op.batch_alter_table("integration") as table:
        table.drop_column("observed_client_id")
    with op.batch_alter_table("attempt") as table:
        table.drop_column("confirmed_at")
