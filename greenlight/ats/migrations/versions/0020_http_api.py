"""The HTTP API: its keys, the answers to repeated calls, whose application is asked for, and whose secret is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("last_used_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_key"),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=False),
        sa.Column("customer_id", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name="pk_idempotency_key"),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.key_id"], name="fk_idempotency_key_key_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_idempotency_key_customer_id"),
    )
    op.create_index("ix_idempotency_key_customer_id", "idempotency_key", ["customer_id"])
    op.create_index("ix_idempotency_key_expires_at", "idempotency_key", ["expires_at"])
    op.create_table(
        "provisioning_request",
        sa.Column("customer_id", sa.String(128), nullable=False),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_provisioning_request"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_provisioning_request_customer_id"),
    )
    op.create_index("ix_provisioning_request_due_at", "provisioning_request", ["due_at"])
    op.add_column("child_application", sa.Column("secret_deleted_at", moment, nullable=True))
    op.execute(
        "UPDATE child_application SET works_since = NULL, secret_deleted_at = (SELECT forgotten_at FROM customer WHERE "
        "customer.customer_id = child_application.customer_id) WHERE customer_id IN "
        "(SELECT customer_id FROM customer WHERE forgotten_at IS NOT NULL)"
    )


def downgrade() -> None:
    # Not as a batch, which would make the table anew: views and triggers stand on it.
    op.execute("ALTER TABLE child_application DROP COLUMN secret_deleted_at")
    op.drop_table("provisioning_request")
    op.drop_table("idempotency_key")
    op.drop_table("api_key")
