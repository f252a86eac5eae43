"""Webhooks: how far changes have been made into deliveries, and what became of each."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_PENDING = sa.text("delivered_at IS NULL AND failed_at IS NULL")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "webhook_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_place"),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("customer_id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("written_at", moment, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", moment, nullable=False),
        sa.Column("claimed_by", sa.String(36), nullable=True),
        sa.Column("claimed_until", moment, nullable=True),
        sa.Column("delivered_at", moment, nullable=True),
        sa.Column("failed_at", moment, nullable=True),
        sa.Column("detail", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
        sa.UniqueConstraint("event_id", name="uq_webhook_delivery_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_delivery_at", "webhook_delivery", ["at"])
    op.create_index(
        "ix_webhook_delivery_pending",
        "webhook_delivery",
        ["customer_id", "id"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    # What was noted of an integration before.
    op.create_index("ix_integration_change_integration_id_number", "integration_change", ["integration_id", "number"])
    op.create_index("ix_child_application_provisioned_at", "child_application", ["provisioned_at"])


def downgrade() -> None:
    op.drop_index("ix_child_application_provisioned_at", "child_application")
    op.drop_index("ix_integration_change_integration_id_number", "integration_change")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_place")
